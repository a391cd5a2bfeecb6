package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
)

// hangUpAfter is how long a device may be silent and still be connected: the
// trackers hang up before.
const hangUpAfter = 35 * time.Minute

// commandRoutes are those of commands to devices.
func (s *Server) commandRoutes(r chi.Router) {
	r.Get("/commands/types", s.handle(s.getCommandTypes))
	r.Get("/commands/send", s.handle(s.getSendableCommands))
	r.Post("/commands/send", s.handle(s.sendCommand))
	r.Get("/commands/queue", s.handle(s.getCommandQueue))
	r.Get("/commands/queue/{id}", s.handle(s.getQueuedCommand))
	r.Delete("/commands/queue/{id}", s.handle(s.cancelCommand))
	s.savedCommands().routes(r, "/commands")
}

// mayCommand refuses accounts that may not command devices at all.
func mayCommand(v *access.Viewer) error {
	if v.Readonly() || v.DeviceReadonly() {
		return fmt.Errorf("%w: your account may look at devices, not command them", data.ErrDenied)
	}
	return nil
}

// commandDevice is a device that the sender of a request may see.
func (s *Server) commandDevice(r *http.Request, id int64) (data.Device, error) {
	if id <= 0 {
		return data.Device{}, invalid("deviceId is missing")
	}
	if !viewerOf(r).CanSee(id) {
		return data.Device{}, errNoSuchObject
	}
	d, err := s.deps.Store.Device(r.Context(), id)
	return d, hidden(err)
}

// lastPosition is the last one of a device, nil if there is none.
func (s *Server) lastPosition(ctx context.Context, deviceID int64) (*data.Position, error) {
	list, err := s.deps.Store.LatestPositions(ctx, []int64{deviceID})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// commandTypes are the commands of the protocol that a device spoke last; of a
// device that has not reported yet, custom.
func (s *Server) commandTypes(last *data.Position) ([]string, error) {
	if last == nil {
		return []string{"custom"}, nil
	}
	return s.deps.Bus.CommandTypes(last.Protocol)
}

// askedDevice is the device that a query asks about, ?deviceId, with its last
// position, nil for none.
func (s *Server) askedDevice(r *http.Request) (data.Device, *data.Position, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return data.Device{}, nil, err
	}
	id, err := q.number("deviceId")
	if err != nil {
		return data.Device{}, nil, err
	}
	d, err := s.commandDevice(r, id)
	if err != nil {
		return data.Device{}, nil, err
	}
	last, err := s.lastPosition(r.Context(), d.ID)
	return d, last, err
}

// getCommandTypes lists what a device can be asked, ?deviceId, what some device
// of a group can, ?groupId, or without either every type there is.
func (s *Server) getCommandTypes(w http.ResponseWriter, r *http.Request) error {
	types, err := s.askedTypes(r)
	if err != nil {
		return err
	}
	return writeJSON(w, appendList(nil, len(types), func(b []byte, i int) []byte {
		b = append(b, `{"type":`...)
		return append(data.AppendJSONString(b, types[i]), '}')
	}))
}

func (s *Server) askedTypes(r *http.Request) ([]string, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	groupID, err := q.number("groupId")
	if err != nil {
		return nil, err
	}
	if groupID != 0 {
		return s.groupTypes(r, groupID)
	}
	if q.Get("deviceId") == "" {
		return everyCommandType, nil
	}
	_, last, err := s.askedDevice(r)
	if err != nil {
		return nil, err
	}
	return s.commandTypes(last)
}

// getSendableCommands lists the saved commands that a device understands:
// ?deviceId.
func (s *Server) getSendableCommands(w http.ResponseWriter, r *http.Request) error {
	d, last, err := s.askedDevice(r)
	if err != nil {
		return err
	}
	list, err := s.usableCommands(r, &d)
	if err != nil {
		return err
	}
	if types, err := s.commandTypes(last); err == nil && last != nil {
		list = slices.DeleteFunc(list, func(c data.SavedCommand) bool { return !slices.Contains(types, c.Type) })
	}
	for i := range list {
		hidePassword(&list[i])
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("write saved commands: %w", err)
	}
	return writeJSON(w, b)
}

// commandFilter reads ?deviceId… ?state ?limit ?offset.
func commandFilter(q query, v *access.Viewer) (f storage.CommandFilter, err error) {
	const usual, most = 100, 1000
	if f.DeviceIDs, err = q.ids("deviceId"); err != nil {
		return f, err
	}
	for _, id := range f.DeviceIDs {
		if !v.CanSee(id) {
			return f, errNoSuchObject
		}
	}
	if f.DeviceIDs == nil {
		f.DeviceIDs = v.DeviceIDs()
	}
	for _, state := range q.Values["state"] {
		for one := range strings.SplitSeq(state, ",") {
			if !data.CommandState(one).Valid() {
				return f, invalid("there is no state %q", one)
			}
			f.States = append(f.States, data.CommandState(one))
		}
	}
	limit, err := q.number("limit")
	if err != nil {
		return f, err
	}
	offset, err := q.number("offset")
	if err != nil {
		return f, err
	}
	if limit == 0 {
		limit = usual
	}
	f.Newest, f.Limit, f.Offset = true, int(min(limit, most)), int(min(offset, 1<<30))
	return f, nil
}

// getCommandQueue lists commands with their states, the last ones first.
func (s *Server) getCommandQueue(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f, err := commandFilter(q, viewerOf(r))
	if err != nil {
		return err
	}
	list, err := s.deps.Store.ListCommands(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list commands: %w", err)
	}
	return writeJSON(w, appendList(nil, len(list), func(b []byte, i int) []byte { return append(appendCommandStatus(b, &list[i]), '}') }))
}

// visibleCommand is the command of the address, if its device may be seen.
func (s *Server) visibleCommand(r *http.Request) (data.QueuedCommand, error) {
	id, err := pathID(r)
	if err != nil {
		return data.QueuedCommand{}, err
	}
	c, err := s.deps.Store.Command(r.Context(), id)
	if err != nil {
		return c, hidden(err)
	}
	_, err = s.commandDevice(r, c.DeviceID)
	return c, err
}

// getQueuedCommand shows a command with everything that happened to it.
func (s *Server) getQueuedCommand(w http.ResponseWriter, r *http.Request) error {
	c, err := s.visibleCommand(r)
	if err != nil {
		return err
	}
	steps, err := s.deps.Store.CommandSteps(r.Context(), c.ID)
	if err != nil {
		return fmt.Errorf("list steps of command: %w", err)
	}
	b := append(appendCommandStatus(nil, &c), `,"history":`...)
	b = appendList(b, len(steps), func(b []byte, i int) []byte {
		b = append(b, `{"state":"`...)
		b = append(b, steps[i].State...)
		b = append(b, `","time":`...)
		b = data.AppendJSONTime(b, steps[i].Time)
		b = append(b, `,"text":`...)
		return append(data.AppendJSONString(b, steps[i].Text), '}')
	})
	return writeJSON(w, append(b, '}'))
}

// cancelCommand takes back a command that has not been sent.
func (s *Server) cancelCommand(w http.ResponseWriter, r *http.Request) error {
	if err := mayCommand(viewerOf(r)); err != nil {
		return err
	}
	c, err := s.visibleCommand(r)
	if err != nil {
		return err
	}
	if err := s.auditCommand(r, "cancel", c.ID, map[string]any{"type": c.Type, "deviceId": c.DeviceID}); err != nil {
		return err
	}
	c, err = s.cancel(r.Context(), c.ID)
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: the command cannot be taken back, it is not waiting any more", data.ErrConflict)
	}
	if err != nil {
		return hidden(err)
	}
	return writeNothing(w)
}

func (s *Server) cancel(ctx context.Context, id int64) (data.QueuedCommand, error) {
	c, err := s.deps.Store.ChangeCommand(ctx, id, []data.CommandState{data.CommandQueued},
		data.CommandStep{State: data.CommandCancelled, Time: s.deps.Now()})
	if err == nil {
		s.commandChanged(&c)
	}
	return c, err
}

// commandChanged tells the other services about a command. They find out by
// themselves if the bus is down, only later.
func (s *Server) commandChanged(c *data.QueuedCommand) {
	if err := s.deps.Bus.PublishCommand(c.Change()); err != nil {
		s.deps.Log.Warn("tell about a command", "command", c.ID, "err", err)
	}
}

// auditCommand writes down what the sender of a request does to a command.
func (s *Server) auditCommand(r *http.Request, action string, commandID int64, attributes map[string]any) error {
	return s.audit(r, identityOf(r).user.ID, action, data.CommandKind, commandID, attributes)
}

// appendCommand appends a command as the API's object, without the end.
func appendCommand(b []byte, id, deviceID int64, kind string, a data.Attributes, textChannel bool) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, `,"attributes":`...)
	// A password that somebody sent along is nobody else's business.
	shown := slices.DeleteFunc(slices.Clone(a), func(a data.Attribute) bool { return a.Key == "devicePassword" })
	b = shown.AppendJSON(b)
	b = append(b, `,"deviceId":`...)
	b = strconv.AppendInt(b, deviceID, 10)
	b = append(b, `,"type":`...)
	b = data.AppendJSONString(b, kind)
	b = append(b, `,"textChannel":`...)
	return strconv.AppendBool(b, textChannel)
}

// appendCommandStatus appends a command with its state, without the end.
func appendCommandStatus(b []byte, c *data.QueuedCommand) []byte {
	b = appendCommand(b, c.ID, c.DeviceID, c.Type, c.Attributes, false)
	b = append(b, `,"userId":`...)
	b = strconv.AppendInt(b, c.UserID, 10)
	b = append(b, `,"state":"`...)
	b = append(b, c.State...)
	b = append(b, `","text":`...)
	b = data.AppendJSONString(b, c.Text)
	b = append(b, `,"afterReport":`...)
	b = strconv.AppendBool(b, c.AfterReport)
	for _, t := range []struct {
		name string
		time time.Time
	}{{"createTime", c.CreatedAt}, {"sendTime", c.SentAt}, {"changeTime", c.ChangedAt}, {"expirationTime", c.ExpiresAt}} {
		b = append(b, `,"`...)
		b = append(b, t.name...)
		b = append(b, `":`...)
		b = data.AppendJSONTime(b, t.time)
	}
	return b
}
