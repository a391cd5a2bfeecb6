package presence

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
)

// watched is a world with a yard at 52.5 13.4 in which devices should be at
// 12:30.
type watched struct {
	*world
	yard   int64
	fleet  *fleet.Fleet
	folder *derive.Folder
}

func newWatched(t *testing.T) *watched {
	w := &watched{world: newWorld(t)}
	w.types = []string{data.EventGeofenceMissing}
	g := data.Geofence{Name: "yard", Area: "CIRCLE (52.5 13.4, 200)", Attributes: data.Free{"missingAt": "12:30"}}
	w.ok(w.store.CreateObject(t.Context(), &g))
	w.yard = g.ID
	log := slog.New(slog.DiscardHandler)
	w.fleet = fleet.New(w.store, log, func() time.Time { return w.now })
	w.folder = derive.NewFolder(w.store, w.fleet, log)
	return w
}

// van is a device that should be in the yard, and was there or elsewhere so long
// ago.
func (w *watched) van(ago time.Duration, inside bool) int64 {
	id := w.device(0, nil)
	w.ok(w.store.AddLinks(w.t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: id, Property: data.GeofenceKind, PropertyID: w.yard}))
	w.fleet.Forget()
	w.processed(id, w.now.Add(-ago), inside)
	return id
}

// processed is a report as processing stores it.
func (w *watched) processed(id int64, at time.Time, inside bool) {
	w.t.Helper()
	p := []data.Position{{DeviceID: id, DeviceTime: at, FixTime: at, ServerTime: at, Valid: true, Latitude: 52.5, Longitude: 13.4}}
	if !inside {
		p[0].Latitude = 52.6
	}
	w.ok(w.store.InsertPositions(w.t.Context(), p, []uint64{p[0].Fingerprint()}, w.folder.Fold))
}

// sweepFor lets time go by, and has everything looked at each minute.
func (w *watched) sweepFor(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		w.pass(min(time.Minute, end.Sub(w.now)))
		w.ok(w.watch.sweep(w.t.Context()))
		w.ok(w.watch.tick(w.t.Context()))
	}
}

// TestMissingWhileSilent: who is silent outside is told of by the clock, once,
// whoever watches then, and also when the device speaks again.
func TestMissingWhileSilent(t *testing.T) {
	w := newWatched(t)
	outside, inside := w.van(time.Hour, false), w.van(3*time.Hour, true)
	never, free := w.device(0, nil), w.device(0, nil)
	w.ok(w.store.AddLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: never, Property: data.GeofenceKind, PropertyID: w.yard}))
	w.processed(free, w.now, false) // the yard is no matter of it
	disabled := w.van(time.Hour, false)
	d, err := w.store.Device(t.Context(), disabled)
	w.ok(err)
	d.Disabled = true
	w.ok(w.store.UpdateDevice(t.Context(), &d))

	w.begin()
	w.sweepFor(30 * time.Minute)
	w.want() // what was sent in time may still come
	w.sweepFor(2 * time.Minute)
	missing := fmt.Sprintf("%d geofenceMissing 30m0s", outside)
	w.want(missing)
	w.shown(1)
	if e := w.bus.shown[len(w.bus.shown)-1]; e.GeofenceID != w.yard || e.PositionID == 0 {
		t.Errorf("%+v", e)
	}
	w.begin() // somebody takes over
	w.sweepFor(3 * time.Minute)
	w.processed(outside, w.now, false)
	w.processed(inside, w.now, true)
	w.want(missing)
	if untold, err := w.store.UntoldEvents(t.Context(), 100); err != nil || count(untold, data.EventGeofenceMissing) != 1 {
		t.Errorf("%+v, %v", untold, err)
	}
}

// TestMissingOfThoseWhoSpoke is what processing finds.
func TestMissingOfThoseWhoSpoke(t *testing.T) {
	w := newWatched(t)
	came, left := w.van(time.Hour, false), w.van(time.Hour, true)
	w.begin()
	w.sweepFor(29 * time.Minute)
	w.processed(came, w.now, true)
	w.processed(left, w.now, false)
	w.now = w.now.Add(61 * time.Second)
	w.processed(came, w.now, false)
	w.processed(left, w.now, true)
	w.sweepFor(5 * time.Minute)
	w.want(fmt.Sprintf("%d geofenceMissing 30m0s", left))
}

// TestMissingLongAgo: what was missed while nobody watched is told if it was
// not long ago; the rest is history when the device speaks again.
func TestMissingLongAgo(t *testing.T) {
	for after, want := range map[time.Duration]int{50 * time.Minute: 1, 3 * time.Hour: 0} {
		w := newWatched(t)
		id := w.van(time.Hour, false)
		w.now = w.now.Add(30*time.Minute + after)
		w.begin()
		w.sweepFor(2 * time.Minute)
		if have := w.stored(); have != want {
			t.Errorf("%v later: %d events, want %d", after, have, want)
		}
		w.processed(id, w.now, false)
		if have := w.stored(); have != 1 {
			t.Errorf("%v later: %d events after the next report", after, have)
		}
	}
}

// TestMissingWaitsForTheStore: nothing is lost while the store is down.
func TestMissingWaitsForTheStore(t *testing.T) {
	w := newWatched(t)
	w.van(time.Hour, false)
	w.begin()
	w.sweepFor(29 * time.Minute)
	w.store.down.Store(true)
	w.now = w.now.Add(2 * time.Minute)
	w.ok(w.watch.sweep(t.Context()))
	if w.watch.tick(t.Context()) == nil {
		t.Error("stored by a store that is down")
	}
	w.store.down.Store(false)
	w.sweepFor(time.Minute)
	if have := w.stored(); have != 1 {
		t.Errorf("%d events", have)
	}
}

func (w *watched) stored() (n int) {
	w.t.Helper()
	w.ok(w.store.EventsBetween(w.t.Context(), storage.EventFilter{Types: w.types}, 0, func(*data.Event) error { n++; return nil }))
	return n
}

func count(events []data.Event, kind string) (n int) {
	for i := range events {
		if events[i].Type == kind {
			n++
		}
	}
	return n
}
