package geofence

import (
	"math"

	"github.com/waymark-gps/waymark/util/geo"
)

// Near is the fence that a place is in, or that is nearest to it.
type Near struct {
	// Fence is its ID.
	Fence int64
	// DistanceM is how far the place is outside, in metres; 0 is inside.
	DistanceM float64
	// BearingDeg is the direction in which the place lies from the fence: from the
	// nearest point of its border, 0 to below 360; 0 if it is inside.
	BearingDeg float64
}

// Nearest finds the fence of a set that p is in, the smallest by area if there
// are several, or else the nearest one at most withinM metres away. It allocates
// nothing.
func (ix *Index) Nearest(p Point, of *Set, withinM float64) (Near, bool) {
	q := newQuery(p)
	if !q.ok || !(withinM >= 0) {
		return Near{}, false
	}
	s := seeker{ix: ix, q: &q, altitudeM: p.AltitudeM, within: withinM}
	if of != nil && of.many == nil && len(of.few) <= fewest {
		for _, n := range of.few {
			s.look(n)
		}
		return s.found()
	}
	// What is near is looked for first: a wide circle may hold thousands.
	for reach := min(withinM, firstReach); ; reach = min(withinM, reach*4) {
		s.within = reach
		ix.within(around(q.lat, q.lon, reach), func(it item) {
			if of.has(it.fence) {
				s.look(it.fence)
			}
		})
		if s.any || reach >= withinM {
			return s.found()
		}
	}
}

// firstReach is the first circle that Nearest looks in, in metres.
const firstReach = 500

// seeker holds the best fence so far. It is a value of its caller's.
type seeker struct {
	ix        *Index
	q         *query
	altitudeM float64
	// within is how near a fence must be to be better.
	within float64
	best   uint32
	any    bool
	inside bool
}

// look takes a fence if it is a better one.
func (s *seeker) look(n uint32) {
	c := &s.ix.fences[n]
	if !c.high(s.altitudeM) {
		return
	}
	d := s.ix.outside(c, s.q, s.within)
	switch {
	case d == 0:
		if s.inside && (c.area > s.ix.fences[s.best].area || c.area == s.ix.fences[s.best].area && n > s.best) {
			return
		}
		s.inside = true
	case s.inside || d > s.within || s.any && d == s.within && n > s.best:
		return
	}
	s.best, s.any, s.within = n, true, d
}

func (s *seeker) found() (Near, bool) {
	if !s.any {
		return Near{}, false
	}
	c := &s.ix.fences[s.best]
	near := Near{Fence: c.id}
	if !s.inside {
		near.DistanceM, near.BearingDeg = s.within, s.ix.bearing(c, s.q, s.within)
	}
	return near, true
}

// within calls visit for the items that may touch a box, some of them twice.
func (ix *Index) within(b box, visit func(item)) {
	search := func(west, east float64) {
		ix.tree.Search([2]float32{below(west), below(b.south)}, [2]float32{above(east), above(b.north)}, func(_, _ [2]float32, it item) bool {
			visit(it)
			return true
		})
	}
	switch {
	case b.east-b.west >= 360:
		search(-180, 180)
	case b.west < -180:
		search(-180, b.east)
		search(b.west+360, 180)
	case b.east > 180:
		search(b.west, 180)
		search(-180, b.east-360)
	default:
		search(b.west, b.east)
	}
}

// outside is how far a place is outside a fence in metres, 0 if it is inside;
// what is farther than within may be infinite.
func (ix *Index) outside(c *compiled, q *query, within float64) float64 {
	switch c.kind {
	case circle:
		return max(0, ix.fromCentre(c, q)-c.reach)
	case corridor:
		return max(0, ix.lineDistance(c, q.vector())-c.reach)
	}
	if ix.inPolygon(c, q) {
		return 0
	}
	return ix.borderDistance(c, q, within)
}

// bearing is the direction from the nearest point of a fence to a place that
// lies so far outside.
func (ix *Index) bearing(c *compiled, q *query, distanceM float64) float64 {
	at := ix.foot(c, q, distanceM)
	return geo.Bearing(at.lat, at.lon, q.lat, q.lon)
}

// foot is that point; of a circle the middle, which lies in the same direction.
func (ix *Index) foot(c *compiled, q *query, distanceM float64) point {
	if c.kind == polygon {
		return ix.borderFoot(c, q, distanceM)
	}
	at, least, v := ix.arcs[c.first], math.Inf(1), q.vector()
	for i := c.first; i+1 < c.end; i++ {
		if d := arcDistance(&ix.arcs[i], &ix.arcs[i+1], v); d < least {
			at, least = nearestOf(&ix.arcs[i], &ix.arcs[i+1], v), d
		}
	}
	lat, lon := at.degrees()
	return point{lat, lon}
}

// borderFoot is the nearest point of a polygon's border, which is so far away.
func (ix *Index) borderFoot(c *compiled, q *query, distanceM float64) (foot point) {
	least, near := math.Inf(1), nearby(q, distanceM)
	for i := c.first; i < c.end; i++ {
		points := ix.points[ix.rings[i].first:ix.rings[i].real]
		for j := 1; j < len(points); j++ {
			a, b := points[j-1], points[j]
			if !near.meetsEdge(a, b) {
				continue
			}
			at, d := point{}, 0.0
			if math.Abs(q.lat) > polar {
				at, d = polarFoot(a, b, q.vector())
			} else {
				at, d = edgeFoot(a, b, q.lat, q.lon)
			}
			if d < least {
				foot, least = at, d
			}
		}
	}
	return foot
}

// polarFoot is edgeFoot near a pole, see polarDistance.
func polarFoot(a, b point, v *vector) (foot point, least float64) {
	least = math.Inf(1)
	polarPieces(a, b, func(from, to *vector) bool {
		if d := arcDistance(from, to, v); d < least {
			at := nearestOf(from, to, v)
			least = d
			foot.lat, foot.lon = at.degrees()
		}
		return false
	})
	return foot, least
}

// nearestOf is the point of the arc between a and b that is nearest to p.
func nearestOf(a, b, p *vector) vector {
	n := cross(a, b)
	length := dot(&n, &n)
	if length > 1e-24 {
		an, nb := cross(&n, a), cross(b, &n)
		if dot(&an, p) >= 0 && dot(&nb, p) >= 0 {
			k := dot(&n, p) / length
			return vector{p.x - k*n.x, p.y - k*n.y, p.z - k*n.z} // its length does not matter
		}
	}
	if apart(a, p) <= apart(b, p) {
		return *a
	}
	return *b
}

// area is the size of a fence in square metres, to compare fences by.
func (ix *Index) area(c *compiled) float64 {
	switch c.kind {
	case circle: // a cap of the ball
		return 2 * math.Pi * earthRadiusM * earthRadiusM * (1 - math.Cos(min(c.reach/earthRadiusM, math.Pi)))
	case corridor:
		length := 0.0
		for i := c.first; i+1 < c.end; i++ {
			length += apart(&ix.arcs[i], &ix.arcs[i+1])
		}
		return (2*length + math.Pi*c.reach) * c.reach
	}
	sum := 0.0
	for i := c.first; i < c.end; i++ {
		r := &ix.rings[i]
		if a := ringArea(ix.points[r.first:r.end]); i == c.first {
			sum = a
		} else {
			sum -= a
		}
	}
	return max(sum, 0)
}

// ringArea is that of a ring on the map that keeps areas: longitude across, the
// sine of the latitude up.
func ringArea(points []point) float64 {
	sum := 0.0
	up := func(p point) float64 { return math.Sin(max(-90, min(90, p.lat)) * math.Pi / 180) }
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		sum += (b.lon - a.lon) * math.Pi / 180 * (up(a) + up(b)) / 2
	}
	return math.Abs(sum) * earthRadiusM * earthRadiusM
}
