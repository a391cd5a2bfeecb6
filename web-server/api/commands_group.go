package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// maxGroupCommands bounds the devices that one request commands.
const maxGroupCommands = 1000

// groupDevices are the devices in a group and in the groups within it, of those
// that the sender of a request sees, by id.
func (s *Server) groupDevices(r *http.Request, groupID int64) ([]data.Device, error) {
	v := viewerOf(r)
	if !v.Sees(data.GroupKind, groupID) {
		return nil, errNoSuchObject
	}
	ids, err := s.access.InGroup(r.Context(), v, groupID)
	if err != nil {
		return nil, err
	}
	switch {
	case len(ids) == 0:
		return nil, invalid("there is no device in the group that you see")
	case len(ids) > maxGroupCommands:
		return nil, invalid("the group has %d devices: send to its subgroups, at most %d at a time", len(ids), maxGroupCommands)
	}
	slices.Sort(ids)
	devices := make([]data.Device, 0, len(ids))
	for _, id := range ids {
		d, err := s.deps.Store.Device(r.Context(), id)
		if errors.Is(err, data.ErrNotFound) {
			continue // it was removed just now
		}
		if err != nil {
			return nil, fmt.Errorf("read device of group: %w", err)
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// sendToGroup sends a command to every device of a group and of the groups
// within it. Each device has its own, and the answer is a list of them: 200 if
// all have left, 202 if some wait, were refused or would not wait, with the
// reason; 400 if no device may have it.
func (s *Server) sendToGroup(w http.ResponseWriter, r *http.Request, groupID int64, body *commandBody) error {
	if body.DeviceID != 0 {
		return invalid("deviceId and groupId are both given: a command goes to a device, or to a group")
	}
	devices, err := s.groupDevices(r, groupID)
	if err != nil {
		return err
	}
	sent := make([]*data.QueuedCommand, 0, len(devices))
	var refusal error
	queued := 0
	for i := range devices {
		c, err := s.commandOne(r, &devices[i], *body)
		switch {
		case err == nil:
			queued++
		case errors.Is(err, data.ErrInvalid), errors.Is(err, data.ErrConflict), errors.Is(err, data.ErrNotFound):
			now := s.deps.Now().UTC().Truncate(time.Millisecond)
			c = &data.QueuedCommand{
				DeviceID: devices[i].ID, UserID: identityOf(r).user.ID, Type: body.Type, Attributes: body.Attributes,
				State: data.CommandFailed, Text: err.Error(), CreatedAt: now, ChangedAt: now, ExpiresAt: now,
			}
			refusal = err
		default: // some have it: the list says which
			if queued == 0 {
				return err
			}
			return fmt.Errorf("%d of %d devices have the command in their queue: %w", queued, len(devices), err)
		}
		sent = append(sent, c)
	}
	if queued == 0 {
		return refusal
	}
	s.groupLeaves(r.Context(), sent)
	status := http.StatusOK
	for _, c := range sent {
		if c.State == data.CommandQueued || c.State == data.CommandFailed || c.State == data.CommandCancelled {
			status = http.StatusAccepted
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return writeJSON(w, appendList(nil, len(sent), func(b []byte, i int) []byte { return append(appendCommandStatus(b, sent[i]), '}') }))
}

// commandOne queues a command for one device of a group.
func (s *Server) commandOne(r *http.Request, d *data.Device, body commandBody) (*data.QueuedCommand, error) {
	if _, err := s.completeCommand(r, d, &body); err != nil {
		return nil, err
	}
	c, err := s.newCommand(r, d, &body)
	if err != nil {
		return nil, err
	}
	return c, s.queueCommand(r, c)
}

// groupLeaves publishes the commands that were queued and waits a moment, for
// all together, until they have left.
func (s *Server) groupLeaves(ctx context.Context, sent []*data.QueuedCommand) {
	var changes []<-chan struct{}
	for _, c := range sent {
		if c.ID != 0 {
			changed, forget := s.waits.add(c.ID)
			defer forget()
			changes = append(changes, changed)
			s.commandChanged(c)
		}
	}
	patience, stop := context.WithTimeout(ctx, s.sentWait)
	defer stop()
	for _, changed := range changes {
		select {
		case <-changed:
		case <-patience.Done():
		}
	}
	// What is stored counts; a message may have been lost.
	for _, c := range sent {
		if c.ID == 0 {
			continue
		}
		if stored, err := s.deps.Store.Command(ctx, c.ID); err == nil {
			*c = stored
		}
		if noQueue, _ := c.Attributes.Get("noQueue").Bool(); noQueue && c.State == data.CommandQueued {
			if cancelled, err := s.cancel(ctx, c.ID); err == nil {
				*c = cancelled
			}
		}
	}
}

// groupTypes are the commands that a device of a group at least knows.
func (s *Server) groupTypes(r *http.Request, groupID int64) ([]string, error) {
	devices, err := s.groupDevices(r, groupID)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(devices))
	for i := range devices {
		ids[i] = devices[i].ID
	}
	positions, err := s.deps.Store.LatestPositions(r.Context(), ids)
	if err != nil {
		return nil, fmt.Errorf("read last positions: %w", err)
	}
	all := []string{"custom"}
	asked := map[string]bool{}
	for i := range positions {
		if asked[positions[i].Protocol] {
			continue
		}
		asked[positions[i].Protocol] = true
		types, err := s.commandTypes(&positions[i])
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all, nil
}
