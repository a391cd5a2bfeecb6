package geofence

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// The reference knows no index, no vectors and no unwrapped longitudes: it asks
// each fence, walks lines in small steps, and goes along the meridian to the
// north pole to see on which side of a ring a place is.

// refInside tells whether a place is in a fence; sure is false so near to a
// corridor's border that small steps cannot tell.
func refInside(f *Fence, lat, lon float64) (in, sure bool) {
	switch s := f.Area.(type) {
	case wkt.Circle:
		d := geo.Distance(s.Center.Lat, s.Center.Lon, lat, lon)
		return d <= s.RadiusM, math.Abs(d-s.RadiusM) > 1e-3
	case wkt.Polygon:
		in = refRing(s[0], lat, lon)
		for _, hole := range s[1:] {
			in = in && !refRing(hole, lat, lon)
		}
		return in, true
	case wkt.Line:
		reach := f.WidthM + 100
		for i, b := range s[1:] {
			reach += geo.Distance(s[i].Lat, s[i].Lon, b.Lat, b.Lon)
		}
		if geo.Distance(s[0].Lat, s[0].Lon, lat, lon) > reach {
			return false, true
		}
		d := refLine(s, lat, lon)
		return d <= f.WidthM, math.Abs(d-f.WidthM) > 0.01*f.WidthM+1
	}
	panic("no such shape")
}

func short(d float64) float64 { return d - 360*math.Round(d/360) }

func refRing(r []wkt.Point, lat, lon float64) bool {
	odd, around, sum := false, 0.0, 0.0
	for i, b := range r[1:] {
		a := r[i]
		d := short(b.Lon - a.Lon)
		around, sum = around+d, sum+a.Lat
		x := short(a.Lon - lon) // the edge goes from x to x+d, the meridian is at 0
		if (x > 0) == (x+d > 0) {
			continue
		}
		if at := a.Lat + (b.Lat-a.Lat)*(-x/d); at > lat {
			odd = !odd
		}
	}
	if math.Abs(around) > 1 && sum > 0 {
		return !odd // the north pole is inside
	}
	return odd
}

func refLine(l wkt.Line, lat, lon float64) float64 {
	least := math.Inf(1)
	for i, b := range l[1:] {
		a := l[i]
		whole := geo.Distance(a.Lat, a.Lon, b.Lat, b.Lon)
		bearing := geo.Bearing(a.Lat, a.Lon, b.Lat, b.Lon)
		for j := range 401 {
			y, x := geo.Destination(a.Lat, a.Lon, bearing, whole*float64(j)/400)
			least = min(least, geo.Distance(y, x, lat, lon))
		}
	}
	return least
}

// refBorder is how far a place is from a fence's border, by small steps.
func refBorder(p wkt.Polygon, lat, lon float64) float64 {
	least := math.Inf(1)
	for _, ring := range p {
		for i, b := range ring[1:] {
			a := ring[i]
			d := short(b.Lon - a.Lon)
			for j := range 401 {
				t := float64(j) / 400
				least = min(least, geo.Distance(a.Lat+t*(b.Lat-a.Lat), a.Lon+t*d, lat, lon))
			}
		}
	}
	return least
}

// place is one of the hard places of the earth, or any.
func place(rnd *rand.Rand) (lat, lon float64) {
	lat, lon = rnd.Float64()*160-80, rnd.Float64()*360-180
	switch rnd.IntN(6) {
	case 0:
		lon = math.Copysign(180-rnd.ExpFloat64()*0.1, lon)
	case 1:
		lat = math.Copysign(90-min(rnd.ExpFloat64()*0.2, 20), lat)
	case 2:
		lat, lon = 52+rnd.Float64(), 13+rnd.Float64()
	}
	return lat, lon
}

func ringAround(rnd *rand.Rand, lat, lon, radius float64, n int) []wkt.Point {
	var r []wkt.Point
	for i := range n {
		y, x := geo.Destination(lat, lon, 360*float64(i)/float64(n), radius*(0.5+rnd.Float64()/2))
		r = append(r, wkt.Point{Lat: y, Lon: x})
	}
	return append(r, r[0])
}

func someFence(rnd *rand.Rand, id int64) Fence {
	lat, lon := place(rnd)
	radius := 100 * math.Exp(rnd.Float64()*7) // 100 m to 110 km
	f := Fence{ID: id}
	switch rnd.IntN(4) {
	case 0:
		f.Area = wkt.Circle{Center: wkt.Point{Lat: lat, Lon: lon}, RadiusM: radius}
	case 1:
		var l wkt.Line
		for range 2 + rnd.IntN(4) {
			l = append(l, wkt.Point{Lat: lat, Lon: lon})
			lat, lon = geo.Destination(lat, lon, rnd.Float64()*360, radius)
		}
		f.Area, f.WidthM = l, radius*(0.05+rnd.Float64())
	case 2:
		f.Area = wkt.Polygon{ringAround(rnd, lat, lon, radius, 3+rnd.IntN(30))}
	case 3:
		f.Area = wkt.Polygon{ringAround(rnd, lat, lon, radius, 12), ringAround(rnd, lat, lon, radius*0.4, 8)}
	}
	return f
}

// about is a place in or near a fence.
func about(rnd *rand.Rand, f *Fence) (lat, lon float64) {
	var p wkt.Point
	switch s := f.Area.(type) {
	case wkt.Circle:
		p = s.Center
	case wkt.Polygon:
		p = s[0][rnd.IntN(len(s[0]))]
	case wkt.Line:
		p = s[rnd.IntN(len(s))]
	}
	lat, lon = geo.Destination(p.Lat, p.Lon, rnd.Float64()*360, 50*math.Exp(rnd.Float64()*8))
	return lat, lon
}

func TestFindIsTheReference(t *testing.T) {
	var hits, hard int
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var fences []Fence
		for i := range int64(300) {
			fences = append(fences, someFence(rnd, i+1))
		}
		ix, err := New(fences)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for i := range fences {
			if rnd.IntN(3) > 0 {
				ids = append(ids, fences[i].ID)
			}
		}
		sets := map[string]*Set{"many": ix.Set(ids), "few": ix.Set(ids[:5]), "some": ix.Set(ids[:40]), "none": ix.Set(nil)}
		for range 300 {
			lat, lon := about(rnd, &fences[rnd.IntN(len(fences))])
			if rnd.IntN(4) == 0 {
				lat, lon = place(rnd)
			}
			found := ix.Find(nil, Point{Lat: lat, Lon: lon}, nil)
			if !slices.IsSorted(found) || len(slices.Compact(slices.Clone(found))) != len(found) {
				t.Fatalf("%v", found)
			}
			for i := range fences {
				in, sure := refInside(&fences[i], lat, lon)
				if _, have := slices.BinarySearch(found, fences[i].ID); sure && have != in {
					t.Fatalf("seed %d: %v, %v in %+v: %v, want %v", seed, lat, lon, fences[i], have, in)
				}
			}
			if hits += len(found); len(found) > 0 && (math.Abs(lat) > 85 || math.Abs(lon) > 179) {
				hard++
			}
			for name, set := range sets {
				var want []int64
				for _, id := range found {
					n, _ := ix.find(id)
					if set.has(n) {
						want = append(want, id)
					}
				}
				if got := ix.Find(nil, Point{Lat: lat, Lon: lon}, set); !slices.Equal(got, want) {
					t.Fatalf("%s: %v, want %v", name, got, want)
				}
			}
		}
	}
	t.Logf("%d hits, %d places at poles and the antimeridian", hits, hard)
	if hits < 600 || hard < 100 {
		t.Error("too few places are inside to say anything")
	}
}

// TestNearIsTheReference checks the distance that holds against flutter.
func TestNearIsTheReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	near := 0
	for i := range 1500 {
		f := someFence(rnd, 1)
		ix, err := New([]Fence{f})
		if err != nil {
			t.Fatal(err)
		}
		lat, lon := about(rnd, &f)
		if in, sure := refInside(&f, lat, lon); in || !sure {
			continue
		}
		var d float64
		switch s := f.Area.(type) {
		case wkt.Circle:
			d = geo.Distance(s.Center.Lat, s.Center.Lon, lat, lon) - s.RadiusM
		case wkt.Polygon:
			d = refBorder(s, lat, lon)
		case wkt.Line:
			d = refLine(s, lat, lon) - f.WidthM
		}
		margin := 20 * math.Exp(rnd.Float64()*5)
		if math.Abs(d-margin) < 0.03*margin+0.02*d {
			continue
		}
		q := newQuery(Point{Lat: lat, Lon: lon})
		if got := ix.near(&ix.fences[0], &q, margin); got != (d <= margin) {
			t.Fatalf("case %d: %v, %v is %v m from %+v, within %v: %v", i, lat, lon, d, f, margin, got)
		}
		if d <= margin {
			near++
		}
	}
	if near < 100 {
		t.Errorf("only %d were near", near)
	}
}

// TestCrossedIsTheReference walks the way in small steps.
func TestCrossedIsTheReference(t *testing.T) {
	yes, no := 0, 0
	for seed := range uint64(600) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		f := someFence(rnd, 1)
		ix, err := New([]Fence{f})
		if err != nil {
			t.Fatal(err)
		}
		lat, lon := about(rnd, &f)
		y, x := about(rnd, &f)
		from, to := Point{Lat: lat, Lon: lon}, Point{Lat: y, Lon: x}
		whole, bearing := geo.Distance(lat, lon, y, x), geo.Bearing(lat, lon, y, x)
		in, unsure := false, false
		for j := range 101 {
			a, b := geo.Destination(lat, lon, bearing, whole*float64(j)/100)
			here, sure := refInside(&f, a, b)
			in, unsure = in || here && sure, unsure || !sure
		}
		got := len(ix.Crossed(nil, from, to, nil)) > 0
		if in && !got {
			t.Fatalf("seed %d: %v to %v does not cross %+v", seed, from, to, f)
		}
		if got && !in && !unsure {
			// Small steps may have missed a corner; then the way passes very near.
			q := newQuery(from)
			passes := false
			for j := range 101 {
				a, b := geo.Destination(lat, lon, bearing, whole*float64(j)/100)
				q = newQuery(Point{Lat: a, Lon: b})
				passes = passes || ix.near(&ix.fences[0], &q, whole/100+1)
			}
			if !passes {
				t.Fatalf("seed %d: %v to %v crosses %+v", seed, from, to, f)
			}
		}
		if got {
			yes++
		} else {
			no++
		}
	}
	if yes < 100 || no < 50 {
		t.Errorf("%d crossed, %d did not", yes, no)
	}
}

func FuzzFence(f *testing.F) {
	f.Add("POLYGON ((52 13, 52 14, 53 14, 52 13))", 52.2, 13.8, 100.0)
	f.Add("POLYGON ((80 0, 80 120, 80 -120, 80 0), (85 0, 85 120, 85 -120, 85 0))", 82.0, 170.0, 1.0)
	f.Add("POLYGON ((-80 0, -80 120, -80 -120, -80 0))", -90.0, 0.0, 1.0)
	f.Add("LINESTRING (0 179, 0 -179, 90 0)", 0.0, 180.0, 5000.0)
	f.Add("CIRCLE (89.99 10, 5000)", 89.99, -170.0, 1.0)
	f.Fuzz(func(t *testing.T, text string, lat, lon, width float64) {
		shape, err := wkt.Parse(text)
		if err != nil {
			return
		}
		if l, ok := shape.(wkt.Line); ok && len(l) > 50 {
			return
		}
		ix, err := New([]Fence{{ID: 7, Area: shape, WidthM: width}})
		if err != nil {
			if ix.Len() != 0 {
				t.Fatal("a bad fence is in the index")
			}
			return
		}
		p := Point{Lat: lat, Lon: lon}
		found := len(ix.Find(nil, p, nil)) == 1
		if q := newQuery(p); q.ok && ix.contains(&ix.fences[0], &q) != found {
			t.Fatalf("%s with %v, %v: found %v", text, lat, lon, found)
		}
		ix.Crossed(nil, p, Point{Lat: -lat / 2, Lon: lon / 2}, nil)
	})
}
