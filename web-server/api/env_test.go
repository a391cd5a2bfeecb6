package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	testPassword = "correct horse"
	testCSP      = "default-src 'self'"
	// patience bounds every wait of a test, also on a busy machine.
	patience = time.Minute
)

// localBus is a bus within the process: what is published is delivered before
// the publisher goes on.
type localBus struct {
	mu      sync.Mutex
	live    []func([]data.Position)
	devices []func(data.DeviceChange)
	users   []func(data.UserChange)
	command []func(data.CommandChange)
	access  []func(data.AccessChange)
	logs    []func(data.LogBatch)
	notices []func(data.Notice)
	// interest is what the server asked of the trackers.
	interest data.LogInterest
	// seen is every device change that was published.
	seen []data.DeviceChange
	down bool
}

func (b *localBus) SubscribeLive(f func([]data.Position)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live = append(b.live, f)
	return func() {}, nil
}

func (b *localBus) SubscribeDevices(f func(data.DeviceChange)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.devices = append(b.devices, f)
	return func() {}, nil
}

func (b *localBus) SubscribeUsers(f func(data.UserChange)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users = append(b.users, f)
	return func() {}, nil
}

func (b *localBus) SubscribeCommands(f func(data.CommandChange)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.command = append(b.command, f)
	return func() {}, nil
}

// PublishCommand delivers without the lock: who hears of a command may publish
// the next change.
func (b *localBus) PublishCommand(c data.CommandChange) error {
	b.mu.Lock()
	subscribers := b.command
	b.mu.Unlock()
	for _, f := range subscribers {
		f(c)
	}
	return nil
}

func (b *localBus) SubscribeNotices(f func(data.Notice)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notices = append(b.notices, f)
	return func() {}, nil
}

func (b *localBus) PublishNotice(n data.Notice) error {
	b.mu.Lock()
	subscribers := b.notices
	b.mu.Unlock()
	for _, f := range subscribers {
		f(n)
	}
	return nil
}

func (b *localBus) SubscribeSeen(func(map[int64]time.Time)) (func(), error) {
	return func() {}, nil
}

func (b *localBus) SubscribeLogs(f func(data.LogBatch)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logs = append(b.logs, f)
	return func() {}, nil
}

func (b *localBus) PublishLogInterest(i data.LogInterest) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interest = i
	return nil
}

// publishLogs delivers raw messages.
func (b *localBus) publishLogs(lines ...data.LogLine) {
	b.mu.Lock()
	subscribers := b.logs
	b.mu.Unlock()
	for _, f := range subscribers {
		f(data.LogBatch{Lines: lines})
	}
}

// wantInterest waits until the trackers were asked for what is wanted.
func (b *localBus) wantInterest(t *testing.T, ok func(data.LogInterest) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		have := b.interest
		b.mu.Unlock()
		if ok(have) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("asked for %+v", have)
		}
	}
}

// CommandTypes knows one protocol.
func (b *localBus) CommandTypes(protocol string) ([]string, error) {
	if protocol != "osmand" {
		return nil, data.ErrUnavailable
	}
	return []string{"custom", "engineStop", "engineResume", "positionSingle"}, nil
}

func (b *localBus) SubscribeAccess(f func(data.AccessChange)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.access = append(b.access, f)
	return func() {}, nil
}

func (b *localBus) PublishObject(data.ObjectChange) error { return nil }

func (b *localBus) PublishAccess(c data.AccessChange) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return data.ErrUnavailable
	}
	for _, f := range b.access {
		f(c)
	}
	return nil
}

func (b *localBus) PublishLive(_ int, positions []data.Position) error {
	b.publishLive(positions...)
	return nil
}

func (b *localBus) PublishDevice(c data.DeviceChange) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return data.ErrUnavailable
	}
	b.seen = append(b.seen, c)
	for _, f := range b.devices {
		f(c)
	}
	return nil
}

func (b *localBus) PublishUser(c data.UserChange) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return data.ErrUnavailable
	}
	for _, f := range b.users {
		f(c)
	}
	return nil
}

func (b *localBus) publishLive(positions ...data.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.live {
		f(positions)
	}
}

// env is a whole web server on a port of its own, with a real store.
type env struct {
	t      *testing.T
	server *Server
	store  storage.Store
	bus    *localBus
	url    string
	// bot is the Telegram bot's name.
	bot string
	// asked counts the requests of all clients.
	asked atomic.Int64
	// stop stops the server and returns what Run returned.
	stop func() error

	mu  sync.Mutex
	now time.Time
	log bytes.Buffer
}

func (e *env) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *env) advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

// Write collects the log.
func (e *env) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(p)
}

func (e *env) logged() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.String()
}

func openStore(t *testing.T) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newEnv(t *testing.T) *env {
	return newEnvWith(t, plainStore)
}

// plainStore wraps nothing around a store.
func plainStore(s storage.Store) storage.Store { return s }

// newEnvWith starts a server on a store with something wrapped around it.
func newEnvWith(t *testing.T, wrap func(storage.Store) storage.Store) *env {
	return newEnvSet(t, wrap, func(*Config, *Deps) {})
}

// newEnvSet starts a server with other settings and parts.
func newEnvSet(t *testing.T, wrap func(storage.Store) storage.Store, set func(*Config, *Deps)) *env {
	t.Helper()
	e := &env{t: t, store: openStore(t), bus: &localBus{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg, deps := DefaultConfig(), Deps{
		Store: wrap(e.store), Bus: e.bus, Now: e.clock, Metrics: metric.NewSet(),
		Log: slog.New(slog.NewTextHandler(e, &slog.HandlerOptions{Level: slog.LevelDebug})),
		UI: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "page %s", r.URL.Path)
		}),
		Health:                http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "health") }),
		ContentSecurityPolicy: testCSP,
		JobsDir:               t.TempDir(),
		BotUsername:           func() string { return e.bot },
		Passwords:             auth.Params{MemoryKiB: 64, Passes: 1},
	}
	set(&cfg, &deps)
	var err error
	e.server, err = New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.server.Run(ctx, l) }()
	e.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := e.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	// Updates flow from here on.
	e.eventually("the server subscribes", func() bool {
		e.bus.mu.Lock()
		defer e.bus.mu.Unlock()
		return len(e.bus.users) == 1
	})
	return e
}

// eventually polls until a state is reached.
func (e *env) eventually(what string, reached func() bool) {
	e.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("waited %v until %s", patience, what)
		}
	}
}

// user makes an account with testPassword.
func (e *env) user(name string, administrator bool) data.User {
	e.t.Helper()
	hash, err := e.server.auth.Hash(e.t.Context(), testPassword)
	if err != nil {
		e.t.Fatal(err)
	}
	u := data.User{Name: name, Email: name + "@example.org", PasswordHash: hash, Administrator: administrator, DeviceLimit: data.NoLimit}
	if err := e.store.CreateUser(e.t.Context(), &u); err != nil {
		e.t.Fatal(err)
	}
	return u
}

// device makes a device, linked to users.
func (e *env) device(name string, users ...data.User) data.Device {
	e.t.Helper()
	d := data.Device{Name: name, UniqueID: "id-" + name}
	if err := e.store.CreateDevice(e.t.Context(), &d); err != nil {
		e.t.Fatal(err)
	}
	for _, u := range users {
		e.link(data.UserDevice(u.ID, d.ID))
	}
	return d
}

// link stores links, as a request would.
func (e *env) link(links ...data.Link) {
	e.t.Helper()
	if err := e.store.AddLinks(e.t.Context(), links...); err != nil {
		e.t.Fatal(err)
	}
	_ = e.bus.PublishAccess(linksChanged(links))
}

// position stores a position of a device, measured some time from the clock.
func (e *env) position(deviceID int64, offset time.Duration) data.Position {
	e.t.Helper()
	at := e.clock().Add(offset)
	p := data.Position{
		DeviceID: deviceID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at,
		Valid: true, Latitude: 52.1, Longitude: 4.3, SpeedKnots: 10,
	}
	p.Attributes.SetBool("motion", true)
	list := []data.Position{p}
	if err := e.store.InsertPositions(e.t.Context(), list, []uint64{p.Fingerprint()}, nil); err != nil {
		e.t.Fatal(err)
	}
	return list[0]
}
