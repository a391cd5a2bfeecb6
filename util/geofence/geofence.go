// Package geofence tells in which geofences a place is, among a hundred thousand
// of them, and when a device enters, leaves and crosses them.
//
// # Rules
//
// A circle is all that lies at most its radius from the centre, over the ball of
// package geo. A polygon's edges are straight lines in degrees of latitude and
// longitude, as on a map; each takes the shorter way round the earth, so that
// polygons may lie across the antimeridian. A ring that goes round the earth
// holds the pole nearer to it. A corridor is all that lies at most its width
// from a line along great circles. Borders belong to the fence, those of holes
// too.
//
// A fence's floor and ceiling count if the altitude is known, which 0 is not.
//
// To hold against flutter, a device enters when it is inside, and leaves when it
// is farther outside than its own uncertainty and the margin.
package geofence

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tidwall/rtree"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// Fence is an area to put into an Index.
type Fence struct {
	// ID is data.Geofence.ID, not 0.
	ID int64
	// Area is what wkt.Parse has read from data.Geofence.Area.
	Area wkt.Shape
	// WidthM is how far a corridor reaches to both sides of a wkt.Line, in metres
	// (attribute "polylineDistance").
	WidthM float64
	// FloorM and CeilingM bound it, metres above sea level; nil for no bound.
	FloorM, CeilingM *float64
	// Dwell is how long a device is inside until that is an event; 0 for never.
	Dwell time.Duration
}

// Index finds fences. It never changes and serves any number of goroutines; for
// changed fences a new one is made: 100,000 take some 0.3 s.
type Index struct {
	fences []compiled // by ID
	rings  []ring
	points []point
	arcs   []vector
	tree   rtree.RTreeGN[float32, item]
}

// item is a fence, by its number in Index.fences, or an arc of its line.
type item struct{ fence, arc uint32 }

type kind uint8

const (
	circle kind = iota
	polygon
	corridor
)

// compiled is a fence ready to be asked.
type compiled struct {
	id             int64
	kind           kind
	twice          bool    // it may be met more than once in a search
	first, end     uint32  // of Index.rings for a polygon, else of Index.arcs
	reach          float64 // circle: radius; corridor: width; metres
	floor, ceiling float64 // metres, infinite for none
	area           float64 // square metres
	dwell          int64   // milliseconds
	boxes          []box   // only while building
}

// New makes an index. Fences that make no sense are left out, and the error
// names them (data.ErrInvalid); the index is good in any case.
func New(fences []Fence) (*Index, error) {
	ix := &Index{}
	var errs []error
	sorted := slices.SortedFunc(slices.Values(fences), func(a, b Fence) int { return cmp.Compare(a.ID, b.ID) })
	for i := range sorted {
		f := &sorted[i]
		if i > 0 && f.ID == sorted[i-1].ID {
			errs = append(errs, fmt.Errorf("geofence %d is given twice: %w", f.ID, data.ErrInvalid))
			continue
		}
		if err := ix.add(f); err != nil {
			errs = append(errs, fmt.Errorf("geofence %d: %w", f.ID, err))
		}
	}
	return ix, errors.Join(errs...)
}

// Len is how many fences there are.
func (ix *Index) Len() int { return len(ix.fences) }

func (ix *Index) add(f *Fence) error {
	c := compiled{id: f.ID, floor: math.Inf(-1), ceiling: math.Inf(1), dwell: f.Dwell.Milliseconds()}
	if f.FloorM != nil {
		c.floor = *f.FloorM
	}
	if f.CeilingM != nil {
		c.ceiling = *f.CeilingM
	}
	var err error
	switch area := f.Area.(type) {
	case wkt.Circle:
		err = ix.addCircle(&c, area)
	case wkt.Polygon:
		err = ix.addPolygon(&c, area)
	case wkt.Line:
		err = ix.addCorridor(&c, area, f.WidthM)
	default:
		err = fmt.Errorf("no shape (%T): %w", f.Area, data.ErrInvalid)
	}
	if err != nil {
		return err
	}
	c.area = ix.area(&c)
	n := uint32(len(ix.fences))
	for i, b := range c.boxes {
		it := item{fence: n}
		if c.kind == corridor {
			it.arc = c.first + uint32(i)
		}
		ix.insert(&c, b, it)
	}
	c.twice = c.twice || len(c.boxes) > 1
	c.boxes = nil
	ix.fences = append(ix.fences, c)
	return nil
}

func (ix *Index) addCircle(c *compiled, s wkt.Circle) error {
	if !onEarth(s.Center) || !(s.RadiusM > 0) || math.IsInf(s.RadiusM, 0) {
		return fmt.Errorf("a circle of %v m around %v: %w", s.RadiusM, s.Center, data.ErrInvalid)
	}
	c.kind, c.reach, c.first = circle, s.RadiusM, uint32(len(ix.arcs))
	ix.arcs = append(ix.arcs, toVector(s.Center.Lat, s.Center.Lon))
	c.end = uint32(len(ix.arcs))
	c.boxes = []box{around(s.Center.Lat, s.Center.Lon, s.RadiusM)}
	return nil
}

func onEarth(p wkt.Point) bool { return p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180 }

// box is a range of degrees. Longitudes may lie beyond 180.
type box struct{ south, west, north, east float64 }

// insert puts a box into the tree, in the range of longitudes -180 to 180; one
// that lies across the antimeridian twice.
func (ix *Index) insert(c *compiled, b box, it item) {
	if b.east-b.west >= 360 {
		b.west, b.east = -180, 180
	}
	shift := 360 * math.Floor((b.west+180)/360)
	b.west, b.east = b.west-shift, b.east-shift
	ix.put(b, it)
	if b.east >= 180 {
		c.twice = true
		ix.put(box{b.south, b.west - 360, b.north, b.east - 360}, it)
	}
}

func (ix *Index) put(b box, it item) {
	ix.tree.Insert([2]float32{below(b.west), below(b.south)}, [2]float32{above(b.east), above(b.north)}, it)
}

// below and above round outwards, with some ulps of float64 to spare for how
// the box was worked out.
func below(f float64) float32 { return math.Nextafter32(float32(f), float32(math.Inf(-1))) }
func above(f float64) float32 { return math.Nextafter32(float32(f), float32(math.Inf(1))) }

// find is the number of a fence, if it is there.
func (ix *Index) find(id int64) (uint32, bool) {
	i, ok := slices.BinarySearchFunc(ix.fences, id, func(c compiled, id int64) int { return cmp.Compare(c.id, id) })
	return uint32(i), ok
}
