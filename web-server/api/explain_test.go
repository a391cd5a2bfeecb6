package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/traces"
)

// folded stores positions as processing does.
func (e *env) folded(positions []data.Position) {
	e.t.Helper()
	prints := make([]uint64, len(positions))
	for i := range positions {
		prints[i] = positions[i].Fingerprint()
	}
	f := derive.NewFolder(e.store, fleet.New(e.store, e.server.deps.Log, time.Now), e.server.deps.Log)
	if err := e.store.InsertPositions(e.t.Context(), positions, prints, f.Fold); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) must(errs ...error) {
	e.t.Helper()
	if err := errors.Join(errs...); err != nil {
		e.t.Fatal(err)
	}
}

// TestExplain asks about positions of a day: one on a trip, one that jumped,
// one at rest, and about those again after a setting has changed.
func TestExplain(t *testing.T) {
	e := newEnv(t)
	ann, bob := e.user("ann", false), e.user("bob", false)
	c := e.client().signIn(ann)
	d := e.device("d", ann)
	positions := traces.Positions(d.ID, traces.Deliveries().Fixes)
	driving, jumped := 110, 120
	positions[jumped].Latitude += 10
	g := data.Geofence{Name: "yard", Area: fmt.Sprintf("CIRCLE (%f %f, 300)", positions[driving].Latitude, positions[driving].Longitude)}
	e.must(e.store.CreateObject(t.Context(), &g))
	e.link(
		data.Link{Owner: data.UserKind, OwnerID: ann.ID, Property: data.GeofenceKind, PropertyID: g.ID},
		data.Link{Owner: data.DeviceKind, OwnerID: d.ID, Property: data.GeofenceKind, PropertyID: g.ID},
	)
	e.folded(positions)
	explain := func(i int) (x explanation) {
		t.Helper()
		if err := json.Unmarshal([]byte(c.want(200, "GET", fmt.Sprintf("/api/positions/%d/explain", positions[i].ID), nil)), &x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := explain(driving); !x.Stored.Counts || x.Stored != x.Now || x.Trip == nil || x.Trip.Kind != "drive" || x.Trip.Open || x.Stop != nil || !x.Now.Motion ||
		len(x.Geofences) != 1 || x.Geofences[0].Name != "yard" || len(x.Settings) != 0 {
		t.Errorf("driving: %+v", x)
	}
	if x := explain(jumped); x.Stored.Counts || x.Stored.Reason != "jump" || x.Now.Text != x.Stored.Text || x.Stored.Limit != 1000 || x.Trip == nil {
		t.Errorf("jumped: %+v", x)
	}
	if x := explain(len(positions) - 1); x.Stop == nil || !x.Stop.Open || x.Trip != nil || x.Now.Motion {
		t.Errorf("at rest: %+v", x)
	}
	var p struct{ GeofenceIDs []int64 }
	if err := json.Unmarshal(explain(driving).Position, &p); err != nil || !slices.Equal(p.GeofenceIDs, []int64{g.ID}) {
		t.Errorf("geofenceIds %v, %v", p.GeofenceIDs, err)
	}

	d.Attributes = map[string]any{"filter.maxSpeedKmh": 0.0, "filter.maxAcceleration": 0.0, "timezone": "Europe/Berlin", "colour": "red"}
	e.must(e.store.UpdateDevice(t.Context(), &d))
	x := explain(jumped)
	if x.Stored.Reason != "jump" || !x.Now.Counts || len(x.Settings) != 3 || x.Settings[1].Key != "filter.maxSpeedKmh" || x.Settings[1].Source != "device" {
		t.Errorf("after a change of settings: %+v", x)
	}
	e.client().signIn(bob).want(404, "GET", fmt.Sprintf("/api/positions/%d/explain", positions[0].ID), nil)
	c.want(404, "GET", "/api/positions/1/explain", nil)
}

// TestAccumulatorsHold sets the totals of a device, and wants them to be counted
// on when its trips are rebuilt.
func TestAccumulatorsHold(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d := e.device("d", ann)
	positions := traces.Positions(d.ID, traces.Deliveries().Fixes)
	half := len(positions) / 2
	e.folded(positions[:half])
	totals := func() (metres float64, hours int64) {
		t.Helper()
		s, err := derive.Current(t.Context(), e.store, e.server.settings(), d.ID)
		e.must(err)
		return float64(s.Movement.Trips().Totals().DistanceMM) / 1000, s.Movement.Trips().Totals().EngineMS
	}
	_, hours := totals()
	c.want(204, "PUT", fmt.Sprintf("/api/devices/%d/accumulators", d.ID), `{"totalDistance":5000000}`)
	set, after := totals()
	if set != 5e6 || after != hours || hours == 0 {
		t.Errorf("the totals are %v m and %v ms, the engine had run %v ms", set, after, hours)
	}
	e.folded(positions[half:])
	m, _ := totals()
	if m <= 5e6 || m > 5e6+100e3 {
		t.Errorf("it counts on to %v m", m)
	}
	if _, err := derive.Rebuild(t.Context(), e.store, e.server.settings(), d.ID); err != nil {
		t.Fatal(err)
	}
	if again, _ := totals(); again != m {
		t.Errorf("rebuilt it is %v m, not %v", again, m)
	}
}
