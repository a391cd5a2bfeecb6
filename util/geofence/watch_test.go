package geofence

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the zones of this test, wherever it runs

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

func index(t testing.TB, fences ...Fence) *Index {
	t.Helper()
	ix, err := New(fences)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func parse(t testing.TB, text string) wkt.Shape {
	t.Helper()
	s, err := wkt.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBorders(t *testing.T) {
	low, high := 100.0, 200.0
	ix := index(t,
		Fence{ID: 1, Area: parse(t, "POLYGON ((10 10, 10 20, 20 20, 20 10, 10 10), (14 14, 14 16, 16 16, 16 14, 14 14))")},
		Fence{ID: 2, Area: parse(t, "POLYGON ((-5 179, -5 -179, 5 -179, 5 179, -5 179))")},
		Fence{ID: 3, Area: parse(t, "POLYGON ((70 0, 70 120, 70 -120, 70 0))")},
		Fence{ID: 4, Area: parse(t, "POLYGON ((-70 0, -70 -120, -70 120, -70 0), (-80 0, -80 120, -80 -120, -80 0))")},
		Fence{ID: 5, Area: parse(t, "CIRCLE (30 30, 1000)"), FloorM: &low, CeilingM: &high},
		Fence{ID: 6, Area: parse(t, "LINESTRING (40 179.5, 40 -179.5)"), WidthM: 500},
	)
	for _, c := range []struct {
		lat, lon, altitude float64
		want               []int64
	}{
		{15, 12, 0, []int64{1}},
		{15, 15, 0, nil},
		{10, 15, 0, []int64{1}},
		{20, 20, 0, []int64{1}},
		{10, 10, 0, []int64{1}},
		{14, 15, 0, []int64{1}},
		{15, 14, 0, []int64{1}},
		{9.9999, 15, 0, nil},
		{15, 20.0001, 0, nil},
		{20, 10, 0, []int64{1}},
		{0, 180, 0, []int64{2}},
		{0, -180, 0, []int64{2}},
		{0, 179, 0, []int64{2}},
		{0, -179, 0, []int64{2}},
		{0, -178.99, 0, nil},
		{0, 0, 0, nil},
		{90, 0, 0, []int64{3}},
		{90, 77, 0, []int64{3}},
		{85, 180, 0, []int64{3}},
		{71, 0, 0, []int64{3}},
		{70, 60, 0, []int64{3}},
		{69.9, 60, 0, nil},
		{-90, 10, 0, nil},
		{-85, 0, 0, nil},
		{-75, 0, 0, []int64{4}},
		{-75, 180, 0, []int64{4}},
		{-75, -120, 0, []int64{4}},
		{-69, 0, 0, nil},
		{30, 30, 0, []int64{5}},
		{30, 30, 150, []int64{5}},
		{30, 30, 50, nil},
		{30, 30, 250, nil},
		{40, 180, 0, []int64{6}},
		{40.004, -179.9, 0, []int64{6}},
		{40.01, 180, 0, nil},
		{91, 0, 0, nil},
		{0, 1e9, 0, nil},
	} {
		if got := ix.Find(nil, Point{Lat: c.lat, Lon: c.lon, AltitudeM: c.altitude}, nil); !slices.Equal(got, c.want) {
			t.Errorf("%v %v at %v m: %v, want %v", c.lat, c.lon, c.altitude, got, c.want)
		}
	}
}

func TestBadFences(t *testing.T) {
	ix, err := New([]Fence{
		{ID: 1, Area: wkt.Circle{RadiusM: 5}},
		{ID: 1, Area: wkt.Circle{RadiusM: 5}},
		{ID: 2},
		{ID: 3, Area: wkt.Circle{RadiusM: -1}},
		{ID: 4, Area: wkt.Polygon{{{Lat: 1, Lon: 1}}}},
		{ID: 5, Area: wkt.Line{{Lat: 0, Lon: 0}, {Lat: 0, Lon: 180}}, WidthM: 5},
		{ID: 6, Area: wkt.Polygon{{{Lat: 0, Lon: 0}, {Lat: 0, Lon: 1}, {Lat: 1, Lon: 1}, {Lat: 0, Lon: 0}}}},
	})
	if !errors.Is(err, data.ErrInvalid) || ix.Len() != 2 {
		t.Errorf("%d fences: %v", ix.Len(), err)
	}
	if got := ix.Find(nil, Point{Lat: 0.2, Lon: 0.5}, nil); !slices.Equal(got, []int64{6}) {
		t.Errorf("%v: one bad fence spoils the others", got)
	}
}

// TestWatch goes in, flutters at the edge, stays, leaves, and passes through.
func TestWatch(t *testing.T) {
	ix := index(t, Fence{ID: 1, Area: parse(t, "CIRCLE (52 13, 500)"), Dwell: 10 * time.Minute}, Fence{ID: 2, Area: parse(t, "CIRCLE (52 13, 100)")},
		Fence{ID: 3, Area: parse(t, "LINESTRING (51.9 13.02, 52.1 13.02)"), WidthM: 10})
	w := NewWatcher()
	var s State
	at := func(minute int64, eastM, accuracy float64) []Event {
		t.Helper()
		again, err := Decode(s.Append(nil)) // every report after a restart
		if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
			t.Fatal(err)
		}
		s = again
		lat, lon := geo.Destination(52, 13, 90, eastM)
		return w.Step(ix, &s, Point{Time: minute * 60_000, Lat: lat, Lon: lon, AccuracyM: accuracy}, nil, nil)
	}
	for i, c := range []struct {
		minute          int64
		eastM, accuracy float64
		want            []Event
	}{
		{1, -600, 5, nil},
		{2, -499, 5, []Event{{Enter, 1, 2 * 60_000, 2 * 60_000}}},
		{3, -505, 5, nil},
		{4, -520, 5, nil},
		{5, -495, 5, nil},
		{6, -600, 200, nil}, // it may be inside
		{7, -300, 5, nil},
		{11, 300, 5, []Event{{Cross, 2, 11 * 60_000, 0}}},
		{13, 300, 5, []Event{{Dwell, 1, 12 * 60_000, 2 * 60_000}}},
		{14, 310, 5, nil},
		{15, 540, 5, []Event{{Exit, 1, 15 * 60_000, 2 * 60_000}}},
		{16, 3000, 5, []Event{{Cross, 3, 16 * 60_000, 0}}},
		{17, -3000, 5, []Event{{Cross, 1, 17 * 60_000, 0}, {Cross, 2, 17 * 60_000, 0}, {Cross, 3, 17 * 60_000, 0}}},
		{18, 200_000, 5, nil}, // too far to say
		{19, 0, 5, []Event{{Enter, 1, 19 * 60_000, 19 * 60_000}, {Enter, 2, 19 * 60_000, 19 * 60_000}}},
	} {
		if got := at(c.minute, c.eastM, c.accuracy); !slices.Equal(got, c.want) {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
	if got := s.Dwelling(ix, 40*60_000, nil); len(got) != 1 || got[0].Time != 29*60_000 {
		t.Errorf("by the clock: %v", got)
	}
	if got := s.Dwelling(ix, 50*60_000, nil); got != nil {
		t.Errorf("said twice: %v", got)
	}
	if since, in := s.Inside(2); !in || since != 19*60_000 || len(s.Visits()) != 2 {
		t.Errorf("%v", s.Visits())
	}
	// A fence that the device no longer has ends without an event.
	if got := w.Step(ix, &s, Point{Time: 51 * 60_000, Lat: 52, Lon: 13}, ix.Set([]int64{2}), nil); got != nil || len(s.Visits()) != 1 {
		t.Errorf("%v, %v", got, s.Visits())
	}
}

func TestDeadline(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	weekdays := func(d time.Time) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }
	for _, c := range []struct {
		d           Deadline
		after, want string
	}{
		{Deadline{Hour: 8, Zone: berlin}, "2026-03-28T06:59:59Z", "2026-03-28T07:00:00Z"},
		{Deadline{Hour: 8, Zone: berlin}, "2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"}, // clocks have gone forward
		{Deadline{Hour: 2, Minute: 30, Zone: berlin}, "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		{Deadline{Hour: 2, Minute: 30, Zone: berlin}, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{Deadline{Hour: 8, Zone: berlin, On: weekdays}, "2026-03-27T12:00:00Z", "2026-03-30T06:00:00Z"},
		{Deadline{Hour: 0}, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
	} {
		after, _ := time.Parse(time.RFC3339, c.after)
		if at, ok := c.d.Next(after); !ok || at.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %v, want %s", c.after, at, c.want)
		}
	}
	never := Deadline{On: func(time.Time) bool { return false }}
	if _, ok := never.Next(time.Unix(0, 0)); ok {
		t.Error("never is some time")
	}
}

func FuzzDecode(f *testing.F) {
	s := State{known: true, last: Point{Time: 5, Lat: 1, Lon: 2}, visits: []Visit{{3, 1, true}, {9, 4, false}}}
	f.Add(s.Append(nil))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(s.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
			t.Fatalf("not read back: %v", err)
		}
	})
}

// europe makes polygons of 32 corners, 0.2 to 22 km wide, and places of which
// half are near one.
func europe(n int) ([]Fence, []Point) {
	rnd := rand.New(rand.NewPCG(1, 2))
	fences := make([]Fence, n)
	for i := range fences {
		lat, lon := 36+rnd.Float64()*24, -10+rnd.Float64()*40
		radius := 200.0
		for k := rnd.Float64() * 6.8; k > 0; k-- {
			radius *= 1 + min(k, 1)
		}
		fences[i] = Fence{ID: int64(i + 1), Area: wkt.Polygon{ringAround(rnd, lat, lon, min(radius, 22_000), 32)}}
	}
	points := make([]Point, 1<<16)
	for i := range points {
		points[i] = Point{Lat: 36 + rnd.Float64()*24, Lon: -10 + rnd.Float64()*40}
		if i%2 == 0 {
			points[i].Lat, points[i].Lon = about(rnd, &fences[rnd.IntN(n)])
		}
	}
	return fences, points
}

func benchmarkFind(b *testing.B, n int) {
	fences, points := europe(n)
	ix := index(b, fences...)
	buf := make([]int64, 0, 64)
	hits := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = ix.Find(buf[:0], points[i&(1<<16-1)], nil)
		hits += len(buf)
	}
	b.ReportMetric(float64(hits)/float64(b.N), "hits")
}

func BenchmarkFind10k(b *testing.B)  { benchmarkFind(b, 10_000) }
func BenchmarkFind100k(b *testing.B) { benchmarkFind(b, 100_000) }

// BenchmarkStep is a device that drives among 10,000 fences of which it has 10.
func BenchmarkStep(b *testing.B) {
	fences, _ := europe(10_000)
	ix := index(b, fences...)
	set := ix.Set([]int64{5, 900, 1500, 3000, 4000, 5000, 6000, 7000, 8000, 9000})
	w := NewWatcher()
	var s State
	var events []Event
	b.ReportAllocs()
	p := Point{Lat: 36, Lon: -10}
	for b.Loop() {
		p.Time += 10_000
		p.Lat, p.Lon = p.Lat+0.001, p.Lon+0.0015
		if p.Lat > 60 {
			p.Lat, p.Lon = 36, -10
		}
		events = w.Step(ix, &s, p, set, events[:0])
	}
}

func BenchmarkNew100k(b *testing.B) {
	fences, _ := europe(100_000)
	for b.Loop() {
		index(b, fences...)
	}
}

func TestNoAllocations(t *testing.T) {
	fences, points := europe(1000)
	ix := index(t, fences...)
	set := ix.Set([]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	w := NewWatcher()
	var s State
	events := make([]Event, 0, 1000)
	buf := make([]int64, 0, 64)
	i := 0
	step := func() {
		i++
		p := points[i%len(points)]
		buf = ix.Find(buf[:0], p, nil)
		buf = ix.Find(buf[:0], p, set)
		events = w.Step(ix, &s, p, set, events[:0])
	}
	for range 2000 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
