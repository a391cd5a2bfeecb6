package notify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/storage"
)

// web shows an event in the open pages of the account. Those opened later ask
// the API. The event's id tells a page that it has it already.
type web struct{ bus Bus }

func (*web) Name() string              { return data.ChannelWeb }
func (*web) Missing(*data.User) string { return "" }

func (w *web) Send(_ context.Context, u *data.User, d *data.Delivery) error {
	var details struct {
		Event json.RawMessage `json:"event"`
	}
	if err := json.Unmarshal(d.Details, &details); err != nil || len(details.Event) == 0 || string(details.Event) == "null" {
		e := data.Event{Type: "announcement", Time: d.CreatedAt}
		e.Attributes.SetString("message", d.Subject+": "+d.Text)
		details.Event = e.AppendJSON(nil)
	}
	return w.bus.PublishNotice(data.Notice{UserID: u.ID, DeviceID: d.DeviceID, Event: details.Event})
}

// mails writes to the e-mail of the account. A mail that is sent again has the
// same Message-ID, by which mailboxes know it.
type mails struct{ sender Mailer }

func (*mails) Name() string { return data.ChannelMail }

func (*mails) Missing(u *data.User) string {
	if u.Email == "" {
		return "the account has no e-mail"
	}
	return ""
}

func (m *mails) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	err := m.sender.Send(ctx, mail.Message{To: u.Email, Subject: d.Subject, Text: d.Subject + "\n" + d.Text + "\n", ID: id(d)})
	if errors.Is(err, data.ErrInvalid) {
		return final("%v", err)
	}
	return err
}

// command sends a saved command of the account to the device. The command that
// waits carries the key of the delivery, so that it is queued once.
type command struct {
	store Store
	bus   Bus
	now   func() time.Time
}

// keyOfCommand is the attribute of a command with the key of its delivery.
const keyOfCommand = "delivery"

// recentCommands is how many commands of a device are searched for one that a
// crash left unsaid.
const recentCommands = 2 * data.MaxQueuedCommands

func (*command) Name() string { return data.ChannelCommand }

func (*command) Missing(u *data.User) string {
	if u.Readonly || u.Temporary {
		return "the account may look at things, not command devices"
	}
	return ""
}

func (c *command) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	var details struct {
		CommandID int64 `json:"commandId"`
	}
	if err := json.Unmarshal(d.Details, &details); err != nil || details.CommandID == 0 || d.DeviceID == 0 {
		return final("the notification has no command (commandId) or there is no device")
	}
	saved, err := storage.FindObject[data.SavedCommand, *data.SavedCommand](ctx, c.store, details.CommandID)
	if errors.Is(err, data.ErrNotFound) {
		return final("the saved command is gone")
	}
	if err != nil {
		return err
	}
	if saved.TextChannel {
		return final("commands cannot be sent by SMS here")
	}
	device, err := c.store.Device(ctx, d.DeviceID)
	if err != nil {
		return err
	}
	now := c.now().UTC().Truncate(time.Millisecond)
	if !device.Accepts(now) {
		return final("the device is disabled or has expired")
	}
	if d.Attempts > 1 {
		if queued, err := c.queued(ctx, d); queued || err != nil {
			return err
		}
	}
	q := &data.QueuedCommand{
		DeviceID: d.DeviceID, UserID: u.ID, Type: saved.Type, Attributes: append(data.Attributes{}, saved.Attributes...),
		CreatedAt: now, ExpiresAt: now.Add(data.DefaultCommandTTL(saved.Type)),
	}
	q.AfterReport, _ = q.Attributes.Get("afterReport").Bool()
	if interlock, _ := q.Attributes.Get("interlock").Bool(); interlock || q.Type == "engineStop" {
		q.InterlockKmh = data.InterlockSpeedKmh // nobody is there to force it
	}
	q.Attributes.SetString(keyOfCommand, d.Key)
	if err := c.store.QueueCommand(ctx, q); err != nil {
		return err
	}
	return c.bus.PublishCommand(q.Change())
}

// queued tells whether the command of a delivery waits already, or has left.
func (c *command) queued(ctx context.Context, d *data.Delivery) (bool, error) {
	recent, err := c.store.ListCommands(ctx, storage.CommandFilter{DeviceIDs: []int64{d.DeviceID}, Newest: true, Limit: recentCommands})
	if err != nil {
		return false, err
	}
	for i := range recent {
		if recent[i].Attributes.Get(keyOfCommand).String() == d.Key {
			return true, c.bus.PublishCommand(recent[i].Change())
		}
	}
	return false, nil
}
