package live

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// fakeBus hands messages straight to its subscribers.
type fakeBus struct {
	live    func([]data.Position)
	devices func(data.DeviceChange)
	users   func(data.UserChange)
	notice  func(data.Notice)
	seen    func(map[int64]time.Time)
	logs    func(data.LogBatch)
	// interests are what the hub told the trackers.
	mu        sync.Mutex
	interests []data.LogInterest
}

func (b *fakeBus) SubscribeLogs(f func(data.LogBatch)) (func(), error) {
	b.logs = f
	return func() {}, nil
}

func (b *fakeBus) PublishLogInterest(i data.LogInterest) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interests = append(b.interests, i)
	return nil
}

func (b *fakeBus) SubscribeNotices(f func(data.Notice)) (func(), error) {
	b.notice = f
	return func() {}, nil
}

func (b *fakeBus) SubscribeSeen(f func(map[int64]time.Time)) (func(), error) {
	b.seen = f
	return func() {}, nil
}

func (b *fakeBus) SubscribeLive(f func([]data.Position)) (func(), error) {
	b.live = f
	return func() { b.live = func([]data.Position) {} }, nil
}

func (b *fakeBus) SubscribeDevices(f func(data.DeviceChange)) (func(), error) {
	b.devices = f
	return func() {}, nil
}

func (b *fakeBus) SubscribeUsers(f func(data.UserChange)) (func(), error) {
	b.users = f
	return func() {}, nil
}

// world is a store and the accounts of the tests.
type world struct {
	mu      sync.Mutex
	devices map[int64]data.Device
	last    map[int64]data.Position
	users   map[int64]data.User
	links   map[int64][]int64
	down    bool
	// meanwhile is called once, while LatestPositions is on its way back.
	meanwhile func()
}

var errDown = errors.New("database is down")

func (w *world) ListDevices(_ context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []data.Device
	for id, d := range w.devices {
		if f.IDs == nil || slices.Contains(f.IDs, id) {
			list = append(list, d)
		}
	}
	if w.down {
		return nil, errDown
	}
	return list, nil
}

func (w *world) LatestPositions(_ context.Context, ids []int64) ([]data.Position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []data.Position
	for id, p := range w.last {
		if ids == nil || slices.Contains(ids, id) {
			list = append(list, p)
		}
	}
	if f := w.meanwhile; f != nil {
		w.meanwhile = nil
		f()
	}
	slices.SortFunc(list, func(a, b data.Position) int { return cmp.Compare(a.DeviceID, b.DeviceID) })
	if w.down {
		return nil, errDown
	}
	return list, nil
}

func (w *world) LinkedIDs(_ context.Context, owner data.ObjectKind, ids []int64) (map[data.ObjectKind][]int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if owner != data.UserKind {
		return nil, nil
	}
	return map[data.ObjectKind][]int64{data.DeviceKind: slices.Clone(w.links[ids[0]])}, nil
}

func (w *world) GroupedDeviceIDs(context.Context, []int64) ([]int64, error) { return nil, nil }

func (w *world) Documents(context.Context, storage.ObjectFilter) ([]data.Document, error) {
	return nil, nil
}

func (w *world) Server(context.Context) (data.Server, error) { return data.Server{}, nil }

func (w *world) access(userID int64) Access {
	return func(ctx context.Context) (access.Viewer, error) {
		w.mu.Lock()
		u, ok := w.users[userID]
		down := w.down
		w.mu.Unlock()
		if down {
			return access.Viewer{}, errDown
		}
		if !ok {
			return access.Viewer{}, auth.ErrUnauthenticated
		}
		return access.NewViewer(ctx, w, u)
	}
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// fakeConn is a client in memory. While stuck it reads nothing.
type fakeConn struct {
	mu     sync.Mutex
	got    []string
	stuck  chan struct{}
	closed chan struct{}
	code   websocket.StatusCode
	once   sync.Once
	// says is what the client sends.
	says chan string
}

func newConn() *fakeConn { return &fakeConn{closed: make(chan struct{}), says: make(chan string)} }

func (c *fakeConn) SetReadLimit(int64) {}

func (c *fakeConn) Read(context.Context) (websocket.MessageType, []byte, error) {
	select {
	case s := <-c.says:
		return websocket.MessageText, []byte(s), nil
	case <-c.closed:
		return 0, nil, io.EOF
	}
}

func (c *fakeConn) Write(ctx context.Context, _ websocket.MessageType, p []byte) error {
	c.mu.Lock()
	stuck := c.stuck
	c.mu.Unlock()
	if stuck != nil {
		select {
		case <-stuck:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return io.EOF
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, string(p))
	return nil
}

func (c *fakeConn) Close(code websocket.StatusCode, _ string) error {
	c.once.Do(func() { c.code = code; close(c.closed) })
	return nil
}

func (c *fakeConn) CloseNow() error { return c.Close(-1, "") }

// take returns what arrived since the last call.
func (c *fakeConn) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.got
	c.got = nil
	return got
}

// shown is what a client knows after some messages.
type shown struct {
	positions map[int64]int64
	devices   map[int64]string
	messages  int
}

func (c *fakeConn) shown(t *testing.T) shown {
	t.Helper()
	s := shown{map[int64]int64{}, map[int64]string{}, 0}
	for _, m := range c.take() {
		s.messages++
		var in struct {
			Positions []struct{ ID, DeviceID int64 }
			Devices   []struct {
				ID     int64
				Status string
			}
		}
		if err := json.Unmarshal([]byte(m), &in); err != nil {
			t.Fatalf("message %s: %v", m, err)
		}
		for _, p := range in.Positions {
			s.positions[p.DeviceID] = p.ID
		}
		for _, d := range in.Devices {
			s.devices[d.ID] = d.Status
		}
	}
	return s
}

// bench is a running hub in a synctest bubble.
type bench struct {
	*world
	bus     *fakeBus
	hub     *Hub
	metrics *metric.Set
	stop    func()
	t       *testing.T
}

// metric is the value of a counter.
func (b *bench) metric(name string) float64 {
	var text bytes.Buffer
	b.metrics.WritePrometheus(&text)
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				b.t.Fatal(err)
			}
			return n
		}
	}
	b.t.Fatalf("there is no metric %s", name)
	return 0
}

// run calls f with a hub, devices 1 to 5, an administrator (1), and the users
// 2 (devices 1 and 2) and 3 (device 3).
func run(t *testing.T, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{devices: map[int64]data.Device{}, last: map[int64]data.Position{}, users: map[int64]data.User{}, links: map[int64][]int64{2: {1, 2}, 3: {3}}}
		for id := int64(1); id <= 5; id++ {
			w.devices[id] = data.Device{ID: id, Name: "d", UniqueID: strings.Repeat("x", int(id)), LastUpdate: time.Now().Add(-time.Hour)}
			w.last[id] = position(id, id, -time.Hour)
		}
		for id := int64(1); id <= 3; id++ {
			w.users[id] = data.User{ID: id, Administrator: id == 1}
		}
		b := &bench{world: w, bus: &fakeBus{}, metrics: metric.NewSet(), t: t}
		b.hub = New(w, b.bus, slog.New(slog.DiscardHandler), time.Now, b.metrics)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.hub.Run(ctx) }()
		b.stop = func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			done <- nil
		}
		defer b.stop()
		synctest.Wait()
		f(t, b)
	})
}

// open opens a socket of a user and waits for its first messages.
func (b *bench) open(userID int64) *fakeConn {
	c := newConn()
	go func() { _ = b.hub.Serve(b.t.Context(), c, userID, b.access(userID)) }()
	synctest.Wait()
	return c
}

// pass lets time go by and everybody finish.
func pass(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

// position is number id of a device, measured at an offset from now.
func position(id, device int64, offset time.Duration) data.Position {
	at := time.Now().Add(offset)
	return data.Position{ID: id, DeviceID: device, Protocol: "test", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true}
}

func (b *bench) report(positions ...data.Position) {
	b.bus.live(positions)
	synctest.Wait()
}
