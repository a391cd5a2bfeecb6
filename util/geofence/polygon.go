package geofence

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// point is a corner of a polygon in degrees; its longitude runs on from the
// corner before it, beyond 180 if need be.
type point struct{ lat, lon float64 }

// ring is a ring of a polygon: points first to end-1, the last the same as the
// first. Edges from real on are not of the polygon, but close a ring around the
// earth over its pole.
type ring struct {
	first, real, end uint32
	box
}

func (ix *Index) addPolygon(c *compiled, s wkt.Polygon) error {
	if len(s) == 0 {
		return fmt.Errorf("a polygon without a ring: %w", data.ErrInvalid)
	}
	c.kind, c.first = polygon, uint32(len(ix.rings))
	points := len(ix.points)
	for i, r := range s {
		if err := ix.addRing(r); err != nil {
			ix.rings, ix.points = ix.rings[:c.first], ix.points[:points]
			return fmt.Errorf("ring %d: %w", i+1, err)
		}
	}
	c.end = uint32(len(ix.rings))
	c.boxes = []box{ix.rings[c.first].box}
	return nil
}

func (ix *Index) addRing(s []wkt.Point) error {
	if len(s) < 4 || s[0] != s[len(s)-1] {
		return fmt.Errorf("%d points, at least 4 are needed of which the last is the first: %w", len(s), data.ErrInvalid)
	}
	for _, p := range s {
		if !onEarth(p) {
			return fmt.Errorf("%v is not on the earth: %w", p, data.ErrInvalid)
		}
	}
	r := ring{first: uint32(len(ix.points)), box: box{s[0].Lat, s[0].Lon, s[0].Lat, s[0].Lon}}
	lon, sum := s[0].Lon, 0.0
	for i, p := range s {
		if i > 0 {
			d := p.Lon - s[i-1].Lon
			switch {
			case d > 180:
				d -= 360
			case d < -180:
				d += 360
			}
			lon += d
		}
		sum += p.Lat
		r.extend(p.Lat, lon)
		ix.points = append(ix.points, point{p.Lat, lon})
	}
	r.real = uint32(len(ix.points))
	if around := lon - s[0].Lon; math.Abs(around) > 1 {
		// Beyond the pole, so that it is inside.
		pole := math.Copysign(91, sum)
		ix.points[r.real-1].lon = s[0].Lon + math.Copysign(360, around)
		end := ix.points[r.real-1].lon
		ix.points = append(ix.points, point{pole, end}, point{pole, s[0].Lon}, point{s[0].Lat, s[0].Lon})
		r.extend(math.Copysign(90, sum), end)
	} else {
		ix.points[r.real-1].lon = s[0].Lon // without the rounding of the way there
	}
	r.end = uint32(len(ix.points))
	ix.rings = append(ix.rings, r)
	return nil
}

func (b *box) extend(lat, lon float64) {
	b.south, b.north = min(b.south, lat), max(b.north, lat)
	b.west, b.east = min(b.west, lon), max(b.east, lon)
}

// inPolygon: within the outline and not within a hole.
func (ix *Index) inPolygon(c *compiled, q *query) bool {
	if ix.inRing(&ix.rings[c.first], q) == outside {
		return false
	}
	for i := c.first + 1; i < c.end; i++ {
		if ix.inRing(&ix.rings[i], q) == inside {
			return false
		}
	}
	return true
}

type side uint8

const (
	outside side = iota
	border
	inside
)

func (ix *Index) inRing(r *ring, q *query) side {
	if q.lat < r.south || q.lat > r.north {
		return outside
	}
	closed := r.real != r.end // around the earth
	at := outside
	for lon := r.first360(q.lon); lon <= r.east; lon += 360 {
		if closed && lon == r.east {
			break // the same meridian as the western end
		}
		at = max(at, ix.cast(r, q.lat, lon))
	}
	return at
}

// first360 is the least of the equal longitudes that is not west of the ring.
func (r *ring) first360(lon float64) float64 {
	return lon + 360*math.Ceil((r.west-lon)/360)
}

// cast sends a ray eastwards and counts the edges it crosses: those that begin
// and end on different sides of it, where what lies on the ray counts as south.
func (ix *Index) cast(r *ring, lat, lon float64) side {
	odd := false
	points := ix.points[r.first:r.end]
	a := points[0]
	for i := 1; i < len(points); i++ {
		b := points[i]
		if (a.lat > lat) == (b.lat > lat) {
			// The edge does not cross the ray, but may end or lie on it.
			if a.lat == lat && b.lat == lat && (a.lon <= lon) != (b.lon < lon) && ix.isReal(r, i) ||
				b.lat == lat && b.lon == lon && ix.isReal(r, i) {
				return border
			}
			a = b
			continue
		}
		cross := (b.lon-a.lon)*(lat-a.lat) - (lon-a.lon)*(b.lat-a.lat)
		if cross == 0 {
			if ix.isReal(r, i) {
				return border
			}
		} else if (cross > 0) == (b.lat > a.lat) {
			odd = !odd
		}
		a = b
	}
	if odd {
		return inside
	}
	return outside
}

// isReal: edge i of a ring is one of the polygon.
func (ix *Index) isReal(r *ring, i int) bool { return r.first+uint32(i) < r.real }

// polar is the latitude from which a degree of longitude is too short for a
// plane to stand for the ball.
const polar = 80

// borderDistance is how far a place is from the polygon's border, in metres;
// edges farther than within may be passed over.
func (ix *Index) borderDistance(c *compiled, q *query, within float64) float64 {
	least := math.Inf(1)
	near := nearby(q, within)
	for i := c.first; i < c.end; i++ {
		r := &ix.rings[i]
		if !near.meets(r.box) {
			continue
		}
		points := ix.points[r.first:r.real]
		for j := 1; j < len(points); j++ {
			a, b := points[j-1], points[j]
			if !near.meetsEdge(a, b) {
				continue
			}
			if math.Abs(q.lat) > polar {
				least = min(least, polarDistance(a, b, q.vector()))
			} else {
				least = min(least, edgeDistance(a, b, q.lat, q.lon))
			}
		}
	}
	return least
}

// vicinity is what lies around a place, in degrees, at least as far as was asked.
type vicinity struct{ lat, lon, dLat, dLon float64 }

func nearby(q *query, within float64) vicinity {
	v := vicinity{q.lat, q.lon, degreesOf(within)*1.01 + 1e-9, 180}
	if far := math.Abs(q.lat) + v.dLat; far < 89 && math.Abs(q.lat) <= polar {
		v.dLon = v.dLat / math.Cos(far*math.Pi/180)
	}
	return v
}

func (v *vicinity) meetsEdge(a, b point) bool {
	return v.meets(box{min(a.lat, b.lat), min(a.lon, b.lon), max(a.lat, b.lat), max(a.lon, b.lon)})
}

func (v *vicinity) meets(b box) bool {
	if v.lat < b.south-v.dLat || v.lat > b.north+v.dLat {
		return false
	}
	west := b.west - v.dLon
	return v.dLon >= 180 || v.lon+360*math.Ceil((west-v.lon)/360) <= b.east+v.dLon
}

// alongside is the least of the equal longitudes that is not west of a bound, or
// the one before if that is nearer to the range.
func alongside(lon, west, east float64) float64 {
	x := lon + 360*math.Ceil((west-lon)/360)
	if x > east && x-east > west-(x-360) {
		x -= 360
	}
	return x
}

// edgeDistance is how far a place is from an edge, in metres.
func edgeDistance(a, b point, lat, lon float64) float64 {
	_, d := edgeFoot(a, b, lat, lon)
	return d
}

// edgeFoot looks for the nearest place of an edge in the plane, which around the
// place that is asked for is true, and measures on the ball.
func edgeFoot(a, b point, lat, lon float64) (foot point, meters float64) {
	x := alongside(lon, min(a.lon, b.lon), max(a.lon, b.lon))
	k := math.Cos(lat * math.Pi / 180)
	dx, dy := (b.lon-a.lon)*k, b.lat-a.lat
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = max(0, min(1, ((x-a.lon)*k*dx+(lat-a.lat)*dy)/l))
	}
	foot = point{a.lat + t*dy, a.lon + t*(b.lon-a.lon)}
	return foot, geo.Distance(lat, x, foot.lat, foot.lon)
}

func polarDistance(a, b point, v *vector) float64 {
	least := math.Inf(1)
	polarPieces(a, b, func(from, to *vector) bool {
		least = min(least, arcDistance(from, to, v))
		return false
	})
	return least
}

// polarPieces cuts an edge into pieces short enough to be great circles, until
// stop says so; it tells whether it did.
func polarPieces(a, b point, stop func(from, to *vector) bool) bool {
	n := 1 + int(math.Abs(b.lon-a.lon)/2)
	from := toVector(a.lat, a.lon)
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		to := toVector(a.lat+t*(b.lat-a.lat), a.lon+t*(b.lon-a.lon))
		if stop(&from, &to) {
			return true
		}
		from = to
	}
	return false
}
