package derive

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/traces"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// nothing is a store in which nothing was stored before.
type nothing struct{}

func (nothing) PositionsBetween(context.Context, int64, time.Time, time.Time, int, func(*data.Position) error) error {
	return nil
}

func (nothing) CheckpointsBefore(context.Context, []int64, time.Time) (map[int64]movement.Checkpoint, error) {
	return nil, nil
}

func (nothing) CheckpointsAfter(context.Context, int64, time.Time, int) ([]movement.Checkpoint, error) {
	return nil, nil
}

// watched is a fleet of devices with ten geofences and five rules each.
func watched(t testing.TB, devices int) (*fleet.Fleet, []int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	g := data.Group{Name: "all", Attributes: data.Free{"speedLimit": 40.0, "fuelDropThreshold": 10.0, "event.ignoreDuplicateAlerts": 60.0}}
	must(s.CreateObject(t.Context(), &g))
	var links []data.Link
	link := func(o data.Object) {
		must(s.CreateObject(t.Context(), o))
		links = append(links, data.Link{Owner: data.GroupKind, OwnerID: g.ID, Property: o.Kind(), PropertyID: *o.Fields().ID})
	}
	fixes := traces.Deliveries().Fixes
	for i := range 10 {
		f := fixes[i*len(fixes)/10]
		area := fmt.Sprintf("CIRCLE (%f %f, 500)", f.Lat, f.Lon)
		if i%2 == 1 {
			area = "POLYGON (("
			for corner := range 32 {
				area += fmt.Sprintf("%f %f, ", f.Lat+0.001*float64(corner%4), f.Lon+0.001*float64(corner))
			}
			area += fmt.Sprintf("%f %f))", f.Lat, f.Lon)
		}
		link(&data.Geofence{Name: fmt.Sprint(i), Area: area})
	}
	link(&data.Maintenance{Name: "oil", Type: "totalDistance", Start: 1000, Period: 10_000})
	link(&data.ComputedAttribute{Attribute: "kmh", Expression: "speed * 1.852", Type: "number"})
	must(s.AddLinks(t.Context(), links...))
	var ids []int64
	for i := range devices {
		d := data.Device{Name: fmt.Sprint(i), UniqueID: fmt.Sprint(i), GroupID: g.ID}
		must(s.CreateDevice(t.Context(), &d))
		ids = append(ids, d.ID)
	}
	return fleet.New(s, slog.New(slog.DiscardHandler), time.Now), ids
}

// rounds are the reports of devices as they come: eight of each in a batch.
func rounds(ids []int64) (all [][]storage.Arrival) {
	fixes := traces.Month().Fixes
	const each = 8
	var of [][]data.Position
	for _, id := range ids {
		of = append(of, traces.Positions(id, fixes))
	}
	for begin := 0; begin+each <= len(fixes); begin += each {
		var batch []storage.Arrival
		for i, id := range ids {
			a := storage.Arrival{DeviceID: id}
			for j := range each {
				of[i][begin+j].ID = int64(begin + j + 1)
				a.Positions = append(a.Positions, &of[i][begin+j])
			}
			batch = append(batch, a)
		}
		all = append(all, batch)
	}
	return all
}

// BenchmarkFold is what processing costs for each position, without the store,
// with ten geofences and five rules for each device.
func BenchmarkFold(b *testing.B) {
	fl, ids := watched(b, 50)
	batches := rounds(ids)
	sent := save(batches)
	f := NewFolder(nothing{}, fl, slog.New(slog.DiscardHandler))
	b.ReportAllocs()
	n := 0
	for i := 0; b.Loop(); i++ {
		if i%len(batches) == 0 {
			b.StopTimer()
			clear(f.states)
			restore(batches, sent)
			b.StartTimer()
		}
		batch := batches[i%len(batches)]
		if _, err := f.Fold(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n += len(batch) * len(batch[0].Positions)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/position")
}

// save and restore keep what positions said before they were folded.
func save(batches [][]storage.Arrival) (sent []data.Attributes) {
	for _, batch := range batches {
		for _, a := range batch {
			for _, p := range a.Positions {
				sent = append(sent, p.Attributes)
			}
		}
	}
	return sent
}

func restore(batches [][]storage.Arrival, sent []data.Attributes) {
	n := 0
	for _, batch := range batches {
		for _, a := range batch {
			for _, p := range a.Positions {
				p.Attributes = sent[n]
				n++
			}
		}
	}
}

// TestFoldAllocatesLittle: the attributes of a position are made anew, in one
// piece, and the names of geofences; rows and checkpoints are rare.
func TestFoldAllocatesLittle(t *testing.T) {
	fl, ids := watched(t, 4)
	batches := rounds(ids)
	sent := save(batches)
	f := NewFolder(nothing{}, fl, slog.New(slog.DiscardHandler))
	perRun := testing.AllocsPerRun(3, func() {
		clear(f.states)
		restore(batches, sent)
		for _, batch := range batches {
			if _, err := f.Fold(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	})
	if per := perRun / float64(len(sent)); per > 4 {
		t.Errorf("%.2f allocations for each position", per)
	} else {
		t.Logf("%.2f allocations for each position", per)
	}
}
