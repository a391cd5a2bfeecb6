package geofence

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// earthRadiusM is the mean radius of the earth (IUGG, R1), as in package geo.
const earthRadiusM = 6_371_008.8

// vector is a place as a vector from the middle of the earth, of length 1: there
// is no antimeridian in it and no pole.
type vector struct{ x, y, z float64 }

func toVector(lat, lon float64) vector {
	sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(lon * math.Pi / 180)
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (v *vector) degrees() (lat, lon float64) {
	return math.Atan2(v.z, math.Hypot(v.x, v.y)) * 180 / math.Pi, math.Atan2(v.y, v.x) * 180 / math.Pi
}

func dot(a, b *vector) float64 { return a.x*b.x + a.y*b.y + a.z*b.z }

func cross(a, b *vector) vector {
	return vector{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// apart is the distance of two places in metres.
func apart(a, b *vector) float64 {
	d := vector{a.x - b.x, a.y - b.y, a.z - b.z}
	return 2 * earthRadiusM * math.Asin(min(1, math.Sqrt(dot(&d, &d))/2))
}

// arcDistance is how far p is from the shorter arc between a and b, in metres.
func arcDistance(a, b, p *vector) float64 {
	n := cross(a, b)
	length := math.Sqrt(dot(&n, &n))
	if length > 1e-12 {
		an, nb := cross(&n, a), cross(b, &n)
		if dot(&an, p) >= 0 && dot(&nb, p) >= 0 {
			return earthRadiusM * math.Asin(min(1, math.Abs(dot(&n, p))/length))
		}
	}
	return min(apart(a, p), apart(b, p))
}

// arcsMeet: the arcs a-b and c-d cross each other.
func arcsMeet(a, b, c, d *vector) bool {
	n, m := cross(a, b), cross(c, d)
	c1, d1, a1, b1 := dot(&n, c), dot(&n, d), dot(&m, a), dot(&m, b)
	if !(c1 <= 0 && d1 >= 0 || c1 >= 0 && d1 <= 0) || !(a1 <= 0 && b1 >= 0 || a1 >= 0 && b1 <= 0) {
		return false
	}
	// Both straddle each other's circle; on the same side of the earth?
	x := cross(&n, &m)
	if x == (vector{}) {
		return false // on one circle: the ends tell
	}
	mid, other := vector{a.x + b.x, a.y + b.y, a.z + b.z}, vector{c.x + d.x, c.y + d.y, c.z + d.z}
	return dot(&x, &mid)*dot(&x, &other) > 0
}

// arcsApart is the least distance of the arcs a-b and c-d in metres.
func arcsApart(a, b, c, d *vector) float64 {
	if arcsMeet(a, b, c, d) {
		return 0
	}
	return min(arcDistance(a, b, c), arcDistance(a, b, d), arcDistance(c, d, a), arcDistance(c, d, b))
}

// maxArc is how long an arc of a line may be at most, in radians: half a degree,
// so that its box is tight.
const maxArc = math.Pi / 360

// cut calls f with the places that cut the arc from a to b into short ones, b
// the last. a and b must not lie opposite each other.
func cut(a, b vector, longest float64, f func(vector)) {
	arc := apart(&a, &b) / earthRadiusM
	n := int(math.Ceil(arc / longest))
	sin := math.Sin(arc)
	for i := 1; i < n; i++ {
		t := float64(i) / float64(n)
		u, w := math.Sin((1-t)*arc)/sin, math.Sin(t*arc)/sin
		f(vector{u*a.x + w*b.x, u*a.y + w*b.y, u*a.z + w*b.z})
	}
	f(b)
}

func degreesOf(meters float64) float64 { return meters / earthRadiusM * 180 / math.Pi }

// around is the box of all places within so many metres of one.
func around(lat, lon, meters float64) box {
	// The spare part is for rounding, here and where it is asked for.
	d := degreesOf(meters)*(1+1e-9) + 1e-9
	b := box{lat - d, lon - 180, lat + d, lon + 180}
	if b.south > -90 && b.north < 90 {
		x := math.Asin(min(1, math.Sin(d*math.Pi/180)/math.Cos(lat*math.Pi/180))) * 180 / math.Pi
		b.west, b.east = lon-x-1e-9, lon+x+1e-9
	}
	b.south, b.north = max(b.south, -90), min(b.north, 90)
	return b
}

// fromCentre is how far a place is from a circle's centre, in metres.
func (ix *Index) fromCentre(c *compiled, q *query) float64 {
	return apart(&ix.arcs[c.first], q.vector())
}

func (ix *Index) addCorridor(c *compiled, s wkt.Line, widthM float64) error {
	if len(s) < 2 || !(widthM >= 0) || math.IsInf(widthM, 0) {
		return fmt.Errorf("a corridor of %d points and a width of %v m: %w", len(s), widthM, data.ErrInvalid)
	}
	for i, p := range s {
		if !onEarth(p) {
			return fmt.Errorf("%v is not on the earth: %w", p, data.ErrInvalid)
		}
		if i > 0 && geo.Distance(s[i-1].Lat, s[i-1].Lon, p.Lat, p.Lon) > 0.99*math.Pi*earthRadiusM {
			return fmt.Errorf("%v and %v lie on opposite sides of the earth: %w", s[i-1], p, data.ErrInvalid)
		}
	}
	c.kind, c.reach, c.first = corridor, widthM, uint32(len(ix.arcs))
	last := toVector(s[0].Lat, s[0].Lon)
	ix.arcs = append(ix.arcs, last)
	for _, p := range s[1:] {
		next := toVector(p.Lat, p.Lon)
		cut(last, next, maxArc, func(v vector) { ix.arcs = append(ix.arcs, v) })
		last = next
	}
	c.end = uint32(len(ix.arcs))
	for i := c.first; i+1 < c.end; i++ {
		c.boxes = append(c.boxes, arcBox(&ix.arcs[i], &ix.arcs[i+1], widthM))
	}
	return nil
}

// arcBox is the box of all places within so many metres of a short arc.
func arcBox(a, b *vector, meters float64) box {
	mid := vector{a.x + b.x, a.y + b.y, a.z + b.z}
	lat, lon := mid.degrees()
	return around(lat, lon, apart(a, b)/2+meters)
}

// lineDistance is how far p is from the middle of a corridor, in metres.
func (ix *Index) lineDistance(c *compiled, p *vector) float64 {
	least := math.Inf(1)
	for i := c.first; i+1 < c.end; i++ {
		least = min(least, arcDistance(&ix.arcs[i], &ix.arcs[i+1], p))
	}
	return least
}
