package storagetest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

var findingTests = []contractTest{
	{"Fold", testFold},
	{"FoldThatFails", testFoldThatFails},
	{"FoldReads", testFoldReads},
	{"Findings", testFindings},
	{"Undo", testUndo},
	{"Epochs", testEpochs},
	{"FindingsGoWithTheirDevice", testFindingsGo},
}

// newTrip is a trip with every field set, from and to a second.
func newTrip(from, to int) trips.Trip {
	return trips.Trip{
		Kind:    trips.Carried,
		Start:   trips.Place{PositionID: 1, Time: at(from).UnixMilli(), Lat: 52.5, Lon: 13.4},
		End:     trips.Place{PositionID: 2, Time: at(to).UnixMilli(), Lat: -52.5, Lon: -13.4},
		Amounts: trips.Amounts{DistanceMM: 1, MovingMS: 2, IdleMS: 3, EngineMS: 4, FuelML: -5, MaxSpeedKnots: 6.5},

		AverageSpeedKnots: 7.5, OdometerStartM: 8.5, OdometerEndM: fix.None, TotalStartMM: 9, TotalEndMM: 10,
		Driver: "A 1", Path: "abc", Version: trips.Version,
	}
}

func newStop(from, to int) trips.Stop {
	place := trips.Place{PositionID: 3, Time: at(from).UnixMilli(), Lat: 1, Lon: 2}
	end := place
	end.Time = at(to).UnixMilli()
	return trips.Stop{Start: place, End: end, Amounts: trips.Amounts{IdleMS: 1, EngineMS: 2, FuelML: 3}, OdometerM: 4, TotalMM: 5, Version: 1}
}

func newDay(number int64) trips.Day {
	return trips.Day{
		Number: number, Start: number * 864e5, End: (number + 1) * 864e5, First: 1, Last: 2, Reports: 3, CarriedMM: 4, Trips: 5,
		Amounts:        trips.Amounts{DistanceMM: 1, MovingMS: 2, MaxSpeedKnots: 3},
		OdometerStartM: fix.None, OdometerEndM: 7, TotalStartMM: 8, TotalEndMM: 9, HoursStartMS: 10, HoursEndMS: 11, Version: 1,
	}
}

func newCheckpoint(second int) movement.Checkpoint {
	return movement.Checkpoint{Time: at(second).UnixMilli(), State: []byte{byte(second), 0, 255}}
}

// gives is a fold that finds always the same.
func gives(findings ...storage.Findings) storage.Fold {
	return func(context.Context, []storage.Arrival) ([]storage.Findings, error) { return findings, nil }
}

// found is all that was found of a device.
func found(t testing.TB, s storage.Store, device int64) (f storage.Findings) {
	t.Helper()
	ctx, ids, far := testContext(t), []int64{device}, at(1e9)
	f.DeviceID = device
	ok(t, s.Trips(ctx, ids, time.Time{}, far, func(_ int64, r *trips.Trip) error { f.Trips = append(f.Trips, *r); return nil }))
	ok(t, s.Stops(ctx, ids, time.Time{}, far, func(_ int64, r *trips.Stop) error { f.Stops = append(f.Stops, *r); return nil }))
	ok(t, s.Days(ctx, ids, math.MinInt64, math.MaxInt64, func(_ int64, r *trips.Day) error { f.Days = append(f.Days, *r); return nil }))
	if all := get(t, func() ([]movement.Checkpoint, error) { return s.CheckpointsAfter(ctx, device, time.Time{}, 1000) }); len(all) > 0 {
		f.Checkpoints = all
	}
	return f
}

func testFold(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	insert(t, s, newPosition(a.ID, 5))
	batch := []data.Position{newPosition(b.ID, 1), newPosition(a.ID, 3), newPosition(a.ID, 5), newPosition(a.ID, 2), newPosition(b.ID, 1), newPosition(1<<20, 1)}
	prints := fingerprints(batch)
	var seen []storage.Arrival
	fold := func(_ context.Context, arrivals []storage.Arrival) ([]storage.Findings, error) {
		for _, of := range arrivals {
			copied := storage.Arrival{DeviceID: of.DeviceID}
			for _, p := range of.Positions {
				stored := *p
				copied.Positions = append(copied.Positions, &stored)
				p.Attributes.SetFloat("distance", float64(p.DeviceTime.Second()))
			}
			seen = append(seen, copied)
		}
		return nil, nil
	}
	ok(t, s.InsertPositions(ctx, batch, prints, fold))
	if len(seen) != 2 || seen[0].DeviceID != b.ID || seen[1].DeviceID != a.ID || len(seen[0].Positions) != 1 || len(seen[1].Positions) != 2 {
		t.Fatalf("the fold saw %+v", seen)
	}
	equal(t, "ids in the fold", []int64{seen[0].Positions[0].ID, seen[1].Positions[0].ID, seen[1].Positions[1].ID}, []int64{batch[0].ID, batch[1].ID, batch[3].ID})
	for _, p := range append(history(t, s, a.ID), history(t, s, b.ID)...) {
		n, set := p.Attributes.Get("distance").Float()
		if old := p.ID == history(t, s, a.ID)[2].ID; set == old || !old && n != float64(p.DeviceTime.Second()) {
			t.Errorf("position %d has distance %v (%v)", p.ID, n, set)
		}
	}
	equal(t, "latest", latest(t, s, []int64{b.ID})[0].Attributes, history(t, s, b.ID)[0].Attributes)
	seen = nil
	ok(t, s.InsertPositions(ctx, batch, prints, fold))
	equal(t, "arrivals of what is known", len(seen), 0)
}

func testFoldThatFails(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "1")
	batch := []data.Position{newPosition(d.ID, 1)}
	broken := errors.New("broken")
	err := s.InsertPositions(testContext(t), batch, fingerprints(batch), func(context.Context, []storage.Arrival) ([]storage.Findings, error) { return nil, broken })
	wantError(t, "a fold that fails", err, broken)
	equal(t, "id", batch[0].ID, int64(0))
	equal(t, "positions", len(history(t, s, d.ID)), 0)
	insert(t, s, newPosition(d.ID, 1))
	equal(t, "positions later", len(history(t, s, d.ID)), 1)
}

// testFoldReads reads the store within the transaction: what was before it.
func testFoldReads(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "1")
	insert(t, s, newPosition(d.ID, 1), newPosition(d.ID, 2))
	batch := []data.Position{newPosition(d.ID, 3)}
	n := 0
	ok(t, s.InsertPositions(testContext(t), batch, fingerprints(batch), func(ctx context.Context, _ []storage.Arrival) ([]storage.Findings, error) {
		if _, err := s.CheckpointsBefore(ctx, []int64{d.ID}, at(100)); err != nil {
			return nil, err
		}
		if _, err := s.CheckpointsAfter(ctx, d.ID, at(0), 10); err != nil {
			return nil, err
		}
		if err := s.EventsBetween(ctx, storage.EventFilter{DeviceIDs: []int64{d.ID}}, 0, func(*data.Event) error { return nil }); err != nil {
			return nil, err
		}
		return nil, s.PositionsBetween(ctx, d.ID, at(0), at(100), 1000, func(*data.Position) error { n++; return nil })
	}))
	equal(t, "positions seen in the fold", n, 2)
}

func testFindings(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	want := storage.Findings{
		DeviceID:    a.ID,
		Trips:       []trips.Trip{newTrip(0, 10), newTrip(20, 30), newTrip(100, 200)},
		Stops:       []trips.Stop{newStop(10, 20), newStop(30, 100)},
		Days:        []trips.Day{newDay(-3), newDay(20000), newDay(20001)},
		Checkpoints: []movement.Checkpoint{newCheckpoint(10), newCheckpoint(30)},
	}
	batch := []data.Position{newPosition(a.ID, 1), newPosition(b.ID, 1)}
	other := storage.Findings{DeviceID: b.ID, Trips: []trips.Trip{newTrip(15, 25)}, Checkpoints: []movement.Checkpoint{newCheckpoint(5)}}
	ok(t, s.InsertPositions(ctx, batch, fingerprints(batch), gives(want, other)))
	equal(t, "findings", found(t, s, a.ID), want)
	overlapping := func(from, to int, ids ...int64) (n []int64) {
		ok(t, s.Trips(ctx, ids, at(from), at(to), func(device int64, r *trips.Trip) error {
			n = append(n, device*1000+(r.Start.Time-base.UnixMilli())/1000)
			return nil
		}))
		return n
	}
	equal(t, "trips that overlap", overlapping(10, 20, a.ID), []int64{a.ID * 1000, a.ID*1000 + 20})
	equal(t, "trips within one", overlapping(150, 160, b.ID, a.ID), []int64{a.ID*1000 + 100})
	equal(t, "trips between", overlapping(11, 19, a.ID), []int64(nil))
	equal(t, "trips of two", overlapping(18, 60, b.ID, a.ID, b.ID), []int64{a.ID*1000 + 20, b.ID*1000 + 15})
	equal(t, "trips of none", overlapping(0, 1000), []int64(nil))
	broken := errors.New("broken")
	wantError(t, "an error of each", s.Trips(ctx, []int64{a.ID}, at(0), at(100), func(int64, *trips.Trip) error { return broken }), broken)
	var days []int64
	ok(t, s.Days(ctx, []int64{a.ID}, 20000, 20000, func(_ int64, r *trips.Day) error { days = append(days, r.Number); return nil }))
	equal(t, "days", days, []int64{20000})
	before := get(t, func() (map[int64]movement.Checkpoint, error) {
		return s.CheckpointsBefore(ctx, []int64{a.ID, b.ID, 99}, at(30))
	})
	equal(t, "checkpoints before", before, map[int64]movement.Checkpoint{a.ID: newCheckpoint(10), b.ID: newCheckpoint(5)})
	equal(t, "one checkpoint after", get(t, func() ([]movement.Checkpoint, error) { return s.CheckpointsAfter(ctx, a.ID, at(-1), 1) }), want.Checkpoints[:1])

	again := newTrip(0, 10)
	again.Driver = "B"
	ok(t, s.Refold(ctx, a.ID, gives(storage.Findings{DeviceID: a.ID, Trips: []trips.Trip{again}})))
	want.Trips[0] = again
	equal(t, "a trip that was there", found(t, s, a.ID), want)
	wantError(t, "refold of none", s.Refold(ctx, 1<<20, gives()), data.ErrNotFound)
	ok(t, s.DeletePositions(ctx, a.ID, at(-100), at(100)))
	equal(t, "findings without positions", found(t, s, a.ID), want)
}

func testUndo(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, other := newDevice(t, s, "1"), newDevice(t, s, "2")
	all := storage.Findings{
		DeviceID:    d.ID,
		Trips:       []trips.Trip{newTrip(0, 10), newTrip(20, 30), newTrip(40, 50), newTrip(60, 70)},
		Stops:       []trips.Stop{newStop(10, 20), newStop(30, 40), newStop(50, 60)},
		Days:        []trips.Day{newDay(1), newDay(2), newDay(3)},
		Checkpoints: []movement.Checkpoint{newCheckpoint(10), newCheckpoint(30), newCheckpoint(50), newCheckpoint(70)},
	}
	ok(t, s.Refold(ctx, d.ID, gives(all)))
	all.DeviceID = other.ID
	ok(t, s.Refold(ctx, other.ID, gives(all)))
	edge := func(second int, day int64) trips.Edge {
		ms := at(second).UnixMilli()
		return trips.Edge{Time: ms, Trips: ms, Stops: ms, Day: day}
	}
	shift := fix.Totals{DistanceMM: 1000, EngineMS: -7}
	undo := &storage.Undo{From: edge(10, 2), Until: edge(50, 3), Shift: shift}
	for range 2 { // the second time there is only to shift
		ok(t, s.Refold(ctx, d.ID, gives(storage.Findings{DeviceID: d.ID, Undo: undo})))
	}
	twice := fix.Totals{DistanceMM: 2000, EngineMS: -14}
	want := storage.Findings{
		DeviceID: d.ID, Trips: []trips.Trip{newTrip(0, 10), newTrip(60, 70)}, Stops: []trips.Stop{newStop(50, 60)},
		Days: []trips.Day{newDay(1), newDay(3)}, Checkpoints: []movement.Checkpoint{newCheckpoint(10), newCheckpoint(70)},
	}
	want.Trips[1].Shift(twice)
	want.Stops[0].Shift(twice)
	want.Days[1].Shift(twice)
	want.Checkpoints[1].Shift = twice
	equal(t, "after the undo", found(t, s, d.ID), want)
	equal(t, "another device", found(t, s, other.ID), all)
	ok(t, s.Refold(ctx, d.ID, gives(storage.Findings{DeviceID: d.ID, Undo: &storage.Undo{From: trips.Beginning, Until: trips.End}})))
	equal(t, "after all was undone", found(t, s, d.ID), storage.Findings{DeviceID: d.ID})
}

// testEpochs changes a device's positions and findings in all ways.
func testEpochs(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "1")
	seconds := 0
	epoch := func() (n int64) {
		seconds++
		batch := []data.Position{newPosition(d.ID, seconds)}
		ok(t, s.InsertPositions(ctx, batch, fingerprints(batch), func(_ context.Context, a []storage.Arrival) ([]storage.Findings, error) {
			n = a[0].Epoch
			return nil, nil
		}))
		return n
	}
	last := epoch()
	equal(t, "epoch while folds do all", epoch(), last)
	for name, change := range map[string]func(){
		"without a fold": func() { insert(t, s, newPosition(d.ID, 1000)) },
		"refold":         func() { ok(t, s.Refold(ctx, d.ID, gives())) },
		"delete":         func() { ok(t, s.DeletePositions(ctx, d.ID, at(1), at(1))) },
	} {
		change()
		now := epoch()
		if now == last {
			t.Errorf("%s: the epoch is still %d", name, now)
		}
		last = now
	}
	insert(t, s, newPosition(d.ID, 1000))
	equal(t, "epoch after what was known", epoch(), last)
}

func testFindingsGo(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, kept := newDevice(t, s, "1"), newDevice(t, s, "2")
	of := func(id int64) storage.Findings {
		return storage.Findings{
			DeviceID: id, Trips: []trips.Trip{newTrip(0, 10)}, Stops: []trips.Stop{newStop(10, 20)}, Days: []trips.Day{newDay(1)},
			Checkpoints: []movement.Checkpoint{newCheckpoint(10)},
		}
	}
	for _, id := range []int64{d.ID, kept.ID} {
		ok(t, s.Refold(ctx, id, gives(of(id))))
		ok(t, s.InsertEvents(ctx, []data.Event{newEvent(id, data.EventMedia, 1)}))
	}
	ok(t, s.DeleteDevice(ctx, d.ID))
	equal(t, "findings of the deleted device", found(t, s, d.ID), storage.Findings{DeviceID: d.ID})
	equal(t, "findings of another device", found(t, s, kept.ID), of(kept.ID))
	equal(t, "events", len(events(t, s, storage.EventFilter{})), 1)
}
