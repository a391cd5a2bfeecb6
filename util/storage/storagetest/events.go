package storagetest

import (
	"errors"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

var eventTests = []contractTest{
	{"Events", testEvents},
	{"EventsAreKnown", testEventsAreKnown},
	{"EventsBetween", testEventsBetween},
	{"UntoldEvents", testUntoldEvents},
	{"FoundEvents", testFoundEvents},
}

func newEvent(device int64, kind string, second int) data.Event {
	return data.Event{DeviceID: device, Type: kind, Time: at(second), ServerTime: at(second + 1)}
}

func events(t testing.TB, s storage.Store, f storage.EventFilter) (all []data.Event) {
	t.Helper()
	ok(t, s.EventsBetween(testContext(t), f, 0, func(e *data.Event) error { all = append(all, *e); return nil }))
	return all
}

func eventIDs(all []data.Event) []int64 { return ids(all, func(e *data.Event) int64 { return e.ID }) }

func testEvents(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "1")
	e := newEvent(d.ID, data.EventDeviceOverspeed, 1)
	e.End, e.PositionID, e.GeofenceID, e.MaintenanceID, e.Detail = at(5), 7, 8, 9, "detail ä"
	e.Attributes.SetFloat("speed", 61.5)
	e.Attributes.SetString("limit", "road")
	bad := newEvent(d.ID, data.EventAlarm, 2)
	bad.Detail = "a\x00b\xff"
	batch := []data.Event{e, newEvent(1<<20, data.EventAlarm, 1), bad}
	ok(t, s.InsertEvents(ctx, batch))
	equal(t, "id of an event without device", batch[1].ID, int64(0))
	if batch[0].ID == 0 || batch[2].ID <= batch[0].ID {
		t.Fatalf("ids: %v", eventIDs(batch))
	}
	e.ID = batch[0].ID
	equal(t, "event", get(t, func() (data.Event, error) { return s.Event(ctx, e.ID) }), e)
	equal(t, "detail that is no text", get(t, func() (data.Event, error) { return s.Event(ctx, batch[2].ID) }).Detail, "a\uFFFDb\uFFFD")
	_, err := s.Event(ctx, batch[2].ID+100)
	wantError(t, "no such event", err, data.ErrNotFound)
	ok(t, s.InsertEvents(ctx, nil))
}

// testEventsAreKnown stores events again: as they are, and when they are over.
func testEventsAreKnown(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "1")
	first := []data.Event{newEvent(d.ID, data.EventDeviceOverspeed, 1)}
	ok(t, s.InsertEvents(ctx, first))
	ok(t, s.MarkEventsTold(ctx, eventIDs(first)))
	others := []data.Event{first[0], first[0], first[0], first[0], first[0], first[0]}
	others[0].Attributes.SetInt("ignored", 1)
	others[1].Type = data.EventAlarm
	others[2].Time = at(2)
	others[3].GeofenceID = 1
	others[4].MaintenanceID = 1
	others[5].Detail = "x"
	ok(t, s.InsertEvents(ctx, others))
	equal(t, "id of what is known", others[0].ID, first[0].ID)
	seen := map[int64]bool{}
	for _, e := range others {
		seen[e.ID] = true
	}
	equal(t, "events", len(seen), 6)
	equal(t, "untold", len(get(t, func() ([]data.Event, error) { return s.UntoldEvents(ctx, 100) })), 5)

	over := first[0]
	over.End = at(9)
	over.Attributes.SetFloat("speed", 70)
	over.ServerTime, over.PositionID = at(100), 100
	ok(t, s.InsertEvents(ctx, []data.Event{over}))
	want := first[0]
	want.End, want.Attributes = over.End, over.Attributes
	equal(t, "an event that is over", get(t, func() (data.Event, error) { return s.Event(ctx, want.ID) }), want)
	ok(t, s.InsertEvents(ctx, []data.Event{first[0]}))
	equal(t, "it stays over", get(t, func() (data.Event, error) { return s.Event(ctx, want.ID) }), want)
	equal(t, "it is not told again", len(get(t, func() ([]data.Event, error) { return s.UntoldEvents(ctx, 100) })), 5)
}

func testEventsBetween(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	var batch []data.Event
	for i := range 2300 {
		batch = append(batch, newEvent(a.ID, data.EventAlarm, 2300-i))
	}
	batch = append(batch, newEvent(b.ID, data.EventAlarm, 1), newEvent(b.ID, data.EventDeviceMoving, 1))
	ok(t, s.InsertEvents(ctx, batch))
	all := events(t, s, storage.EventFilter{})
	equal(t, "events", len(all), len(batch))
	for i := 1; i < len(all); i++ {
		p, q := &all[i-1], &all[i]
		if p.DeviceID > q.DeviceID || p.DeviceID == q.DeviceID && p.Time.After(q.Time) {
			t.Fatalf("event %d stands before event %d", p.ID, q.ID)
		}
	}
	equal(t, "of a device", len(events(t, s, storage.EventFilter{DeviceIDs: []int64{b.ID}})), 2)
	equal(t, "of no device", len(events(t, s, storage.EventFilter{DeviceIDs: []int64{}})), 0)
	equal(t, "of a type", len(events(t, s, storage.EventFilter{Types: []string{data.EventDeviceMoving, "none"}})), 1)
	equal(t, "of no type", len(events(t, s, storage.EventFilter{Types: []string{}})), 0)
	equal(t, "between", len(events(t, s, storage.EventFilter{From: at(1), To: at(10)})), 12)
	equal(t, "of all of it", len(events(t, s, storage.EventFilter{DeviceIDs: []int64{a.ID}, Types: []string{data.EventAlarm}, From: at(10), To: at(12)})), 3)
	n := 0
	ok(t, s.EventsBetween(ctx, storage.EventFilter{}, 1500, func(*data.Event) error { n++; return nil }))
	equal(t, "at most", n, 1500)
	broken := errors.New("broken")
	wantError(t, "an error of each", s.EventsBetween(ctx, storage.EventFilter{}, 0, func(*data.Event) error { return broken }), broken)
}

func testUntoldEvents(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "1")
	batch := []data.Event{newEvent(d.ID, data.EventAlarm, 3), newEvent(d.ID, data.EventAlarm, 2), newEvent(d.ID, data.EventAlarm, 1)}
	ok(t, s.InsertEvents(ctx, batch))
	untold := func(limit int) []int64 {
		return eventIDs(get(t, func() ([]data.Event, error) { return s.UntoldEvents(ctx, limit) }))
	}
	equal(t, "untold", untold(2), eventIDs(batch[:2]))
	ok(t, s.MarkEventsTold(ctx, []int64{batch[1].ID, 1 << 40}))
	ok(t, s.MarkEventsTold(ctx, nil))
	equal(t, "still untold", untold(9), []int64{batch[0].ID, batch[2].ID})
}

// testFoundEvents finds events in positions, and takes some back.
func testFoundEvents(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "1")
	finds := func(kind string, second, end, report int) storage.FoundEvent {
		e := storage.FoundEvent{Event: newEvent(d.ID, kind, second), At: at(report).UnixMilli()}
		e.PositionID = int64(report)
		if end > 0 {
			e.End = at(end)
		}
		return e
	}
	finding := storage.Findings{DeviceID: d.ID, Events: []storage.FoundEvent{
		finds(data.EventDeviceMoving, 1, 0, 1),
		finds(data.EventDeviceOverspeed, 2, 20, 5),
		finds(data.EventGeofenceDwell, 8, 0, 12),
		finds(data.EventAlarm, 15, 0, 15),
		finds(data.EventGeofenceEnter, 15, 0, 15),
		finds(data.EventIgnitionOff, 30, 0, 30),
	}}
	batch := []data.Position{newPosition(d.ID, 1)}
	ok(t, s.InsertPositions(ctx, batch, fingerprints(batch), gives(finding)))
	var all []int64
	for i, e := range finding.Events {
		if e.ID == 0 || !e.Fresh {
			t.Errorf("event %d: id %d, fresh %v", i, e.ID, e.Fresh)
		}
		all = append(all, e.ID)
	}
	ok(t, s.Refold(ctx, d.ID, gives(finding)))
	if e := finding.Events[0]; e.ID != all[0] || e.Fresh {
		t.Errorf("known: id %d, not %d, fresh %v", e.ID, all[0], e.Fresh)
	}
	media := []data.Event{newEvent(d.ID, data.EventMedia, 10)}
	ok(t, s.InsertEvents(ctx, media))

	// What reports from second 11 to 20 showed goes, but for the entry.
	edge := func(second int) trips.Edge { return trips.Edge{Time: at(second).UnixMilli()} }
	entry := storage.Findings{DeviceID: d.ID, Events: []storage.FoundEvent{finds(data.EventGeofenceEnter, 15, 0, 14)}}
	entry.Events[0].Attributes.SetInt("n", 1)
	entry.Undo = &storage.Undo{From: edge(10), Until: edge(20)}
	ok(t, s.Refold(ctx, d.ID, gives(entry)))
	left := events(t, s, storage.EventFilter{})
	equal(t, "left", eventIDs(left), []int64{all[0], all[1], media[0].ID, all[4], all[5]})
	if e := left[3]; entry.Events[0].Fresh || e.PositionID != 14 || len(e.Attributes) != 1 {
		t.Errorf("the entry: %+v", e)
	}
	if left[1].End.IsZero() {
		t.Error("an event that was over goes on, though all is the same again")
	}
	ok(t, s.Refold(ctx, d.ID, gives(storage.Findings{DeviceID: d.ID, Undo: &storage.Undo{From: edge(10), Until: trips.End}})))
	left = events(t, s, storage.EventFilter{})
	equal(t, "left after all was taken back", eventIDs(left), []int64{all[0], all[1], media[0].ID})
	if !left[1].End.IsZero() {
		t.Errorf("the event still ends at %v", left[1].End)
	}
}
