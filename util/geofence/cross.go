package geofence

import (
	"math"
	"slices"
)

// stretch is how long the pieces of a way are at most, in radians: half a
// degree, in which a great circle is as good as straight.
const stretch = math.Pi / 360

// Crossed appends the IDs of the fences of a set that the way from one place to
// another touches, in ascending order, whether the places are inside or not.
// The way is the great circle. Fences whose bounds of altitude hold neither
// place are not touched.
func (ix *Index) Crossed(dst []int64, from, to Point, of *Set) []int64 {
	start := len(dst)
	p, q := newQuery(from), newQuery(to)
	if !p.ok || !q.ok {
		return dst
	}
	a, b := *p.vector(), *q.vector()
	if dot(&a, &b) < -0.99 {
		return dst // nobody knows which way it went
	}
	last := a
	cut(a, b, stretch, func(v vector) {
		dst = ix.touched(dst, start, &last, &v, from.AltitudeM, to.AltitudeM, of)
		last = v
	})
	slices.Sort(dst[start:])
	return dst
}

// touched appends the fences that a short way touches, once each.
func (ix *Index) touched(dst []int64, start int, a, b *vector, altitudeA, altitudeB float64, of *Set) []int64 {
	box := arcBox(a, b, 1)
	ix.within(box, func(it item) {
		c := &ix.fences[it.fence]
		if of.has(it.fence) && (c.high(altitudeA) || c.high(altitudeB)) && !slices.Contains(dst[start:], c.id) && ix.touches(c, it, a, b) {
			dst = append(dst, c.id)
		}
	})
	return dst
}

func (ix *Index) touches(c *compiled, it item, a, b *vector) bool {
	switch c.kind {
	case circle:
		return arcDistance(a, b, &ix.arcs[c.first]) <= c.reach
	case corridor:
		return arcsApart(a, b, &ix.arcs[it.arc], &ix.arcs[it.arc+1]) <= c.reach
	}
	latA, lonA := a.degrees()
	latB, lonB := b.degrees()
	if qa := (query{lat: latA, lon: lonA}); ix.inPolygon(c, &qa) {
		return true
	}
	if max(math.Abs(latA), math.Abs(latB)) > polar {
		return ix.cutsPolar(c, a, b)
	}
	switch d := lonB - lonA; {
	case d > 180:
		lonB -= 360
	case d < -180:
		lonB += 360
	}
	return ix.cutsBorder(c, point{latA, lonA}, point{latB, lonB})
}

// cutsBorder: a way that is straight in degrees meets an edge of the polygon.
func (ix *Index) cutsBorder(c *compiled, a, b point) bool {
	west, east := min(a.lon, b.lon), max(a.lon, b.lon)
	south, north := min(a.lat, b.lat), max(a.lat, b.lat)
	for i := c.first; i < c.end; i++ {
		r := &ix.rings[i]
		if north < r.south || south > r.north {
			continue
		}
		points := ix.points[r.first:r.real]
		for shift := 360 * math.Ceil((r.west-east)/360); west+shift <= r.east; shift += 360 {
			p, q := point{a.lat, a.lon + shift}, point{b.lat, b.lon + shift}
			for j := 1; j < len(points); j++ {
				if meet(p, q, points[j-1], points[j]) {
					return true
				}
			}
		}
	}
	return false
}

// cutsPolar is cutsBorder near a pole, with great circles.
func (ix *Index) cutsPolar(c *compiled, a, b *vector) bool {
	for i := c.first; i < c.end; i++ {
		points := ix.points[ix.rings[i].first:ix.rings[i].real]
		for j := 1; j < len(points); j++ {
			if polarPieces(points[j-1], points[j], func(from, to *vector) bool { return arcsMeet(a, b, from, to) }) {
				return true
			}
		}
	}
	return false
}

// meet: two straight lines have a place in common.
func meet(a, b, c, d point) bool {
	if max(a.lat, b.lat) < min(c.lat, d.lat) || max(c.lat, d.lat) < min(a.lat, b.lat) ||
		max(a.lon, b.lon) < min(c.lon, d.lon) || max(c.lon, d.lon) < min(a.lon, b.lon) {
		return false
	}
	return turn(a, b, c)*turn(a, b, d) <= 0 && turn(c, d, a)*turn(c, d, b) <= 0
}

// turn is 1 if c lies left of the line from a to b, -1 right of it, 0 on it.
func turn(a, b, c point) int {
	switch x := (b.lon-a.lon)*(c.lat-a.lat) - (c.lon-a.lon)*(b.lat-a.lat); {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
