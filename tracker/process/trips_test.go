package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/metric"
	move "github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/traces"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// failing is a store whose transactions fail now and then, when all the work
// in them is done.
type failing struct {
	storage.Store
	rnd *rand.Rand // nil: they never do
}

var errFails = errors.New("the disk is full")

func (f failing) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error {
	fails := f.rnd != nil && f.rnd.IntN(5) == 0
	return f.Store.InsertPositions(ctx, positions, fingerprints, func(ctx context.Context, a []storage.Arrival) ([]storage.Findings, error) {
		found, err := fold(ctx, a)
		if err == nil && fails {
			err = errFails
		}
		return found, err
	})
}

// tracked is a device on a real store, and the processor that stores for it.
type tracked struct {
	*testing.T
	store  failing
	fleet  *fleet.Fleet
	device data.Device
	p      *Processor
	folder *derive.Folder
}

func track(t *testing.T, settings map[string]any) *tracked {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return trackOn(t, s, settings)
}

func trackOn(t *testing.T, s storage.Store, settings map[string]any) *tracked {
	t.Helper()
	t.Cleanup(func() { s.Close() })
	w := &tracked{T: t, store: failing{Store: s}, device: data.Device{Name: "a", UniqueID: "a", Attributes: settings}}
	w.ok(s.CreateDevice(t.Context(), &w.device))
	w.fleet = fleet.New(s, slog.New(slog.DiscardHandler), time.Now)
	w.restart()
	return w
}

func (w *tracked) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// restart is a new process on the same store.
func (w *tracked) restart() {
	w.folder = derive.NewFolder(w.store, w.fleet, slog.New(slog.DiscardHandler))
	w.p = New(Deps{
		Store: w.store, Last: cache.NewLast(w.store, 10, time.Now), Folder: w.folder,
		Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
	})
	w.p.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
}

// arrive stores a batch as it comes from the bus.
func (w *tracked) arrive(fixes []move.Fix) []data.Position {
	w.Helper()
	positions := traces.Positions(w.device.ID, fixes)
	w.ok(w.p.store(w.Context(), w.Context(), nil, positions))
	w.p.deps.Last.Update(slices.DeleteFunc(slices.Clone(positions), func(p data.Position) bool { return p.ID == 0 }))
	return positions
}

// fenced gives the device geofences along a trace, a speed limit and a deadline.
func (w *tracked) fenced(fixes []move.Fix) {
	w.Helper()
	links := []data.Link{}
	for i := range 6 {
		f := fixes[(2*i+1)*len(fixes)/12]
		g := data.Geofence{Name: fmt.Sprint(i), Area: fmt.Sprintf("CIRCLE (%f %f, %d)", f.Lat, f.Lon, 80+i*150), Attributes: data.Free{"dwellS": 120.0}}
		switch i {
		case 1:
			g.Attributes["speedLimit"] = 20.0
		case 2:
			g.Attributes[fleet.DeadlineKey] = "12:00"
		}
		w.ok(w.store.CreateObject(w.Context(), &g))
		links = append(links, data.Link{Owner: data.DeviceKind, OwnerID: w.device.ID, Property: data.GeofenceKind, PropertyID: g.ID})
	}
	w.ok(w.store.AddLinks(w.Context(), links...))
	w.device.Attributes = map[string]any{"speedLimit": 30.0, "event.overspeed.minimalDurationS": 30.0, "fuelDropThreshold": 20.0}
	w.ok(w.store.UpdateDevice(w.Context(), &w.device))
	w.fleet.Forget()
}

// story is all that is known of the device, without what depends on when its
// reports came: ids, and when something was noticed.
type story struct {
	Trips  []trips.Trip
	Stops  []trips.Stop
	Days   []trips.Day
	Events []data.Event
	State  string
}

func (w *tracked) story() (s story) {
	w.Helper()
	ctx, ids, far := w.Context(), []int64{w.device.ID}, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	w.ok(w.store.Trips(ctx, ids, time.Time{}, far, func(_ int64, r *trips.Trip) error {
		r.Start.PositionID, r.End.PositionID = 0, 0
		s.Trips = append(s.Trips, *r)
		return nil
	}))
	w.ok(w.store.Stops(ctx, ids, time.Time{}, far, func(_ int64, r *trips.Stop) error {
		r.Start.PositionID, r.End.PositionID = 0, 0
		s.Stops = append(s.Stops, *r)
		return nil
	}))
	w.ok(w.store.Days(ctx, ids, math.MinInt32, math.MaxInt32, func(_ int64, r *trips.Day) error { s.Days = append(s.Days, *r); return nil }))
	w.ok(w.store.EventsBetween(ctx, storage.EventFilter{DeviceIDs: ids}, 0, func(e *data.Event) error {
		e.ID, e.PositionID, e.ServerTime = 0, 0, time.Time{}
		s.Events = append(s.Events, *e)
		return nil
	}))
	slices.SortFunc(s.Events, func(a, b data.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Type, b.Type), cmp.Compare(a.GeofenceID, b.GeofenceID), cmp.Compare(a.Detail, b.Detail))
	})
	now, err := derive.Current(ctx, w.store, w.fleet, w.device.ID)
	w.ok(err)
	trip, _ := now.Movement.Trips().Current()
	rest, _ := now.Movement.Trips().Resting()
	trip.Start.PositionID, trip.End.PositionID, rest.Start.PositionID, rest.End.PositionID = 0, 0, 0, 0
	s.State = fmt.Sprint(trip, rest, now.Movement.Trips().Totals(), now.Fences.Visits())
	return s
}

func (s story) String() string {
	var b strings.Builder
	clock := func(t time.Time) string { return t.UTC().Format("02 15:04:05.000") }
	for _, t := range s.Trips {
		fmt.Fprintf(&b, "trip %s - %s %s %+v %d-%d\n", clock(t.Start.At()), clock(t.End.At()), t.Kind, t.Amounts, t.TotalStartMM, t.TotalEndMM)
	}
	for _, t := range s.Stops {
		fmt.Fprintf(&b, "stop %s - %s %+v %d\n", clock(t.Start.At()), clock(t.End.At()), t.Amounts, t.TotalMM)
	}
	for _, d := range s.Days {
		fmt.Fprintf(&b, "day  %+v\n", d)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "event %s - %s %s %d %s %s\n", clock(e.Time), clock(e.End), e.Type, e.GeofenceID, e.Detail, e.Attributes.AppendJSON(nil))
	}
	return b.String() + s.State
}

// difference shows the lines in which two stories differ.
func difference(have, want story) string {
	a, b := strings.Split(have.String(), "\n"), strings.Split(want.String(), "\n")
	var out strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			fmt.Fprintln(&out, "have", line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			fmt.Fprintln(&out, "want", line)
		}
	}
	return out.String()
}

// TestOrderOfArrivalDoesNotMatter stores the reports of all kinds of days late,
// shuffled and twice, with restarts and failed transactions in between, and
// wants the rows and events that they give in order.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	disorders := []int{1, 2, 4, 5, 7}
	for i, tr := range append(traces.Generated(), traces.Month(), traces.Chaos(1), traces.Chaos(2), traces.Chaos(3)) {
		fixes := slices.Clone(tr.Fixes)
		slices.SortFunc(fixes, func(a, b move.Fix) int { return move.Compare(&a, &b) })
		ordered := track(t, tr.Settings)
		ordered.fenced(fixes)
		for part := range slices.Chunk(fixes, 500) {
			ordered.arrive(part)
		}
		want := ordered.story()
		if len(want.Trips) == 0 || len(want.Events) == 0 {
			t.Fatalf("%s: %d trips, %d events: nothing to compare", tr.Name, len(want.Trips), len(want.Events))
		}
		disorder := disorders[i%len(disorders)] // each commit waits for the disk: not all with all
		t.Run(fmt.Sprintf("%s/%d", tr.Name, disorder), func(t *testing.T) {
			w := track(t, tr.Settings)
			w.fenced(fixes)
			rnd := rand.New(rand.NewPCG(uint64(disorder), 1))
			w.store.rnd = rnd
			w.restart()
			for _, part := range traces.Arrivals(rnd, tr.Fixes, disorder) {
				w.arrive(part)
				if rnd.IntN(10) == 0 {
					w.restart()
				}
			}
			if have := w.story(); !reflect.DeepEqual(have, want) {
				t.Fatalf("the story differs:\n%s", difference(have, want))
			}
		})
	}
}

// TestOrderOnPostgreSQL is the same for one day on the other back end, where the
// fold reads within its transaction.
func TestOrderOnPostgreSQL(t *testing.T) {
	tr := traces.Deliveries()
	var stories [2]story
	for i := range stories {
		s, err := postgres.Open(t.Context(), pgtest.Open(t), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		w := trackOn(t, s, tr.Settings)
		w.fenced(tr.Fixes)
		rnd := rand.New(rand.NewPCG(1, 1))
		if i == 1 {
			w.store.rnd = rnd
			w.restart()
		}
		for _, part := range traces.Arrivals(rnd, tr.Fixes, 4*i) {
			w.arrive(part)
			if i == 1 && rnd.IntN(3) == 0 {
				w.restart()
			}
		}
		stories[i] = w.story()
	}
	if len(stories[0].Trips) != tr.Drives || !reflect.DeepEqual(stories[1], stories[0]) {
		t.Fatalf("the story differs:\n%s", difference(stories[1], stories[0]))
	}
}

// TestGoldenDays checks what is true of made-up days in what was stored.
func TestGoldenDays(t *testing.T) {
	for _, tr := range traces.Generated() {
		t.Run(tr.Name, func(t *testing.T) {
			w := track(t, tr.Settings)
			for part := range slices.Chunk(tr.Fixes, 300) {
				w.arrive(part)
			}
			s := w.story()
			now, err := derive.Current(t.Context(), w.store, w.fleet, w.device.ID)
			w.ok(err)
			if trip, ok := now.Movement.Trips().Current(); ok {
				s.Trips = append(s.Trips, trip)
			}
			drives, carried, driven := 0, 0, 0.0
			for _, trip := range s.Trips {
				if trip.Kind == trips.Carried || trip.Kind == trips.Unseen && tr.Carried > 0 {
					carried++
					continue
				}
				drives++
				driven += float64(trip.DistanceMM) / 1000
			}
			if drives != tr.Drives || carried != tr.Carried || math.Abs(driven-tr.DrivenM) > tr.DrivenM*tr.Tolerance {
				t.Errorf("%d drives of %.0f m, %d carried; in truth %d of %.0f m, %d\n%s", drives, driven, carried, tr.Drives, tr.DrivenM, tr.Carried, s)
			}
			last, err := w.store.LatestPositions(t.Context(), []int64{w.device.ID})
			w.ok(err)
			total, _ := last[0].Attributes.Get("totalDistance").Float()
			if want := float64(now.Movement.Trips().Totals().DistanceMM) / 1000; math.Abs(total-want) > 0.01 {
				t.Errorf("the last position has totalDistance %v, want %v", total, want)
			}
		})
	}
}

// TestRebuild makes anew what a fold has made, and what it has not.
func TestRebuild(t *testing.T) {
	tr := traces.Month()
	w := track(t, nil)
	w.fenced(tr.Fixes)
	for part := range slices.Chunk(tr.Fixes, 300) {
		w.arrive(part)
	}
	want := w.story()
	rebuild := func() {
		t.Helper()
		done, err := derive.Rebuild(t.Context(), w.store, w.fleet, w.device.ID)
		w.ok(err)
		if done.Trips != len(want.Trips) || done.Reports != len(tr.Fixes) {
			t.Errorf("rebuilt %+v", done)
		}
		if have := w.story(); !reflect.DeepEqual(have, want) {
			t.Fatalf("the story differs:\n%s", difference(have, want))
		}
	}
	rebuild()

	// Another store, into which the first half came without a fold.
	bare := track(t, nil)
	bare.fenced(tr.Fixes)
	half := traces.Positions(bare.device.ID, tr.Fixes[:len(tr.Fixes)/2])
	prints := make([]uint64, len(half))
	for i := range half {
		prints[i] = half[i].Fingerprint()
	}
	w.ok(bare.store.Store.InsertPositions(t.Context(), half, prints, nil))
	bare.arrive(tr.Fixes[len(tr.Fixes)/2:])
	w = bare
	rebuild()
	w.arrive(tr.Fixes[:40]) // the processor notices, and knows these
	w.arrive([]move.Fix{{ID: 1, Time: tr.Fixes[len(tr.Fixes)-1].Time + 60_000, ServerTime: 1, OdometerM: -1, FuelL: -1, FuelUsedL: -1, EngineMS: -1}})
	if have := w.story(); len(have.Trips) != len(want.Trips) {
		t.Errorf("%d trips after the next report, want %d", len(have.Trips), len(want.Trips))
	}
}
