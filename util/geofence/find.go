package geofence

import (
	"math"
	"math/bits"
	"slices"
)

// Point is a place of a device.
type Point struct {
	// Time is milliseconds since 1970 UTC.
	Time int64
	// Lat and Lon are degrees.
	Lat, Lon float64
	// AltitudeM is metres above sea level, AccuracyM the radius of uncertainty in
	// metres; 0 if unknown.
	AltitudeM, AccuracyM float64
}

// Set is a choice of an index's fences, such as those of a device. It belongs to
// the index that made it. Devices with the same fences share one.
type Set struct {
	few  []uint32 // sorted, if there are few
	many []uint64 // else a bit for each fence of the index
}

// fewest is how many fences are asked one by one rather than through the tree.
const fewest = 12

// Set chooses fences by ID; those that the index does not have are passed over.
// A nil *Set is all of them.
func (ix *Index) Set(ids []int64) *Set {
	s := &Set{}
	for _, id := range ids {
		if n, ok := ix.find(id); ok {
			s.few = append(s.few, n)
		}
	}
	slices.Sort(s.few)
	s.few = slices.Compact(s.few)
	// A bit each costs less than 32 bits for one in 32.
	if len(s.few)*32 > len(ix.fences) && len(s.few) > fewest {
		s.many = make([]uint64, (len(ix.fences)+63)/64)
		for _, n := range s.few {
			s.many[n/64] |= 1 << (n % 64)
		}
		s.few = nil
	}
	return s
}

// Len is how many fences are in it; not for nil.
func (s *Set) Len() int {
	n := len(s.few)
	for _, w := range s.many {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s *Set) has(n uint32) bool {
	if s == nil {
		return true
	}
	if s.many != nil {
		return s.many[n/64]>>(n%64)&1 != 0
	}
	_, ok := slices.BinarySearch(s.few, n)
	return ok
}

// Find appends the IDs of the fences of a set in which p is, in ascending order.
// It allocates nothing if dst has room.
func (ix *Index) Find(dst []int64, p Point, of *Set) []int64 {
	start := len(dst)
	q := newQuery(p)
	if !q.ok {
		return dst
	}
	if of != nil && of.many == nil && len(of.few) <= fewest {
		for _, n := range of.few {
			if c := &ix.fences[n]; c.high(p.AltitudeM) && ix.contains(c, &q) {
				dst = append(dst, c.id)
			}
		}
		return dst
	}
	at := [2]float32{float32(q.lon), float32(q.lat)}
	ix.tree.Search(at, at, func(_, _ [2]float32, it item) bool {
		c := &ix.fences[it.fence]
		if of.has(it.fence) && c.high(p.AltitudeM) && ix.containsPart(c, it, &q) && !(c.twice && slices.Contains(dst[start:], c.id)) {
			dst = append(dst, c.id)
		}
		return true
	})
	slices.Sort(dst[start:])
	return dst
}

// query is a place being asked for; its vector is worked out when it is needed.
type query struct {
	ok       bool
	lat, lon float64
	v        vector
	known    bool
}

func newQuery(p Point) query {
	ok := p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -720 && p.Lon <= 720
	if p.Lon >= 180 || p.Lon < -180 {
		p.Lon -= 360 * math.Floor((p.Lon+180)/360)
	}
	return query{ok: ok, lat: p.Lat, lon: p.Lon}
}

func (q *query) vector() *vector {
	if !q.known {
		q.v, q.known = toVector(q.lat, q.lon), true
	}
	return &q.v
}

// high: the altitude is within the fence's bounds, or not known.
func (c *compiled) high(altitudeM float64) bool {
	return altitudeM == 0 || altitudeM >= c.floor && altitudeM <= c.ceiling
}

func (ix *Index) contains(c *compiled, q *query) bool {
	if c.kind != corridor {
		return ix.containsPart(c, item{}, q)
	}
	return ix.lineDistance(c, q.vector()) <= c.reach
}

// containsPart asks only for the item's arc of a corridor.
func (ix *Index) containsPart(c *compiled, it item, q *query) bool {
	switch c.kind {
	case circle:
		return ix.fromCentre(c, q) <= c.reach
	case polygon:
		return ix.inPolygon(c, q)
	}
	return arcDistance(&ix.arcs[it.arc], &ix.arcs[it.arc+1], q.vector()) <= c.reach
}

// near: a place outside the fence is at most so many metres away from it.
func (ix *Index) near(c *compiled, q *query, meters float64) bool {
	switch c.kind {
	case circle:
		return ix.fromCentre(c, q) <= c.reach+meters
	case polygon:
		return ix.borderDistance(c, q, meters) <= meters
	}
	return ix.lineDistance(c, q.vector()) <= c.reach+meters
}
