package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	maxCommandText = 128
	// maxCommandAttributes bounds the attributes of a command in bytes of JSON.
	maxCommandAttributes = 32 << 10
)

// commandBody is what clients send of a command.
type commandBody struct {
	ID          int64           `json:"id"`
	DeviceID    int64           `json:"deviceId"`
	Type        string          `json:"type"`
	TextChannel bool            `json:"textChannel"`
	Attributes  data.Attributes `json:"attributes"`
}

// sendCommand sends a command to a device, a saved one by its id, or one of its
// own: 200 if it left at once, 202 if it waits for the device. With ?groupId it
// goes to every device of a group.
func (s *Server) sendCommand(w http.ResponseWriter, r *http.Request) error {
	if err := mayCommand(viewerOf(r)); err != nil {
		return err
	}
	var body commandBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if groupID, err := q.number("groupId"); err != nil || groupID != 0 {
		if err != nil {
			return err
		}
		return s.sendToGroup(w, r, groupID, &body)
	}
	device, err := s.commandDevice(r, body.DeviceID)
	if err != nil {
		return err
	}
	description, err := s.completeCommand(r, &device, &body)
	if err != nil {
		return err
	}
	c, err := s.newCommand(r, &device, &body)
	if err != nil {
		return err
	}
	if err := s.queueCommand(r, c); err != nil {
		return err
	}
	noQueue, _ := c.Attributes.Get("noQueue").Bool()
	if !s.leaves(r.Context(), c, &device) && noQueue {
		if cancelled, err := s.cancel(r.Context(), c.ID); err == nil {
			*c = cancelled
		}
	}
	return s.writeSent(w, c, description)
}

// completeCommand puts a saved command in the place of its id and checks what
// there is to send. It returns the description of a saved command, "" of others.
func (s *Server) completeCommand(r *http.Request, d *data.Device, body *commandBody) (description string, err error) {
	if body.ID != 0 {
		list, err := s.usableCommands(r, d)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(list, func(c data.SavedCommand) bool { return c.ID == body.ID })
		if i < 0 {
			return "", errNoSuchObject
		}
		saved := &list[i]
		body.Type, body.Attributes, body.TextChannel = saved.Type, saved.Attributes, saved.TextChannel
		description = string(saved.Description)
	} else if viewerOf(r).LimitCommands() {
		return "", fmt.Errorf("%w: your account may send saved commands only", data.ErrDenied)
	}
	if body.TextChannel {
		return "", invalid("commands cannot be sent by SMS here: leave textChannel out")
	}
	return description, checkCommand(&body.Type, body.Attributes)
}

// checkCommand cleans the fields that all commands have.
func checkCommand(kind *string, a data.Attributes) error {
	clean, err := text("the type", kind, maxCommandText)
	if err != nil {
		return err
	}
	if clean == "" {
		return invalid("the type of the command is missing")
	}
	*kind = clean
	if len(a.AppendJSON(nil)) > maxCommandAttributes {
		return invalid("the attributes are longer than %d bytes", maxCommandAttributes)
	}
	return nil
}

// newCommand makes a command of what was sent, if the device knows it and may
// have it now.
func (s *Server) newCommand(r *http.Request, device *data.Device, body *commandBody) (*data.QueuedCommand, error) {
	now := s.deps.Now().UTC().Truncate(time.Millisecond)
	if !device.Accepts(now) {
		return nil, invalid("the device is disabled or has expired")
	}
	last, err := s.lastPosition(r.Context(), device.ID)
	if err != nil {
		return nil, err
	}
	types, err := s.commandTypes(last)
	// Without a tracker nobody knows; the one that sends it finds out.
	if err == nil && last != nil && !slices.Contains(types, body.Type) {
		return nil, invalid("devices that speak %s do not know the command %s; they know: %s", last.Protocol, body.Type, strings.Join(types, ", "))
	}
	ttl, err := commandTTL(body)
	if err != nil {
		return nil, err
	}
	c := &data.QueuedCommand{
		DeviceID: device.ID, UserID: identityOf(r).user.ID, Type: body.Type, Attributes: body.Attributes,
		CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
	c.AfterReport, _ = c.Attributes.Get("afterReport").Bool()
	stops, _ := c.Attributes.Get("interlock").Bool()
	forced, _ := c.Attributes.Get("force").Bool()
	if (stops || c.Type == "engineStop") && !forced {
		c.InterlockKmh = s.interlockSpeed(device)
	}
	if why, _ := c.Interlock(last, now); why != "" {
		if err := s.auditCommand(r, "refuse", 0, map[string]any{"type": c.Type, "deviceId": c.DeviceID, "reason": why}); err != nil {
			return nil, err
		}
		return nil, invalid("%s: the command is dangerous then; the attribute force: true sends it all the same", why)
	}
	return c, nil
}

func commandTTL(body *commandBody) (time.Duration, error) {
	v := body.Attributes.Get("ttl")
	if v.Kind() == data.KindNone {
		return data.DefaultCommandTTL(body.Type), nil
	}
	seconds, ok := v.Float()
	if !ok || seconds < 1 || seconds > data.MaxCommandTTL.Seconds() {
		return 0, invalid("the attribute ttl is not 1 to %d seconds", int(data.MaxCommandTTL.Seconds()))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// interlockSpeed is the speed in km/h above which the engine of a device is not
// stopped: its attribute "interlockSpeed", else the server's.
func (s *Server) interlockSpeed(d *data.Device) float64 {
	if kmh, ok := d.Attributes["interlockSpeed"].(float64); ok && kmh > 0 {
		return kmh
	}
	return s.interlockKmh
}

// queueCommand stores a command, writes down who wants it, and lets the
// trackers know.
func (s *Server) queueCommand(r *http.Request, c *data.QueuedCommand) error {
	if err := s.deps.Store.QueueCommand(r.Context(), c); err != nil {
		if errors.Is(err, data.ErrConflict) {
			return fmt.Errorf("%w: %d commands wait for the device already, cancel some first", data.ErrConflict, data.MaxQueuedCommands)
		}
		return hidden(err)
	}
	forced, _ := c.Attributes.Get("force").Bool()
	err := s.auditCommand(r, "send", c.ID, map[string]any{"type": c.Type, "deviceId": c.DeviceID, "forced": forced})
	if err != nil { // nobody would know who sent it
		_, cancelErr := s.cancel(context.WithoutCancel(r.Context()), c.ID)
		return errors.Join(err, cancelErr)
	}
	return nil
}

// leaves publishes a command and waits a moment for it to leave.
func (s *Server) leaves(ctx context.Context, c *data.QueuedCommand, d *data.Device) bool {
	changed, forget := s.waits.add(c.ID)
	defer forget()
	s.commandChanged(c)
	now := s.deps.Now()
	if c.AfterReport || d.LastUpdate.IsZero() || now.Sub(d.LastUpdate) > hangUpAfter {
		return false // it cannot be connected
	}
	patience := time.NewTimer(s.sentWait)
	defer patience.Stop()
	select {
	case <-changed:
	case <-patience.C:
	case <-ctx.Done():
	}
	// What is stored counts; the message may have been lost.
	if stored, err := s.deps.Store.Command(ctx, c.ID); err == nil {
		*c = stored
	}
	return c.State != data.CommandQueued
}

// writeSent answers with a command by what has become of it.
func (s *Server) writeSent(w http.ResponseWriter, c *data.QueuedCommand, description string) error {
	b := appendCommand(nil, c.ID, c.DeviceID, c.Type, c.Attributes, false)
	switch c.State {
	case data.CommandQueued:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		return writeJSON(w, append(b, '}'))
	case data.CommandFailed:
		return invalid("the command was not sent: %s", c.Text)
	case data.CommandCancelled:
		return invalid("the device is not connected, and the command was not to wait (noQueue)")
	}
	b = append(b, `,"description":`...)
	b = appendText(b, description)
	return writeJSON(w, append(b, '}'))
}

// waits are the requests that wait for their command to leave.
type waits struct {
	mu      sync.Mutex
	waiting map[int64]chan struct{}
}

func (w *waits) add(id int64) (changed <-chan struct{}, forget func()) {
	ch := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[int64]chan struct{}{}
	}
	w.waiting[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, id)
	}
}

// changed takes a change of a command from the bus.
func (w *waits) changed(c data.CommandChange) {
	if c.State == data.CommandQueued {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.waiting[c.ID]; ch != nil {
		close(ch)
		delete(w.waiting, c.ID)
	}
}
