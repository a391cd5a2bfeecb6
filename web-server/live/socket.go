package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	// window is how long positions gather after a message was sent.
	window = 50 * time.Millisecond
	// keepAliveEvery keeps proxies from closing an idle connection.
	keepAliveEvery = 55 * time.Second
	// writeTimeout is how long a client may take to read a message; after it
	// the socket is closed.
	writeTimeout = 10 * time.Second
	// closeTimeout bounds the closing handshake.
	closeTimeout = 3 * time.Second
	// maxRead bounds a message of the client, in bytes; a wish
	// for the logs of many devices is the longest.
	maxRead = 16 << 10
	// maxMessage is the size at which a message is cut in two, in bytes: some
	// clients refuse large ones. A single object may be larger.
	maxMessage = 512 << 10
	// keepBuffer and keepObjects are what a socket holds on to between messages:
	// buffers and maps that a burst made larger are let go.
	keepBuffer  = 256 << 10
	keepObjects = 1024

	// StatusSignedOut is the close code that tells a client that its session is
	// over and that it need not come back.
	StatusSignedOut websocket.StatusCode = 4000
)

// Conn is what the hub needs of a WebSocket connection; *websocket.Conn is one.
type Conn interface {
	Read(ctx context.Context) (websocket.MessageType, []byte, error)
	Write(ctx context.Context, typ websocket.MessageType, p []byte) error
	SetReadLimit(n int64)
	Close(code websocket.StatusCode, reason string) error
	CloseNow() error
}

// frame is one encoded object: bytes start to end of the batch's buffer.
type frame struct {
	deviceID   int64
	start, end int
	// readers are whom it is for.
	readers readers
}

// readers are some of those who see a device.
type readers uint8

const (
	allReaders readers = iota
	// editors may change devices, onlookers may not.
	editors
	onlookers
)

// readers are those that the viewer of s belongs to. The caller holds s.mu.
func (s *socket) readers() readers {
	if s.viewer.MayEdit(data.DeviceKind) == nil {
		return editors
	}
	return onlookers
}

// socket is one open connection.
type socket struct {
	conn   Conn
	userID int64
	access Access
	// open is how a guest's socket reads what it shows; nil for all others.
	open OpenView

	// refreshing makes one refresh follow the other.
	refreshing sync.Mutex

	mu     sync.Mutex
	viewer access.Viewer
	next   pending
	logs   *logWatch // nil: no logs are wanted
	ended  bool
	code   websocket.StatusCode
	reason string

	// wake says that next is not empty; it has room for one, a second wake-up
	// adds nothing. done is closed by end.
	wake, done chan struct{}

	// Of the writing goroutine alone: what is being sent, and its buffer.
	sending pending
	buf     []byte
	objects [][]byte
}

// Serve serves a connection until it ends or the hub stops. The connection is
// closed when it returns.
func (h *Hub) Serve(ctx context.Context, conn Conn, userID int64, access Access) error {
	s := newSocket(conn, userID)
	s.access = access
	return h.serve(ctx, s)
}

func newSocket(conn Conn, userID int64) *socket {
	return &socket{
		conn: conn, userID: userID,
		next: newPending(), sending: newPending(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

func (h *Hub) serve(ctx context.Context, s *socket) error {
	conn, write := s.conn, h.write
	if s.open != nil {
		write = h.writeView
	}
	if err := h.add(s); err != nil {
		_ = conn.Close(websocket.StatusTryAgainLater, err.Error())
		return err
	}
	defer h.remove(s)
	conn.SetReadLimit(maxRead)

	// The reader ends when the connection is closed. What clients say is a wish
	// or ("{}") needs no answer; reading answers pings.
	ctx = context.WithoutCancel(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			_, message, err := conn.Read(ctx)
			if err != nil {
				s.end(websocket.StatusNormalClosure, "")
				return
			}
			h.heed(s, message)
		}
	}()
	err := write(ctx, s)
	s.mu.Lock()
	code, reason := s.code, s.reason
	s.mu.Unlock()
	if err != nil {
		_ = conn.CloseNow()
	} else {
		hard := time.AfterFunc(closeTimeout, func() { _ = conn.CloseNow() })
		_ = conn.Close(code, reason)
		hard.Stop()
	}
	<-read
	return err
}

func (h *Hub) add(s *socket) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := 0
	for _, o := range h.sockets {
		if o.userID == s.userID {
			own++
		}
	}
	switch {
	case h.stopped:
		return fmt.Errorf("the server is stopping: %w", data.ErrUnavailable)
	case len(h.sockets) >= maxSockets:
		return fmt.Errorf("too many open sockets: %w", data.ErrUnavailable)
	case own >= maxUserSockets:
		return fmt.Errorf("too many open sockets of this account: %w", data.ErrUnavailable)
	}
	h.sockets = append(slices.Clip(slices.Clone(h.sockets)), s)
	h.served.Add(1)
	return nil
}

func (h *Hub) remove(s *socket) {
	h.mu.Lock()
	h.sockets = slices.DeleteFunc(slices.Clone(h.sockets), func(o *socket) bool { return o == s })
	h.mu.Unlock()
	h.served.Done()
}

// end asks the writer to close the connection; the first reason counts.
func (s *socket) end(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.code, s.reason = true, code, reason
	s.next.reset()
	close(s.done)
}

// refresh asks again what the socket may see, drops what it no longer may,
// and sends the current state of what it sees now and did not before. An error
// means that the store does not answer.
func (h *Hub) refresh(ctx context.Context, s *socket) error {
	if s.open != nil { // its writer asks, each time
		s.look()
		return nil
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	h.mu.Lock()
	began := h.accessChanges
	h.mu.Unlock()
	viewer, err := s.access(ctx)
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		s.end(StatusSignedOut, "signed out")
		return nil
	case err != nil:
		return fmt.Errorf("read what user %d may see: %w", s.userID, err)
	}
	s.mu.Lock()
	old := s.viewer
	s.viewer = viewer
	s.dropForeign()
	s.mu.Unlock()
	h.again(s, began)
	gained := gained(&old, &viewer)
	if gained != nil && len(gained) == 0 {
		return nil
	}
	last, err := h.store.LatestPositions(ctx, gained)
	if err != nil {
		return fmt.Errorf("read last positions for user %d: %w", s.userID, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var positions, states []frame
	var buf []byte
	for i := range last {
		if p := &last[i]; !h.fleet.stale(p) {
			start := len(buf)
			buf = p.AppendJSON(buf)
			positions = append(positions, frame{deviceID: p.DeviceID, start: start, end: len(buf)})
		}
	}
	for _, id := range gained {
		if h.fleet.devices[id] == nil { // its message is on the way, or lost
			h.devices[id] = struct{}{}
			h.poke()
		}
	}
	if old.User.ID != 0 { // a new socket's client asks for the devices itself
		now := h.now()
		for id, d := range h.fleet.devices {
			if !old.CanSee(id) && viewer.CanSee(id) {
				buf, states = appendState(buf, states, &d.Device, now)
			}
		}
	}
	s.offer(buf, positions, states)
	return nil
}

// again has a socket looked at once more if what people may see has changed
// since began, while the store was being asked.
func (h *Hub) again(s *socket, began uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.accessChanges != began {
		h.users[s.userID] = struct{}{}
		h.poke()
	}
}

// affected tells whether a change concerns what the socket sees.
func (s *socket) affected(c data.AccessChange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open != nil || s.viewer.User.ID == 0 || s.viewer.Affected(c)
}

// gained are the devices that now sees and old did not; nil stands for all.
func gained(old, now *access.Viewer) []int64 {
	if old.AllDevices() {
		return []int64{}
	}
	if now.AllDevices() {
		return nil
	}
	ids := []int64{}
	for _, id := range now.DeviceIDs() {
		if !old.CanSee(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// dropForeign forgets what waits and may no longer be sent. The caller holds s.mu.
func (s *socket) dropForeign() {
	for _, m := range [...]map[int64][]byte{s.next.positions, s.next.states} {
		for id := range m {
			if !s.viewer.CanSee(id) {
				delete(m, id)
			}
		}
	}
	s.next.logs = slices.DeleteFunc(s.next.logs, func(e event) bool { return !s.viewer.CanSee(e.deviceID) })
	s.next.events = slices.DeleteFunc(s.next.events, func(e event) bool { return !s.viewer.CanSee(e.deviceID) })
}

// offer replaces what waits for the same devices. It never blocks.
func (s *socket) offer(buf []byte, positions, states []frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.open != nil {
		sees := func(f frame) bool { return s.viewer.CanSee(f.deviceID) }
		if slices.ContainsFunc(positions, sees) || slices.ContainsFunc(states, sees) {
			s.look()
		}
		return
	}
	news := false
	for _, f := range positions {
		if s.viewer.CanSee(f.deviceID) {
			s.next.positions[f.deviceID] = buf[f.start:f.end:f.end]
			news = true
		}
	}
	for _, f := range states {
		if s.viewer.CanSee(f.deviceID) && (f.readers == allReaders || f.readers == s.readers()) {
			s.next.states[f.deviceID] = buf[f.start:f.end:f.end]
			news = true
		}
	}
	if news {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// write sends the first message and then what comes, until the socket ends. An
// error means that the connection is broken.
func (h *Hub) write(ctx context.Context, s *socket) error {
	// On a stack of its own, which goes with it: the store's questions make it
	// large, and this one stays as long as the socket.
	first := make(chan error, 1)
	go func() { first <- h.refresh(ctx, s) }()
	if err := <-first; err != nil {
		h.log.Warn("open socket", "err", err)
		s.end(websocket.StatusTryAgainLater, "the server is not ready, try again later")
		return nil
	}
	if err := h.flush(ctx, s, true); err != nil {
		return err
	}
	keepAlive := time.NewTicker(keepAliveEvery)
	defer keepAlive.Stop()
	gather := time.NewTimer(window)
	defer gather.Stop()
	for {
		select {
		case <-s.done:
			return nil
		case <-gather.C:
		}
		select {
		case <-s.done:
			return nil
		case <-keepAlive.C:
			if err := h.send(ctx, s, []byte("{}")); err != nil {
				return err
			}
		case <-s.wake:
			if err := h.flush(ctx, s, false); err != nil {
				return err
			}
		}
		gather.Reset(window)
	}
}
