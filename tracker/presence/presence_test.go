package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// base is when the tests begin.
var base = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// localBus hands messages straight to the last one who subscribed.
type localBus struct {
	live    func([]data.Position)
	seen    func(map[int64]time.Time)
	devices func(data.DeviceChange)
	access  func(data.AccessChange)
	shown   []data.Event
	changed []data.DeviceChange
}

func (b *localBus) SubscribeLive(f func([]data.Position)) (func(), error) {
	b.live = f
	return func() {}, nil
}

func (b *localBus) SubscribeSeen(f func(map[int64]time.Time)) (func(), error) {
	b.seen = f
	return func() {}, nil
}

func (b *localBus) SubscribeDevices(f func(data.DeviceChange)) (func(), error) {
	b.devices = f
	return func() {}, nil
}

func (b *localBus) SubscribeAccess(f func(data.AccessChange)) (func(), error) {
	b.access = f
	return func() {}, nil
}

func (b *localBus) PublishEvents(e []data.Event) error {
	b.shown = append(b.shown, e...)
	return nil
}

func (b *localBus) PublishDevice(c data.DeviceChange) error {
	b.changed = append(b.changed, c)
	return nil
}

func (b *localBus) Lead(ctx context.Context, _ string, f func(context.Context) error) error {
	return f(ctx)
}

// faulty is a store that may be down.
type faulty struct {
	storage.Store
	down atomic.Bool
}

func (f *faulty) InsertEvents(ctx context.Context, e []data.Event) error {
	if f.down.Load() {
		return errors.Join(data.ErrUnavailable)
	}
	return f.Store.InsertEvents(ctx, e)
}

// world is a store, a clock and one who watches.
type world struct {
	t     *testing.T
	store *faulty
	bus   *localBus
	now   time.Time
	watch *Watch
	// types are those that are looked at; nil for all.
	types []string
}

func newWorld(t *testing.T) *world {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{t: t, store: &faulty{Store: s}, bus: &localBus{}, now: base}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// device makes one that spoke some time ago; 0 is never.
func (w *world) device(ago time.Duration, attributes map[string]any) int64 {
	d := data.Device{Name: "d", UniqueID: fmt.Sprint("u", time.Now().UnixNano()), Attributes: attributes}
	w.ok(w.store.CreateDevice(w.t.Context(), &d))
	if ago > 0 {
		w.ok(w.store.TouchDevices(w.t.Context(), map[int64]time.Time{d.ID: w.now.Add(-ago)}))
	}
	return d.ID
}

// begin has somebody (else) watch from now on.
func (w *world) begin() {
	w.t.Helper()
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return w.now }
	w.watch = New(w.store, w.bus, fleet.New(w.store, log, now), log, now)
	w.watch.reset()
	_, err := w.watch.subscribe()
	w.ok(err)
	w.ok(w.watch.start(w.t.Context()))
}

// pass lets time go by, and looks at the clock now and then.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(15*time.Second, end.Sub(w.now)))
		w.ok(w.watch.tick(w.t.Context()))
	}
}

// spoke is a heartbeat.
func (w *world) spoke(id int64) { w.bus.seen(map[int64]time.Time{id: w.now}) }

// report is a position some metres east of a place.
func (w *world) report(id int64, east float64, moving bool) {
	p := data.Position{
		ID: 1000*id + int64(w.now.Sub(base).Seconds()), DeviceID: id, ServerTime: w.now, DeviceTime: w.now, FixTime: w.now, Valid: true,
		Latitude: 0.0001, Longitude: 10 + east/111_195,
	}
	p.Attributes.SetBool("motion", moving)
	w.bus.live([]data.Position{p})
}

// want compares the stored events.
func (w *world) want(want ...string) {
	w.t.Helper()
	got := []string{}
	w.ok(w.store.EventsBetween(w.t.Context(), storage.EventFilter{Types: w.types}, 0, func(e *data.Event) error {
		line := fmt.Sprintf("%d %s %s", e.DeviceID, e.Type, e.Time.Sub(base))
		if d := e.Attributes.Get("distance"); d.Kind() != data.KindNone {
			line += fmt.Sprintf(" %s at %v m", e.Detail, d)
		}
		got = append(got, line)
		return nil
	}))
	if !slices.Equal(got, want) {
		w.t.Errorf("stored\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// shown compares how many events were passed on.
func (w *world) shown(n int) {
	w.t.Helper()
	shown := slices.DeleteFunc(slices.Clone(w.bus.shown), func(e data.Event) bool {
		return w.types != nil && !slices.Contains(w.types, e.Type)
	})
	if len(shown) != n {
		w.t.Errorf("%d events shown, want %d: %+v", len(shown), n, shown)
	}
	for _, e := range w.bus.shown {
		if e.ID == 0 || e.ServerTime.IsZero() {
			w.t.Errorf("%+v was shown", e)
		}
	}
}

func TestOnlineAndUnknown(t *testing.T) {
	w := newWorld(t)
	fresh, quiet, never := w.device(time.Minute, nil), w.device(5*time.Hour, nil), w.device(0, nil)
	w.begin()
	w.pass(time.Minute)
	w.want()
	w.spoke(quiet)
	w.report(never, 0, false)
	w.pass(10 * time.Second)
	w.want("2 deviceOnline 1m0s", "3 deviceOnline 1m0s")
	w.pass(15 * time.Minute)
	w.want("1 deviceUnknown 9m0s", "2 deviceOnline 1m0s", "2 deviceUnknown 11m0s", "3 deviceOnline 1m0s", "3 deviceUnknown 11m0s")
	w.spoke(fresh)
	w.pass(time.Second)
	w.shown(6)
	if last := w.bus.shown[5]; last.Type != data.EventDeviceOnline || !last.Time.Equal(w.now.Add(-time.Second)) {
		t.Errorf("%+v", last)
	}
}

// The bus lost that a device spoke: the store is asked before it is called unknown.
func TestStoreKnowsBetter(t *testing.T) {
	w := newWorld(t)
	id := w.device(time.Minute, nil)
	w.begin()
	w.pass(5 * time.Minute)
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{id: w.now}))
	w.pass(9 * time.Minute)
	w.want()
	w.pass(2 * time.Minute)
	w.want("1 deviceUnknown 15m0s")
}

// TestAfterRestart: nobody is called unknown because the server was away, but
// who stays away is, and whoever takes over tells nothing twice.
func TestAfterRestart(t *testing.T) {
	w := newWorld(t)
	back, gone, long := w.device(30*time.Minute, nil), w.device(30*time.Minute, nil), w.device(3*time.Hour, nil)
	w.begin()
	w.pass(time.Minute)
	w.spoke(back)
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{back: w.now}))
	w.pass(2 * time.Minute)
	unknown := fmt.Sprintf("%d deviceUnknown -20m0s", gone)
	w.want(unknown)
	w.shown(1)
	w.begin()
	w.pass(3 * time.Minute)
	w.want(unknown)
	w.shown(1)
	// It came back while nobody watched.
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{gone: w.now}))
	w.begin()
	w.pass(time.Minute)
	w.want(unknown, fmt.Sprintf("%d deviceOnline 6m0s", gone))
	w.shown(2)
	_ = long
}

func TestTwoWatchersTellTheSame(t *testing.T) {
	w := newWorld(t)
	w.device(time.Minute, nil)
	w.begin()
	first := w.watch
	w.begin()
	w.now = w.now.Add(10 * time.Minute)
	w.ok(w.watch.tick(t.Context()))
	w.now = w.now.Add(5 * time.Minute)
	w.ok(first.tick(t.Context()))
	w.want("1 deviceUnknown 9m0s")
	if w.bus.shown[0].ID != w.bus.shown[1].ID {
		t.Error("two events for one")
	}
}

func TestInactive(t *testing.T) {
	w := newWorld(t)
	minutes := func(n float64) float64 { return n * 60_000 }
	w.ok(w.store.UpdateServer(t.Context(), &data.Server{Attributes: data.Free{"deviceInactivityStart": minutes(300)}}))
	outer := data.Group{Name: "outer", Attributes: data.Free{"deviceInactivityStart": fmt.Sprint(minutes(20)), "deviceInactivityPeriod": minutes(10)}}
	w.ok(w.store.CreateObject(t.Context(), &outer))
	inner := data.Group{Name: "inner", GroupID: outer.ID}
	w.ok(w.store.CreateObject(t.Context(), &inner))
	w.device(4*time.Minute, nil)
	grouped := data.Device{Name: "g", UniqueID: "g", GroupID: inner.ID}
	w.ok(w.store.CreateDevice(t.Context(), &grouped))
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{grouped.ID: w.now.Add(-4 * time.Minute)}))
	own := w.device(4*time.Minute, map[string]any{"deviceInactivityStart": minutes(30)})
	w.device(0, map[string]any{"deviceInactivityStart": minutes(1)}) // never spoke
	w.begin()
	w.pass(27 * time.Minute)
	want := []string{
		"1 deviceUnknown 6m0s", "2 deviceUnknown 6m0s", "2 deviceInactive 16m0s", "2 deviceInactive 26m0s",
		fmt.Sprintf("%d deviceUnknown 6m0s", own), fmt.Sprintf("%d deviceInactive 26m0s", own),
	}
	w.want(want...)
	w.shown(len(want))
	w.begin() // nothing of that again
	w.pass(time.Minute)
	w.want(want...)
	w.shown(len(want))
	w.spoke(own)
	w.pass(31 * time.Minute)
	if got := w.bus.shown[len(w.bus.shown)-1]; got.DeviceID != own || got.Type != data.EventDeviceInactive || !got.Time.Equal(base.Add(58*time.Minute)) {
		t.Errorf("%+v", got)
	}
}

// A device that is made, changed and removed while somebody watches.
func TestDevicesChange(t *testing.T) {
	w := newWorld(t)
	w.begin()
	id := w.device(0, nil)
	w.bus.devices(data.DeviceChange{ID: id})
	w.pass(10 * time.Second)
	w.spoke(id)
	w.pass(10 * time.Second)
	lost := w.device(0, nil) // the bus lost the message
	w.spoke(lost)
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{lost: w.now}))
	w.pass(10 * time.Second)
	w.ok(w.store.DeleteDevice(t.Context(), id))
	w.bus.devices(data.DeviceChange{ID: id, Removed: true})
	w.pass(15 * time.Minute)
	w.shown(3)
	w.want("2 deviceOnline 20s", "2 deviceUnknown 10m20s")
	if len(w.watch.devices) != 1 {
		t.Errorf("%d devices are known", len(w.watch.devices))
	}
}

func TestEventsWaitForTheStore(t *testing.T) {
	w := newWorld(t)
	id := w.device(time.Hour*5, nil)
	w.begin()
	w.store.down.Store(true)
	w.spoke(id)
	for range 3 {
		if err := w.watch.tick(t.Context()); !errors.Is(err, data.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	w.want()
	w.store.down.Store(false)
	w.pass(time.Second)
	w.want("1 deviceOnline 0s")
	w.shown(1)
}
