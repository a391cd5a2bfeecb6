package trips

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
)

// MaxPath is the most places of a trip's simplified way. 64 draw a day's drive
// on a screen; the positions themselves are there for more.
const MaxPath = 64

// path is a way simplified as it grows: when it is full, the inner place that
// matters least goes, which is the one that spans the smallest triangle with
// its neighbours (Visvalingam and Whyatt, 1993). Units are 1e-5 degrees, about
// a metre; longitudes run on over the antimeridian.
type path struct {
	lat, lon []int32
}

func (p *path) add(lat, lon float64) {
	y, x := int32(math.Round(lat*1e5)), int32(math.Round(lon*1e5))
	if n := len(p.lon); n > 0 {
		last := int64(p.lon[n-1])
		// The nearest of the equal longitudes, within what 32 bits hold: 59 turns.
		x = int32(max(math.MinInt32, min(math.MaxInt32, last+wrap(int64(x)-last))))
		if p.lat[n-1] == y && p.lon[n-1] == x {
			return
		}
	}
	p.lat, p.lon = append(p.lat, y), append(p.lon, x)
	if len(p.lat) > MaxPath {
		p.drop()
	}
}

// wrap brings a difference of longitudes to -180 to below 180 degrees.
func wrap(d int64) int64 {
	const turn = 360e5
	d %= turn
	switch {
	case d >= turn/2:
		d -= turn
	case d < -turn/2:
		d += turn
	}
	return d
}

// drop removes the inner place that matters least.
func (p *path) drop() {
	// Degrees of longitude shrink towards the poles; one scale does for a trip.
	shrink := math.Cos(float64(p.lat[0]) / 1e5 * math.Pi / 180)
	least, at := math.Inf(1), 1
	for i := 1; i < len(p.lat)-1; i++ {
		ax, ay := float64(p.lon[i]-p.lon[i-1])*shrink, float64(p.lat[i]-p.lat[i-1])
		bx, by := float64(p.lon[i+1]-p.lon[i-1])*shrink, float64(p.lat[i+1]-p.lat[i-1])
		if area := math.Abs(ax*by - bx*ay); area < least {
			least, at = area, i
		}
	}
	p.lat = append(p.lat[:at], p.lat[at+1:]...)
	p.lon = append(p.lon[:at], p.lon[at+1:]...)
}

// encode writes the way as an encoded polyline with five decimals, which map
// libraries read (developers.google.com/maps/documentation/utilities/polylinealgorithm).
func (p *path) encode() string {
	b := make([]byte, 0, 8*len(p.lat))
	var y, x int32
	for i := range p.lat {
		b = appendPolyline(b, int64(p.lat[i])-int64(y))
		b = appendPolyline(b, int64(p.lon[i])-int64(x))
		y, x = p.lat[i], p.lon[i]
	}
	return string(b)
}

func appendPolyline(b []byte, d int64) []byte {
	u := uint64(d<<1) ^ uint64(d>>63)
	for ; u >= 0x20; u >>= 5 {
		b = append(b, byte(u&0x1f|0x20)+63)
	}
	return append(b, byte(u)+63)
}

// DecodePath reads Trip.Path: degrees, latitude then longitude. Longitudes run
// on over the antimeridian, beyond 180.
func DecodePath(s string) ([][2]float64, error) {
	if len(s) > 2*7*MaxPath {
		return nil, fmt.Errorf("a path of %d bytes, at most %d places are expected: %w", len(s), MaxPath, data.ErrInvalid)
	}
	var places [][2]float64
	var at [2]int64
	axis := 0
	for i := 0; i < len(s); axis ^= 1 {
		var u uint64
		shift := 0
		for ; ; i++ {
			if i == len(s) || shift > 35 || s[i] < 63 {
				return nil, fmt.Errorf("a path that ends or strays at byte %d: %w", i, data.ErrInvalid)
			}
			c := uint64(s[i] - 63)
			u |= c & 0x1f << shift
			shift += 5
			if c < 0x20 {
				i++
				break
			}
		}
		at[axis] += int64(u>>1) ^ -int64(u&1)
		if axis == 1 {
			places = append(places, [2]float64{float64(at[0]) / 1e5, float64(at[1]) / 1e5})
		}
	}
	if axis != 0 {
		return nil, fmt.Errorf("a path that ends after a latitude: %w", data.ErrInvalid)
	}
	return places, nil
}
