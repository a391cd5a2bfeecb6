// Package line makes lines of histories: places and times, however many, in a
// bounded number of points. Points lie in the plane of web maps (EPSG:3857),
// counted in parts of the whole world: Full units from 180° west to 180° east,
// and from 85.06° north, which is 0, to 85.06° south. A unit is 9 mm at the
// equator.
package line

import (
	"math"
	"time"

	"github.com/waymark-gps/waymark/util/geo"
)

// Full is the side of the world in units.
const Full = 1 << 32

// Point is a place at a time.
type Point struct {
	X, Y uint32
	// First begins a new part: what happened since the point before is unknown.
	First bool
	// SpeedKnots is the speed over ground.
	SpeedKnots float32
	// Time is in milliseconds since 1970 UTC.
	Time int64
}

// Lat and Lon are the place in degrees.
func (p Point) Lat() float64 {
	return math.Atan(math.Sinh(math.Pi*(1-2*float64(p.Y)/Full))) * 180 / math.Pi
}

// Lon is the longitude in degrees.
func (p Point) Lon() float64 { return float64(p.X)/Full*360 - 180 }

// Project is the place of a latitude and longitude.
func Project(lat, lon float64) (x, y uint32) {
	sin := math.Sin(lat * math.Pi / 180)
	fx := lon/360 + 0.5
	fy := 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
	return unit(fx - math.Floor(fx)), unit(fy)
}

// unit keeps what is beyond the edge, the poles, on it.
func unit(f float64) uint32 { return uint32(min(max(f*Full, 0), Full-1)) }

// A device that was silent for gapTime and is gapM away when it speaks again
// went a way that nobody knows.
const (
	gapTime = 10 * time.Minute
	gapM    = 500
)

// Builder gathers a history in the order of time. It holds at most so many
// points: whenever they are full, those are left out that show least.
type Builder struct {
	max              int
	points           []Point
	lastLat, lastLon float64
	lastTime         int64
	// Count is how many places were added.
	Count int
}

// NewBuilder makes a Builder of at most limit points, at least 16.
func NewBuilder(limit int) *Builder { return &Builder{max: max(limit, 16)} }

// Add adds a place. Degrees that do not exist are left out.
func (b *Builder) Add(lat, lon float64, at time.Time, speedKnots float64) {
	if !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 180) { // NaN is not, either
		return
	}
	t := at.UnixMilli()
	p := Point{Time: t, SpeedKnots: float32(speedKnots)}
	p.X, p.Y = Project(lat, lon)
	if b.Count == 0 || b.gap(lat, lon, t) {
		p.First = true
	}
	b.Count++
	b.lastLat, b.lastLon, b.lastTime = lat, lon, t
	if len(b.points) == b.max {
		b.points = Simplify(b.points, b.max/2, 0)
	}
	b.points = append(b.points, p)
}

func (b *Builder) gap(lat, lon float64, t int64) bool {
	if math.Abs(lon-b.lastLon) > 180 { // across the edge of the map
		return true
	}
	return t-b.lastTime > gapTime.Milliseconds() && geo.Distance(b.lastLat, b.lastLon, lat, lon) > gapM
}

// Points are those that are left. They belong to the caller afterwards.
func (b *Builder) Points() []Point { return b.points }
