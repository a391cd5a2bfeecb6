package live

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxSockets and maxUserSockets bound the open sockets, in all and of one
	// account. More are refused.
	maxSockets     = 4096
	maxUserSockets = 64

	// tickEvery is how often device states are looked at.
	tickEvery = time.Second
	// sweepEvery is how often everything is read again, because the bus may
	// lose a message.
	sweepEvery = time.Minute
	// storeTimeout bounds every question to the store.
	storeTimeout = 10 * time.Second
	// stopTimeout bounds the good-byes when the server stops.
	stopTimeout = 8 * time.Second
)

// Bus is where changes come from. The functions given are called in the order
// of the messages and must not block.
type Bus interface {
	// SubscribeLive hands over stored positions. The slice is the callee's to
	// read until it returns.
	SubscribeLive(func([]data.Position)) (unsubscribe func(), err error)
	// SubscribeSeen hands over when devices spoke without leaving a position.
	SubscribeSeen(func(map[int64]time.Time)) (unsubscribe func(), err error)
	SubscribeDevices(func(data.DeviceChange)) (unsubscribe func(), err error)
	SubscribeUsers(func(data.UserChange)) (unsubscribe func(), err error)
	// SubscribeNotices hands over events that one user is to be told.
	SubscribeNotices(func(data.Notice)) (unsubscribe func(), err error)
	SubscribeLogs(func(data.LogBatch)) (unsubscribe func(), err error)
	// PublishLogInterest says which raw messages somebody watches.
	PublishLogInterest(data.LogInterest) error
}

// Store is where current states come from.
type Store interface {
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
}

// Access says who a socket belongs to and what it may see now. It is called at
// the start, when the account changes, and every minute. An error that wraps
// auth.ErrUnauthenticated ends the socket; with any other it goes on as before.
type Access func(ctx context.Context) (access.Viewer, error)

// Hub is the one place the sockets of a process are served from.
type Hub struct {
	store Store
	bus   Bus
	log   *slog.Logger
	now   func() time.Time

	mu    sync.Mutex
	fleet fleet
	// sockets is replaced, never changed, so that it can be walked unlocked.
	sockets []*socket
	stopped bool
	// users and devices changed and wait for Run to look at them; wake has room
	// for one, a second wake-up adds nothing.
	users   map[int64]struct{}
	devices map[int64]struct{}
	wake    chan struct{}
	// accessChanges counts AccessChanged.
	accessChanges uint64
	// positions and states are scratch space of deliver.
	positions, states []frame
	served            sync.WaitGroup
	// watcher names this process to the trackers, logs is what it told them.
	watcher string
	logs    logInterest

	slow     *metric.Counter
	messages *metric.Counter
}

// New makes a Hub. Its metrics go into set.
func New(store Store, bus Bus, log *slog.Logger, now func() time.Time, set *metric.Set) *Hub {
	h := &Hub{
		store: store, bus: bus, log: log, now: now,
		fleet: fleet{devices: make(map[int64]*device)},
		users: make(map[int64]struct{}), devices: make(map[int64]struct{}),
		wake: make(chan struct{}, 1), watcher: rand.Text(),
		slow:     set.NewCounter("waymark_web_sockets_slow_total"),
		messages: set.NewCounter("waymark_web_socket_messages_total"),
	}
	set.NewGauge("waymark_web_sockets", func() float64 { return float64(len(h.open())) })
	return h
}

// Run works until ctx ends, then closes every socket and waits for them.
func (h *Hub) Run(ctx context.Context) error {
	unsubscribe, err := h.subscribe()
	if err != nil {
		return err
	}
	defer h.stop()
	defer unsubscribe()
	h.sweep(ctx)
	tick, sweep := time.NewTicker(tickEvery), time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
			h.applyChanges(ctx)
		case <-tick.C:
			h.tick(ctx)
			h.announceLogs(false)
		case <-sweep.C:
			h.sweep(ctx)
		}
	}
}

func (h *Hub) subscribe() (unsubscribe func(), err error) {
	var ends []func()
	unsubscribe = func() {
		for _, end := range ends {
			end()
		}
	}
	add := func(end func(), err error) error {
		if err == nil {
			ends = append(ends, end)
		}
		return err
	}
	for _, subscribe := range []func() (func(), error){
		func() (func(), error) { return h.bus.SubscribeLive(h.onPositions) },
		func() (func(), error) { return h.bus.SubscribeSeen(h.onSeen) },
		func() (func(), error) { return h.bus.SubscribeDevices(h.onDevice) },
		func() (func(), error) { return h.bus.SubscribeNotices(h.onNotice) },
		func() (func(), error) { return h.bus.SubscribeLogs(h.onLogs) },
		func() (func(), error) { return h.bus.SubscribeUsers(h.onUser) },
	} {
		if err == nil {
			err = add(subscribe())
		}
	}
	if err != nil {
		unsubscribe()
		return nil, fmt.Errorf("subscribe to live changes: %w", err)
	}
	return unsubscribe, nil
}

// stop says good-bye to every socket and waits for them.
func (h *Hub) stop() {
	h.mu.Lock()
	h.stopped = true
	sockets := h.sockets
	h.mu.Unlock()
	for _, s := range sockets {
		s.end(websocket.StatusGoingAway, "the server is stopping")
	}
	done := make(chan struct{})
	go func() { h.served.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopTimeout):
		h.log.Warn("sockets do not close", "open", len(h.open()))
		for _, s := range h.open() {
			_ = s.conn.CloseNow()
		}
		<-done
	}
}

func (h *Hub) open() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sockets
}

func (h *Hub) onDevice(c data.DeviceChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.devices[c.ID] = struct{}{}
	h.poke()
}

func (h *Hub) onUser(c data.UserChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users[c.ID] = struct{}{}
	h.poke()
}

// AccessChanged looks again at what the sockets see that a change concerns.
// access.Service has heard of it before.
func (h *Hub) AccessChanged(c data.AccessChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accessChanges++
	for _, s := range h.sockets {
		if s.affected(c) {
			h.users[s.userID] = struct{}{}
		}
	}
	h.poke()
}

func (h *Hub) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// applyChanges looks at the users and devices that changed. Users come first:
// who creates a device gets the link and the device in two messages. What
// cannot be read now waits for the next tick.
func (h *Hub) applyChanges(ctx context.Context) {
	h.mu.Lock()
	users, devices, sockets := h.users, h.devices, h.sockets
	h.users, h.devices = make(map[int64]struct{}), make(map[int64]struct{})
	h.mu.Unlock()
	err := h.refreshUsers(ctx, users, sockets)
	if err == nil {
		err = h.reload(ctx, slices.Collect(maps.Keys(devices)), true)
	}
	if err == nil {
		return
	}
	h.logUnread(ctx, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.Copy(h.users, users)
	maps.Copy(h.devices, devices)
}

func (h *Hub) refreshUsers(ctx context.Context, users map[int64]struct{}, sockets []*socket) error {
	for _, s := range sockets {
		if _, changed := users[s.userID]; changed {
			if err := h.refresh(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *Hub) logUnread(ctx context.Context, err error) {
	if ctx.Err() == nil {
		h.log.Warn("live updates are behind, the store does not answer", "err", err)
	}
}

// tick announces what waited for its turn, and devices that fell silent.
func (h *Hub) tick(ctx context.Context) {
	now := h.now()
	h.mu.Lock()
	loaded, unread := h.fleet.loaded, len(h.users)+len(h.devices) > 0
	silent := h.announceDue(now)
	h.mu.Unlock()
	if !loaded {
		h.sweep(ctx)
	}
	if unread {
		h.applyChanges(ctx)
	}
	// A device may speak without reporting a position; only the store knows.
	if err := h.reload(ctx, silent, false); err != nil {
		h.logUnread(ctx, err)
	}
}

// sweep reads everything again: devices, sessions, links.
func (h *Hub) sweep(ctx context.Context) {
	if err := h.readAll(ctx); err != nil {
		h.logUnread(ctx, err)
	}
}

func (h *Hub) readAll(ctx context.Context) error {
	for _, s := range h.open() {
		if err := h.refresh(ctx, s); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	devices, err := h.store.ListDevices(ctx, storage.DeviceFilter{})
	var last []data.Position
	if err == nil && !h.isLoaded() {
		last, err = h.store.LatestPositions(ctx, nil)
	}
	if err != nil {
		return err
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fleet.replace(devices, last, now)
	h.announceDue(now)
	return nil
}

func (h *Hub) isLoaded() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fleet.loaded
}

// reload reads some devices again and announces those whose state changed, or
// all of them.
func (h *Hub) reload(ctx context.Context, ids []int64, all bool) error {
	for chunk := range slices.Chunk(ids, 500) {
		found, err := h.listDevices(ctx, chunk)
		if err != nil {
			return err
		}
		h.mu.Lock()
		now := h.now()
		h.fleet.merge(chunk, found, now)
		var buf []byte
		h.positions, h.states = h.positions[:0], h.states[:0]
		for _, id := range chunk {
			d := h.fleet.devices[id]
			if d != nil && (all || d.status != d.Status(now)) {
				buf = h.announce(buf, d, now)
			}
		}
		h.deliver(buf)
		h.mu.Unlock()
	}
	return nil
}

func (h *Hub) listDevices(ctx context.Context, ids []int64) ([]data.Device, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return h.store.ListDevices(ctx, storage.DeviceFilter{IDs: ids})
}
