package wkt

import (
	"math"

	"github.com/waymark-gps/waymark/util/geo"
)

// Contains tells whether a place lies in a shape; marginM, metres, is how far
// from a line still counts. Degrees are taken as flat between the points of a
// polygon, which is what maps draw; an outline may cross the antimeridian if
// none of its sides is longer than half the world.
func Contains(s Shape, lat, lon, marginM float64) bool {
	switch s := s.(type) {
	case Circle:
		return geo.Distance(s.Center.Lat, s.Center.Lon, lat, lon) <= s.RadiusM
	case Polygon:
		inside := false
		for _, ring := range s { // a hole turns it back
			if inRing(ring, lat, lon) {
				inside = !inside
			}
		}
		return inside
	case Line:
		for i := 1; i < len(s); i++ {
			if nearSide(s[i-1], s[i], lat, lon, marginM) {
				return true
			}
		}
	}
	return false
}

// inRing counts how often a ray to the north crosses the ring.
func inRing(ring []Point, lat, lon float64) bool {
	inside := false
	for i := 1; i < len(ring); i++ {
		ax, bx := around(ring[i-1].Lon-lon), around(ring[i].Lon-lon)
		if math.Abs(ax-bx) > 180 { // the far side of the world
			continue
		}
		ay, by := ring[i-1].Lat-lat, ring[i].Lat-lat
		if (ax > 0) != (bx > 0) && ay+(by-ay)*ax/(ax-bx) > 0 {
			inside = !inside
		}
	}
	return inside
}

// around brings a difference of longitudes to -180 to 180.
func around(deg float64) float64 { return math.Remainder(deg, 360) }

// nearSide takes the surroundings of the place as flat.
func nearSide(a, b Point, lat, lon, marginM float64) bool {
	const degreeM = 111_195 // of the mean meridian
	shrink := math.Cos(lat * math.Pi / 180)
	ax, ay := around(a.Lon-lon)*shrink, a.Lat-lat
	dx, dy := around(b.Lon-a.Lon)*shrink, b.Lat-a.Lat
	t := 0.0
	if length := dx*dx + dy*dy; length > 0 {
		t = min(max(-(ax*dx+ay*dy)/length, 0), 1)
	}
	return math.Hypot(ax+t*dx, ay+t*dy)*degreeM <= marginM
}
