package line

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestProject(t *testing.T) {
	for _, at := range [][2]float64{{0, 0}, {52.5, 13.4}, {-33.9, 151.2}, {85, -179.99}, {-85, 179.99}} {
		var p Point
		p.X, p.Y = Project(at[0], at[1])
		if math.Abs(p.Lat()-at[0]) > 2e-7 || math.Abs(p.Lon()-at[1]) > 2e-7 {
			t.Errorf("%v comes back as %v %v", at, p.Lat(), p.Lon())
		}
	}
	if x, y := Project(90, 180); x != 0 || y != 0 {
		t.Errorf("the north pole is at %d %d", x, y)
	}
	if _, y := Project(-90, 0); y != Full-1 {
		t.Errorf("the south pole is at %d", y)
	}
}

// drive goes east for an hour, stands for eight, goes north for an hour, is
// lost, and is 10 km further when it comes back.
func drive(b *Builder) {
	lat, lon, at := 52.5, 13.4, begin
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3600 {
		switch {
		case i < 360:
			lon += 0.001
		case i >= 3240:
			lat += 0.001
		}
		b.Add(lat+random.Float64()*1e-6, lon, at, 10)
		at = at.Add(10 * time.Second)
	}
	b.Add(lat+0.1, lon, at.Add(time.Hour), 0)
	b.Add(lat+0.2, lon, at.Add(time.Hour+10*time.Second), 0)
}

func TestSimplify(t *testing.T) {
	b := NewBuilder(10_000)
	drive(b)
	b.Add(math.NaN(), 0, begin, 0)
	b.Add(0, 200, begin, 0)
	if b.Count != 3602 {
		t.Fatalf("%d added", b.Count)
	}
	all := slices.Clone(b.Points())
	got := Simplify(slices.Clone(all), 8, 0)
	if len(got) != 8 || got[0] != all[0] || got[len(got)-1] != all[len(all)-1] {
		t.Fatalf("%d points %v", len(got), got)
	}
	if parts := Parts(got); len(parts) != 2 || len(parts[1]) != 2 {
		t.Errorf("the gap is lost: %v", parts)
	}
	// The corner is a stop of eight hours: its begin and its end are both there.
	for _, second := range []int64{3600, 32400} {
		want := begin.UnixMilli() + 1000*second
		if !slices.ContainsFunc(got, func(p Point) bool { return math.Abs(float64(p.Time-want)) < 60_000 }) {
			t.Errorf("nothing at second %d: %v", second, got)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b Point) int { return int(a.Time - b.Time) }) {
		t.Error("out of order")
	}
	for _, want := range []int{0, 1, 2, 3, 4, 100, 3601, 3602, 5000} {
		if n := len(Simplify(slices.Clone(all), want, 0)); n > want {
			t.Errorf("%d points, want at most %d", n, want)
		}
	}
	// Far away, little is to be seen.
	far, near := Simplify(slices.Clone(all), 5000, 1e12), Simplify(slices.Clone(all), 5000, 1)
	if len(far) >= len(near) || len(far) < 4 {
		t.Errorf("%d points from far, %d from near", len(far), len(near))
	}
}

// Whatever comes, the memory is bounded, and the way is the same in few points.
func TestBuilderIsBounded(t *testing.T) {
	b := NewBuilder(512)
	for i := range 100_000 {
		angle := float64(i) / 100_000 * 2 * math.Pi
		b.Add(10*math.Sin(angle), 10*math.Cos(angle), begin.Add(time.Duration(i)*time.Second), 0)
		if len(b.points) > 512 {
			t.Fatalf("%d points", len(b.points))
		}
	}
	for _, p := range b.Points() {
		if r := math.Hypot(p.Lat(), p.Lon()); math.Abs(r-10) > 1e-4 {
			t.Fatalf("%v is off the circle", r)
		}
	}
	ring := Simplify(b.Points(), 64, 0)
	var longest float64
	for i := 1; i < len(ring); i++ {
		longest = max(longest, math.Hypot(ring[i].Lat()-ring[i-1].Lat(), ring[i].Lon()-ring[i-1].Lon()))
	}
	if longest > 3 { // 63 sides of a circle of radius 10 are 1.0 long
		t.Errorf("a side of %v degrees", longest)
	}
}

func TestManyParts(t *testing.T) {
	b := NewBuilder(100_000)
	for i := range 4000 {
		b.Add(float64(i%100)/10, float64(i/100), begin.Add(time.Duration(i)*time.Hour), 0)
	}
	if n := len(Parts(b.Points())); n != 4000 {
		t.Errorf("%d parts", n)
	}
	if n := len(Simplify(b.Points(), 50, 0)); n != 50 {
		t.Errorf("%d points", n)
	}
}

func BenchmarkSimplify(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	build := NewBuilder(1 << 18)
	lat, lon := 52.5, 13.4
	for i := range 1 << 18 {
		lat, lon = lat+random.NormFloat64()*1e-3, lon+random.NormFloat64()*1e-3
		build.Add(lat, lon, begin.Add(time.Duration(i)*10*time.Second), 10)
	}
	for b.Loop() {
		Simplify(slices.Clone(build.Points()), 5000, 0)
	}
}
