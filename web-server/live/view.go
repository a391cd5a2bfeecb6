package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	// viewGap is how long a guest's socket waits between two looks at its view;
	// viewEvery is how often it looks unasked, for what is shown with a delay.
	viewGap   = time.Second
	viewEvery = 10 * time.Second
)

// View is how the socket of a guest reads what it shows: not as it is, but as
// the share has it.
type View interface {
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	// Now is the time at which the guest sees things.
	Now() time.Time
}

// OpenView says what a guest may see now. Errors are those of Access.
type OpenView func(ctx context.Context) (access.Viewer, View, error)

// ServeView is Serve for a guest: the same messages, but of devices and
// positions only, and each of them read through the view. News on the bus only
// say that it is time to look.
func (h *Hub) ServeView(ctx context.Context, conn Conn, userID int64, open OpenView) error {
	s := newSocket(conn, userID)
	s.open = open
	return h.serve(ctx, s)
}

// look wakes the writer. It never blocks.
func (s *socket) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// writeView sends the first message and then what has changed, until the socket
// ends. An error means that the connection is broken.
func (h *Hub) writeView(ctx context.Context, s *socket) error {
	sent := make(map[string][]byte)
	if err := h.lookAtView(ctx, s, sent, true); err != nil {
		return err
	}
	keepAlive, every := time.NewTicker(keepAliveEvery), time.NewTicker(viewEvery)
	defer keepAlive.Stop()
	defer every.Stop()
	gap := time.NewTimer(viewGap)
	defer gap.Stop()
	for {
		var err error
		select {
		case <-s.done:
			return nil
		case <-keepAlive.C:
			err = h.send(ctx, s, []byte("{}"))
		case <-every.C:
			err = h.lookAtView(ctx, s, sent, false)
		case <-s.wake:
			select {
			case <-s.done:
				return nil
			case <-gap.C:
			}
			err = h.lookAtView(ctx, s, sent, false)
			gap.Reset(viewGap)
		}
		if err != nil {
			return err
		}
	}
}

// lookAtView sends what differs from what was sent before. A store that does
// not answer ends a new socket; an older one goes on.
func (h *Hub) lookAtView(ctx context.Context, s *socket, sent map[string][]byte, first bool) error {
	devices, positions, err := h.readView(ctx, s)
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		s.end(StatusSignedOut, "the link has ended")
		return nil
	case err != nil && first:
		h.log.Warn("open socket of a share", "err", err)
		s.end(websocket.StatusTryAgainLater, "the server is not ready, try again later")
		return nil
	case err != nil:
		h.logUnread(ctx, err)
		return nil
	}
	if !first { // a new socket's client asks for the devices itself
		if err := h.sendList(ctx, s, "devices", news(sent, "d", devices), false); err != nil {
			return err
		}
	} else {
		news(sent, "d", devices)
	}
	return h.sendList(ctx, s, "positions", news(sent, "p", positions), first)
}

// readView reads what the guest sees now, as JSON by device.
func (h *Hub) readView(ctx context.Context, s *socket) (devices, positions map[int64][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	viewer, view, err := s.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	s.viewer = viewer
	s.mu.Unlock()
	list, err := view.ListDevices(ctx, storage.DeviceFilter{})
	if err != nil {
		return nil, nil, fmt.Errorf("read devices of a share: %w", err)
	}
	last, err := view.LatestPositions(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read positions of a share: %w", err)
	}
	devices, positions = make(map[int64][]byte, len(list)), make(map[int64][]byte, len(last))
	for i := range list {
		devices[list[i].ID] = list[i].AppendJSON(nil, view.Now())
	}
	for i := range last {
		positions[last[i].DeviceID] = last[i].AppendJSON(nil)
	}
	return devices, positions, nil
}

// news are the objects that differ from those sent before; afterwards they were.
func news(sent map[string][]byte, kind string, now map[int64][]byte) [][]byte {
	var out [][]byte
	for id, object := range now {
		key := kind + strconv.FormatInt(id, 10)
		if !bytes.Equal(sent[key], object) {
			sent[key] = object
			out = append(out, object)
		}
	}
	return out
}
