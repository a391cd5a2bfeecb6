package geofence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// refOutside is how far a place is outside a fence; sure is false so near to the
// border that small steps cannot tell.
func refOutside(f *Fence, lat, lon float64) (d float64, sure bool) {
	in, sure := refInside(f, lat, lon)
	if in || !sure {
		return 0, sure
	}
	switch s := f.Area.(type) {
	case wkt.Circle:
		return geo.Distance(s.Center.Lat, s.Center.Lon, lat, lon) - s.RadiusM, true
	case wkt.Polygon:
		return refBorder(s, lat, lon), true
	case wkt.Line:
		return refLine(s, lat, lon) - f.WidthM, true
	}
	panic("no such shape")
}

// TestNearestIsTheReference: of a few fences through a small set, and of many
// through the tree, anywhere on the earth.
func TestNearestIsTheReference(t *testing.T) {
	inside, outside, none := 0, 0, 0
	for seed := range uint64(16) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		var fences []Fence
		for i := range int64(40) {
			fences = append(fences, someFence(rnd, i+1))
		}
		ix := index(t, fences...)
		few := ix.Set([]int64{1, 2, 3, 4, 5, 6, 7})
		for range 40 {
			f := &fences[rnd.IntN(len(fences))]
			lat, lon := about(rnd, f)
			within := 50 * math.Exp(rnd.Float64()*7)
			for name, set := range map[string]*Set{"few": few, "all": nil} {
				among := fences
				if set != nil {
					among = fences[:7]
				}
				near, ok := ix.Nearest(Point{Lat: lat, Lon: lon}, set, within)
				best, unsure := math.Inf(1), false
				for i := range among {
					d, sure := refOutside(&among[i], lat, lon)
					best, unsure = min(best, d), unsure || !sure
				}
				if unsure || math.Abs(best-within) < 0.03*within+60 { // steps are too coarse to say
					continue
				}
				if ok != (best <= within) {
					t.Fatalf("seed %d, %s: %v %v: nearest within %v: %v, want one at %v", seed, name, lat, lon, within, near, best)
				}
				if !ok {
					none++
					continue
				}
				// The reference's small steps find no point nearer than there is one;
				// that there is one so near is what checkBearing shows.
				if near.DistanceM > 1.02*best+5 || best == 0 != (near.DistanceM == 0) {
					t.Fatalf("seed %d, %s: %v %v: %+v, want one at %v", seed, name, lat, lon, near, best)
				}
				if best == 0 {
					inside++
					continue
				}
				outside++
				checkBearing(t, ix, near, lat, lon)
			}
		}
	}
	t.Logf("%d inside, %d near, %d neither", inside, outside, none)
	if inside < 100 || outside < 100 || none < 100 {
		t.Error("too few of one kind to say anything")
	}
}

// checkBearing checks that the bearing is from a point of the fence, or of the
// middle of a circle or corridor, which is as far away as is said.
func checkBearing(t *testing.T, ix *Index, near Near, lat, lon float64) {
	t.Helper()
	n, _ := ix.find(near.Fence)
	c, q := &ix.fences[n], newQuery(Point{Lat: lat, Lon: lon})
	at := ix.foot(c, &q, near.DistanceM)
	d := geo.Distance(at.lat, at.lon, lat, lon)
	if c.kind != polygon {
		d -= c.reach
	}
	back := newQuery(Point{Lat: at.lat, Lon: at.lon})
	off := ix.outside(c, &back, 1e6)
	if math.Abs(d-near.DistanceM) > 0.01*near.DistanceM+1 || off > 0.01*near.DistanceM+1 ||
		math.Abs(math.Remainder(geo.Bearing(at.lat, at.lon, lat, lon)-near.BearingDeg, 360)) > 1e-6 {
		t.Fatalf("%v %v is %+v, but %v is %v m from there and %v m off the fence", lat, lon, near, at, d, off)
	}
}

// TestNearestSmallest: of fences within each other the smallest counts, whatever
// its kind; where two are equal the first.
func TestNearestSmallest(t *testing.T) {
	here := wkt.Point{Lat: 52.5, Lon: 13.4}
	square := func(d float64) []wkt.Point {
		return []wkt.Point{{Lat: 52.5 - d, Lon: 13.4 - d}, {Lat: 52.5 - d, Lon: 13.4 + d}, {Lat: 52.5 + d, Lon: 13.4 + d}, {Lat: 52.5 + d, Lon: 13.4 - d}, {Lat: 52.5 - d, Lon: 13.4 - d}}
	}
	town := Fence{ID: 1, Area: wkt.Circle{Center: here, RadiusM: 10_000}}
	yard := Fence{ID: 2, Area: wkt.Polygon{square(0.002)}}                                           // 222 m by 135 m to each side
	road := Fence{ID: 3, Area: wkt.Line{{Lat: 52.4, Lon: 13.4}, {Lat: 52.6, Lon: 13.4}}, WidthM: 25} // 1.1 km²
	gate := Fence{ID: 4, Area: wkt.Circle{Center: here, RadiusM: 20}}
	twin := Fence{ID: 5, Area: gate.Area}
	moat := Fence{ID: 6, Area: wkt.Polygon{square(0.0025), square(0.00249)}} // small, but here is its hole
	for want, fences := range map[int64][]Fence{
		1: {town}, 2: {yard, town, road}, 3: {town, road}, 4: {gate, twin, moat, yard, town},
	} {
		for extra := range 2 { // alone, and through the tree
			all := fences
			for i := range int64(20 * extra) {
				all = append(all[:len(all):len(all)], Fence{ID: 100 + i, Area: wkt.Circle{Center: wkt.Point{Lat: -30, Lon: float64(i)}, RadiusM: 5}})
			}
			ix := index(t, all...)
			if near, ok := ix.Nearest(Point{Lat: 52.5, Lon: 13.4}, nil, 500); !ok || near != (Near{Fence: want}) {
				t.Errorf("%v %v, want fence %d", near, ok, want)
			}
		}
	}
	ix := index(t, gate)
	if _, ok := ix.Nearest(Point{Lat: math.NaN(), Lon: 13}, nil, 500); ok {
		t.Error("near to nowhere")
	}
	if near, ok := ix.Nearest(Point{Lat: 52.5, Lon: 13.41}, nil, 1000); !ok || math.Abs(near.BearingDeg-90) > 1 || math.Abs(near.DistanceM-657) > 2 {
		t.Errorf("%+v", near)
	}
	floor := 100.0
	high := index(t, Fence{ID: 9, Area: gate.Area, FloorM: &floor})
	if _, ok := high.Nearest(Point{Lat: 52.5, Lon: 13.4, AltitudeM: 40}, nil, 500); ok {
		t.Error("below the floor")
	}
}

func benchmarkNearest(b *testing.B, of func(*Index) *Set, within float64) {
	fences, points := europe(10_000)
	ix := index(b, fences...)
	set := of(ix)
	found := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := ix.Nearest(points[i&(1<<16-1)], set, within); ok {
			found++
		}
	}
	b.ReportMetric(float64(found)/float64(b.N), "found")
}

func BenchmarkNearest10(b *testing.B) {
	benchmarkNearest(b, func(ix *Index) *Set { return ix.Set([]int64{5, 900, 1500, 3000, 4000, 5000, 6000, 7000, 8000, 9000}) }, 500)
}

func BenchmarkNearest10k(b *testing.B) {
	benchmarkNearest(b, func(*Index) *Set { return nil }, 500)
}

func BenchmarkNearest10kWide(b *testing.B) {
	benchmarkNearest(b, func(*Index) *Set { return nil }, 50_000)
}

func TestNearestAllocatesNothing(t *testing.T) {
	fences, points := europe(1000)
	ix := index(t, fences...)
	set, i := ix.Set([]int64{1, 2, 3}), 0
	if n := testing.AllocsPerRun(2000, func() {
		i++
		ix.Nearest(points[i], nil, 20_000)
		ix.Nearest(points[i], set, 20_000)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
