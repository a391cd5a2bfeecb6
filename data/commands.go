package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Command is something a device is asked to do, as an encoder gets it.
type Command struct {
	// Type is one of the kinds of the field: "custom", "engineStop",
	// "positionPeriodic", ...
	Type string
	// UniqueID is the device's identity, for protocols that write it into
	// every command.
	UniqueID string
	// Attributes are the parameters: "data", "frequency" (seconds), ...
	Attributes Attributes
}

// CommandState is how far a command has come.
type CommandState string

// The states of a command: queued -> sent -> acknowledged -> confirmed is the
// way of one that works; the others end it.
const (
	// CommandQueued waits for the device.
	CommandQueued CommandState = "queued"
	// CommandSent is written down before the first byte leaves, so that no
	// command is ever sent twice.
	CommandSent CommandState = "sent"
	// CommandAcknowledged has arrived: the device's protocol says so.
	CommandAcknowledged CommandState = "acknowledged"
	// CommandConfirmed is done: the device has answered in its own words, or a
	// later report shows it.
	CommandConfirmed CommandState = "confirmed"
	// CommandFailed was not sent, or the device refused it; the text says why.
	CommandFailed CommandState = "failed"
	// CommandExpired was not sent, or not answered, in time.
	CommandExpired CommandState = "expired"
	// CommandCancelled was taken back before it was sent.
	CommandCancelled CommandState = "cancelled"
)

// OpenCommandStates are those that something may still happen to.
var OpenCommandStates = []CommandState{CommandQueued, CommandSent, CommandAcknowledged}

// Open tells whether something may still happen to a command in this state.
func (s CommandState) Open() bool { return slices.Contains(OpenCommandStates, s) }

// Valid tells whether s is one of the states.
func (s CommandState) Valid() bool {
	return s.Open() || s == CommandConfirmed || s == CommandFailed || s == CommandExpired || s == CommandCancelled
}

const (
	// CommandTTL is how long a command waits for its device and its answer.
	CommandTTL = time.Hour
	// EngineStopTTL is the same for engineStop: what was right when somebody
	// asked for it may be dangerous later.
	EngineStopTTL = 5 * time.Minute
	// MaxCommandTTL bounds what people may ask for.
	MaxCommandTTL = 30 * 24 * time.Hour
	// CommandAnswerTime is how long an answer is waited for at least, however
	// late the command was sent.
	CommandAnswerTime = 2 * time.Minute
	// CommandSentNow is how soon a command must leave to count as sent at once.
	CommandSentNow = 2 * time.Second
	// InterlockSpeedKmh is the speed above which an engine is not stopped, unless
	// somebody says otherwise.
	InterlockSpeedKmh = 20
	// InterlockAge is how old the last known speed may be.
	InterlockAge = 5 * time.Minute
	// MaxQueuedCommands bounds the commands that wait for one device.
	MaxQueuedCommands = 100
	// MaxCommandResult bounds the text of an answer that is kept, in bytes.
	MaxCommandResult = 4 << 10
)

// DefaultCommandTTL is how long a command of a type waits.
func DefaultCommandTTL(kind string) time.Duration {
	if kind == "engineStop" {
		return EngineStopTTL
	}
	return CommandTTL
}

// QueuedCommand is a command on its way to a device.
type QueuedCommand struct {
	// ID is given by the store; the commands of a device are sent in its order.
	ID       int64
	DeviceID int64
	// UserID is who asked for it; 0 if that was no user.
	UserID     int64
	Type       string
	Attributes Attributes
	// AfterReport: send it only right after the device has spoken.
	AfterReport bool
	// InterlockKmh is the speed above which it must not be sent; 0 is no limit.
	InterlockKmh float64
	State        CommandState
	// CreatedAt is when it was asked for, SentAt when it left (zero: not yet),
	// ChangedAt when State changed, UTC.
	CreatedAt, SentAt, ChangedAt time.Time
	// ExpiresAt is until when it may be sent and then answered, UTC.
	ExpiresAt time.Time
	// Owner is the tracker that took it; empty while it is queued.
	Owner string
	// Text is the device's answer, or why the command failed.
	Text string
}

// Change is what the bus says of the command.
func (c *QueuedCommand) Change() CommandChange {
	return CommandChange{
		ID: c.ID, DeviceID: c.DeviceID, Type: c.Type, State: c.State, Text: c.Text,
		CreatedAt: c.CreatedAt, Time: c.ChangedAt,
	}
}

// CommandStep is one change of a command.
type CommandStep struct {
	State CommandState
	// Time is when it happened, UTC.
	Time time.Time
	// Text is the device's answer, or why the command failed.
	Text string
	// Owner is the tracker that did it, empty if none did.
	Owner string
}

// CommandAnswer is what a frame says about the oldest command that the device
// has not answered yet.
type CommandAnswer struct {
	// Refused: the device will not do it. Otherwise it has arrived.
	Refused bool
	// Text is for people; may be empty.
	Text string
}

// SavedCommand is a command that is kept to be sent again and again.
type SavedCommand struct {
	ID int64 `json:"id"`
	// DeviceID is 0: clients expect the field of every command.
	DeviceID    int64  `json:"deviceId"`
	Type        string `json:"type"`
	Description Text   `json:"description"`
	// TextChannel commands go by SMS.
	TextChannel bool       `json:"textChannel"`
	Attributes  Attributes `json:"attributes"`
}

// Kind implements Object.
func (*SavedCommand) Kind() ObjectKind { return CommandKind }

// Fields implements Object.
func (c *SavedCommand) Fields() Fields { return Fields{ID: &c.ID, Name: string(c.Description)} }

// CommandChange says that a command was queued, or what has become of it.
type CommandChange struct {
	ID       int64        `json:"id"`
	DeviceID int64        `json:"deviceId"`
	Type     string       `json:"type"`
	State    CommandState `json:"state"`
	// Text is the device's answer, or why the command failed.
	Text string `json:"text,omitempty"`
	// CreatedAt is when the command was asked for, Time when it changed, UTC.
	CreatedAt time.Time `json:"createdAt"`
	Time      time.Time `json:"time"`
}

// DeviceHolder says that a device has connected to a tracker: any connection of
// it that another tracker holds is stale.
type DeviceHolder struct {
	DeviceID int64  `json:"deviceId"`
	Tracker  string `json:"tracker"`
}

// The types of events that come from commands.
const (
	EventCommandResult     = "commandResult"
	EventQueuedCommandSent = "queuedCommandSent"
)

// Event is the change as an event; ok is false if clients know none for it: an
// answer is a commandResult, and a command that had to wait is a
// queuedCommandSent when it leaves.
func (c *CommandChange) Event() (e Event, ok bool) {
	e = Event{DeviceID: c.DeviceID, Time: c.Time, ServerTime: c.Time, Detail: strconv.FormatInt(c.ID, 10)}
	switch {
	case c.State == CommandConfirmed, c.State == CommandFailed:
		e.Type = EventCommandResult
	case c.State == CommandSent && c.Time.Sub(c.CreatedAt) >= CommandSentNow:
		e.Type = EventQueuedCommandSent
	default:
		return Event{}, false
	}
	e.Attributes = Attributes{{"commandId", Int(c.ID)}, {"command", String(c.Type)}, {"state", String(string(c.State))}}
	e.Attributes.SetString("result", c.Text)
	message := c.Type + ": " + string(c.State)
	if c.Text != "" {
		message += ", " + c.Text
	}
	e.Attributes.SetString("message", message)
	return e, true
}

// Interlock tells why the command may not be sent to a device whose last fix is
// p, nil for none; "" if it may. unknown says that it cannot be told now: the
// speed is not known, or too old.
func (c *QueuedCommand) Interlock(p *Position, now time.Time) (why string, unknown bool) {
	if c.InterlockKmh <= 0 {
		return "", false
	}
	if p == nil || !p.Valid || p.Outdated || p.FixTime.Before(now.Add(-InterlockAge)) || p.FixTime.After(now.Add(InterlockAge)) {
		return fmt.Sprintf("the speed of the vehicle is not known (no valid fix in the last %d minutes), and it must not be above %g km/h", int(InterlockAge.Minutes()), c.InterlockKmh), true
	}
	if kmh := p.SpeedKnots * 1.852; kmh > c.InterlockKmh { // a knot is 1.852 km/h
		return fmt.Sprintf("the vehicle moves at %g km/h, and must not be faster than %g km/h", math.Round(kmh), c.InterlockKmh), false
	}
	return "", false
}

// ShownBy tells whether a report shows that the command was carried out, and
// what shows it.
func (c *QueuedCommand) ShownBy(p *Position) (what string, shown bool) {
	if p.DeviceTime.Before(c.SentAt.Truncate(time.Second)) {
		return "", false // from before
	}
	flag := func(key string, want bool) (string, bool) {
		v, ok := p.Attributes.Get(key).Bool()
		return fmt.Sprintf("%s is %t", key, v), ok && v == want
	}
	switch c.Type {
	case "engineStop", "engineResume":
		return flag("blocked", c.Type == "engineStop")
	case "alarmArm", "alarmDisarm":
		return flag("armed", c.Type == "alarmArm")
	case "outputControl":
		on, known := switchedOn(c.Attributes.Get("data"))
		if index, ok := c.Attributes.Get("index").Float(); ok && known {
			return flag("out"+strconv.Itoa(int(index)), on)
		}
	case "positionSingle":
		if !p.Outdated && !p.FixTime.Before(c.SentAt.Truncate(time.Second)) {
			return "a new position", true
		}
	}
	return "", false
}

func switchedOn(v Value) (on, known bool) {
	switch v.String() {
	case "1", "1.0", "true":
		return true, true
	case "0", "0.0", "false":
		return false, true
	}
	return false, false
}

// AuditEntry says who did what.
type AuditEntry struct {
	ID int64
	// Time is UTC.
	Time time.Time
	// UserID is who did it; 0 if that was no user.
	UserID int64
	// Address is where from: an IP address, or empty.
	Address string
	// Action is "create", "update", "delete", "send", "cancel", ...
	Action string
	// ObjectType is "command", "device", ...; ObjectID is its id, 0 for none.
	ObjectType string
	ObjectID   int64
	// Attributes are what else is worth knowing. No secrets.
	Attributes map[string]any
}

// Apply writes a step into the command: ErrConflict if it cannot be taken.
func (c *QueuedCommand) Apply(s CommandStep) error {
	switch s.State {
	case CommandQueued: // it did not leave after all
		c.SentAt, c.Owner = time.Time{}, ""
	case CommandSent:
		if !c.ExpiresAt.After(s.Time) {
			return fmt.Errorf("the command has expired: %w", ErrConflict)
		}
		c.SentAt, c.Owner = s.Time, s.Owner
		if answered := s.Time.Add(CommandAnswerTime); c.ExpiresAt.Before(answered) {
			c.ExpiresAt = answered
		}
	}
	c.State, c.ChangedAt = s.State, s.Time
	if s.Text != "" || s.State == CommandQueued {
		c.Text = s.Text
	}
	return nil
}

// Expiry is the step of a command whose time is over.
func (c *QueuedCommand) Expiry(now time.Time) CommandStep {
	s := CommandStep{State: CommandExpired, Time: now, Text: "the device was not reached in time"}
	switch c.State {
	case CommandSent:
		s.Text = "sent, but the device has not answered"
	case CommandAcknowledged:
		s.Text = "it has arrived, but nothing shows that it was carried out"
	}
	return s
}
