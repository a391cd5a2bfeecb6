package fleet_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

var noLog = slog.New(slog.DiscardHandler)

// counting counts what is asked of a store.
type counting struct {
	storage.Store
	asked  int
	during func() // optional
}

func (c *counting) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	c.asked++
	if c.during != nil {
		defer c.during()
	}
	return c.Store.ListDevices(ctx, f)
}

type world struct {
	*testing.T
	store *counting
	fleet *fleet.Fleet
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), noLog)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{T: t, store: &counting{Store: s}, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	w.fleet = fleet.New(w.store, noLog, func() time.Time { return w.now })
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) object(o data.Object) int64 {
	w.Helper()
	w.ok(w.store.CreateObject(w.Context(), o))
	return *o.Fields().ID
}

func (w *world) device(unique string, group int64, attributes map[string]any) int64 {
	w.Helper()
	d := data.Device{Name: unique, UniqueID: unique, GroupID: group, Attributes: attributes}
	w.ok(w.store.CreateDevice(w.Context(), &d))
	return d.ID
}

func (w *world) link(owner data.ObjectKind, ownerID int64, kind data.ObjectKind, id int64) {
	w.Helper()
	w.ok(w.store.AddLinks(w.Context(), data.Link{Owner: owner, OwnerID: ownerID, Property: kind, PropertyID: id}))
}

func (w *world) settings(device int64) *fleet.Settings {
	w.Helper()
	s, err := w.fleet.Settings(w.Context(), device)
	w.ok(err)
	return s
}

const circle = "CIRCLE (52.5 13.4, 100)"

func TestSettings(t *testing.T) {
	w := newWorld(t)
	w.ok(w.store.UpdateServer(t.Context(), &data.Server{Attributes: data.Free{"movement.minTripM": 300.0, "speedLimit": 50.0, "filter.zero": false}}))
	outer := w.object(&data.Group{Name: "outer", Attributes: data.Free{"movement.minTripM": "400", "filter.driftM": 15.0, "timezone": "Europe/Berlin"}})
	inner := w.object(&data.Group{Name: "inner", GroupID: outer, Attributes: data.Free{"filter.driftM": 20.0}})
	d := w.device("1", inner, map[string]any{"movement.minTripM": 500.0, "missingAt": "8:00"})
	other := w.device("2", 0, nil)
	ofDevice := w.object(&data.Geofence{Name: "d", Area: circle, Attributes: data.Free{"speedLimit": 20.0, "dwellS": 60.0}})
	ofGroup := w.object(&data.Geofence{Name: "g", Area: circle, Attributes: data.Free{"missingAt": "18:30"}})
	ofNone := w.object(&data.Geofence{Name: "n", Area: circle})
	broken := w.object(&data.Geofence{Name: "b", Area: "CIRCLE (nonsense"})
	w.link(data.DeviceKind, d, data.GeofenceKind, ofDevice)
	w.link(data.DeviceKind, d, data.GeofenceKind, broken)
	w.link(data.GroupKind, outer, data.GeofenceKind, ofGroup)
	w.link(data.GroupKind, outer, data.GeofenceKind, ofDevice)
	m := w.object(&data.Maintenance{Name: "oil", Type: "totalDistance", Period: 1000})
	w.link(data.GroupKind, inner, data.MaintenanceKind, m)
	driver := w.object(&data.Driver{Name: "Ada", UniqueID: "A"})
	w.link(data.DeviceKind, d, data.DriverKind, driver)
	attribute := w.object(&data.ComputedAttribute{Attribute: "x", Expression: "speed * 2", Type: "number"})
	w.link(data.DeviceKind, d, data.AttributeKind, attribute)
	w.link(data.DeviceKind, d, data.LinkedDeviceKind, other)

	s := w.settings(d)
	if c := s.Movement; c.Trips.MinTripM != 500 || c.Filter.DriftM != 20 || c.Filter.Zero || c.Trips.Zone.String() != "Europe/Berlin" {
		t.Errorf("movement: %+v", c)
	}
	var fences []int64
	for _, g := range s.Geofences {
		fences = append(fences, g.ID)
	}
	if !slices.Equal(fences, []int64{ofDevice, ofGroup, broken}) {
		t.Errorf("geofences %v", fences)
	}
	in := s.Fences.Find(nil, geofence.Point{Lat: 52.5, Lon: 13.4}, s.FenceSet)
	if !slices.Equal(in, []int64{ofDevice, ofGroup}) {
		t.Errorf("it is in %v, not in %d", in, ofNone)
	}
	if s.Events.SpeedLimitKnots != 50 || s.Events.SpeedLimitSource != "server" || s.Events.FenceLimitKnots[ofDevice] != 20 || len(s.Events.Maintenances) != 1 {
		t.Errorf("events: %+v", s.Events)
	}
	if len(s.Deadlines) != 3 || s.Deadlines[0].Hour != 8 || s.Deadlines[1].Hour != 18 || s.Deadlines[1].Minute != 30 {
		t.Errorf("deadlines: %+v", s.Deadlines)
	}
	if len(s.Maintenances) != 1 || len(s.Drivers) != 1 || s.Computed == nil || !slices.Equal(s.LinkedDevices, []int64{other}) {
		t.Errorf("links: %+v", s)
	}
	for key, want := range map[string]string{"movement.minTripM": "device", "filter.driftM": "group", "speedLimit": "server", "none": ""} {
		if have := fleet.Source(s.Attributes, key); have != want {
			t.Errorf("%s comes from %q, want %q", key, have, want)
		}
	}
	o := w.settings(other)
	if len(o.Geofences) != 0 || o.FenceSet.Len() != 0 || len(o.Attributes) != 2 || o.Movement.Trips.MinTripM != 300 {
		t.Errorf("the other device: %+v", o)
	}
	awaited, err := w.fleet.Awaited(t.Context(), []data.Device{s.Device, o.Device})
	if err != nil || len(awaited) != 1 || awaited[0].Device.ID != d || len(awaited[0].Deadlines) != 3 {
		t.Errorf("awaited: %+v, %v", awaited, err)
	}
	if _, err := w.fleet.Settings(t.Context(), 99); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("no device: %v", err)
	}
}

// TestChanges wants that every message counts at once, and that without any the
// settings are read again after some minutes.
func TestChanges(t *testing.T) {
	w := newWorld(t)
	d := w.device("1", 0, map[string]any{"filter.driftM": 1.0})
	g := w.object(&data.Geofence{Name: "g", Area: circle})
	drift := func() float64 { return w.settings(d).Movement.Filter.DriftM }
	set := func(m float64) {
		w.ok(w.store.UpdateDevice(t.Context(), &data.Device{ID: d, Name: "1", UniqueID: "1", Attributes: map[string]any{"filter.driftM": m}}))
	}
	drift()
	asked := w.store.asked
	set(2)
	if drift() != 1 || w.store.asked != asked {
		t.Error("the settings are not kept")
	}
	w.fleet.DeviceChanged(data.DeviceChange{ID: d})
	if drift() != 2 {
		t.Error("a change of the device does not count")
	}
	w.link(data.DeviceKind, d, data.GeofenceKind, g)
	w.fleet.AccessChanged(data.AccessChange{UserIDs: []int64{1}})
	if len(w.settings(d).Geofences) != 0 {
		t.Error("links of users are no reason to read again")
	}
	w.fleet.AccessChanged(data.AccessChange{DeviceIDs: []int64{d}})
	if len(w.settings(d).Geofences) != 1 {
		t.Error("a new link does not count")
	}
	set(3)
	w.now = w.now.Add(10 * time.Minute)
	if drift() != 3 {
		t.Error("a lost message counts for ever")
	}
}

func TestAllAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	ids := []int64{w.device("1", 0, nil), w.device("2", 0, nil)}
	dst := make([]*fleet.Settings, 0, 2)
	ask := func() {
		var err error
		if dst, err = w.fleet.All(t.Context(), ids, dst[:0]); err != nil || dst[0] == nil || dst[1] == nil {
			t.Fatal(dst, err)
		}
	}
	ask()
	if n := testing.AllocsPerRun(100, ask); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestChangeWhileLoading: what a load may have read too early is not kept, and
// everything else is.
func TestChangeWhileLoading(t *testing.T) {
	w := newWorld(t)
	var ids []int64
	for _, name := range []string{"a", "b"} {
		d := data.Device{Name: name, UniqueID: name}
		w.ok(w.store.CreateDevice(t.Context(), &d))
		ids = append(ids, d.ID)
	}
	ask := func(id int64) (asked int) {
		before := w.store.asked
		_, err := w.fleet.Settings(t.Context(), id)
		w.ok(err)
		return w.store.asked - before
	}
	w.store.during = func() { w.fleet.DeviceChanged(data.DeviceChange{ID: ids[0]}) }
	_, err := w.fleet.All(t.Context(), ids, nil)
	w.ok(err)
	w.store.during = nil
	if a, b := ask(ids[0]), ask(ids[1]); a != 1 || b != 0 {
		t.Errorf("the changed device is asked for %d times, the other one %d times", a, b)
	}
	w.fleet.Forget()
	w.store.during = w.fleet.Forget
	ask(ids[0])
	w.store.during = nil
	if n := ask(ids[0]); n != 1 {
		t.Errorf("asked for %d times after everything was forgotten", n)
	}
}
