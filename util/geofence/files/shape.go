package files

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/line"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

const (
	// corners are the points of a circle in a format that has none.
	corners = 64
	// maxTrack is how many points of a recorded track are kept.
	maxTrack = 2000
	// polygonMarker marks a track that is the outline of an area.
	polygonMarker = "POLYGON"
)

// point is a place without an extent.
type point struct {
	wkt.Shape
	wkt.Point
}

// normal brings longitudes into -180 to 180 (areas across the antimeridian are
// often written beyond) and closes rings. It is nil if a place is not on the
// earth.
func normal(s wkt.Shape) wkt.Shape {
	ok := true
	place := func(p wkt.Point) wkt.Point {
		ok = ok && math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 3600
		if math.Abs(p.Lon) > 180 {
			p.Lon = rounded(math.Remainder(p.Lon, 360))
		}
		return p
	}
	all := func(points []wkt.Point) {
		for i := range points {
			points[i] = place(points[i])
		}
	}
	switch shape := s.(type) {
	case wkt.Polygon:
		for i := range shape {
			all(shape[i])
			shape[i] = closed(shape[i])
		}
	case wkt.Line:
		all(shape)
	case wkt.Circle:
		shape.Center = place(shape.Center)
		s = shape
	case point:
		shape.Point = place(shape.Point)
		s = shape
	}
	if !ok {
		return nil
	}
	return s
}

// rounded removes what adding 360 has cost: a billionth of a degree is less
// than a millimetre.
func rounded(lon float64) float64 { return math.Round(lon*1e9) / 1e9 }

// centimetres leaves out digits of a degree that say nothing.
func centimetres(degrees float64) float64 { return math.Round(degrees*1e7) / 1e7 }

// outline are the points of a circle, the first once more at the end.
func outline(c wkt.Circle) []wkt.Point {
	points := make([]wkt.Point, corners, corners+1)
	for i := range points {
		lat, lon := geo.Destination(c.Center.Lat, c.Center.Lon, float64(i)*360/corners, c.RadiusM)
		points[i] = wkt.Point{Lat: centimetres(lat), Lon: centimetres(lon)}
	}
	return append(points, points[0])
}

// circleOf is the circle that a marker says the shape is, unless somebody has
// moved its points since.
func circleOf(marker string, shapes []wkt.Shape) *wkt.Circle {
	if marker == "" || marker == polygonMarker || len(shapes) != 1 {
		return nil
	}
	said, err := wkt.Parse(marker)
	circle, ok := said.(wkt.Circle)
	polygon, _ := shapes[0].(wkt.Polygon)
	if err != nil || !ok || len(polygon) != 1 || len(polygon[0]) != corners+1 {
		return nil
	}
	for i, want := range outline(circle) {
		have := polygon[0][i]
		// Programs round to some six decimals.
		if geo.Distance(have.Lat, have.Lon, want.Lat, want.Lon) > 0.2+circle.RadiusM/1000 {
			return nil
		}
	}
	return &circle
}

// simplified leaves out points of a recorded track that show little.
func simplified(points []wkt.Point) []wkt.Point {
	if len(points) <= maxTrack {
		return points
	}
	flat := make([]line.Point, len(points))
	for i, p := range points {
		flat[i].X, flat[i].Y = line.Project(p.Lat, p.Lon)
	}
	kept := line.Simplify(flat, maxTrack, 0)
	out := make([]wkt.Point, len(kept))
	for i := range kept {
		out[i] = wkt.Point{Lat: centimetres(kept[i].Lat()), Lon: centimetres(kept[i].Lon())}
	}
	return out
}

// known are the attributes that count where a file has them beside its own.
var known = []string{"ceiling", "color", "dwellS", "floor", "missingAt", "polylineDistance", "speedLimit"}

// attributesOf reads attributes: all of the JSON object that we write, and of
// other properties those that mean something for a geofence.
func attributesOf(written string, property func(key string) any) data.Free {
	var free data.Free
	if written != "" {
		if err := json.Unmarshal([]byte(written), &free); err == nil {
			return free
		}
	}
	for _, key := range known {
		v := property(key)
		if text, ok := v.(string); ok {
			if text = strings.TrimSpace(text); text == "" {
				continue
			} else if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
				v = n
			} else {
				v = text
			}
		}
		switch v.(type) {
		case float64, string, bool:
			if free == nil {
				free = data.Free{}
			}
			free[key] = v
		}
	}
	return free
}

// written is the form of attributes that attributesOf reads; empty for none.
func written(g *data.Geofence) string {
	if len(g.Attributes) == 0 {
		return ""
	}
	b, err := json.Marshal(g.Attributes)
	if err != nil {
		return "" // they were JSON before
	}
	return string(b)
}

// color is that of a geofence as #rrggbb; empty for none.
func color(g *data.Geofence) string {
	c, _ := g.Attributes["color"].(string)
	if len(c) != 7 || c[0] != '#' || strings.ContainsFunc(c[1:], func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }) {
		return ""
	}
	return strings.ToLower(c)
}

// closed is a ring whose last point is its first.
func closed(ring []wkt.Point) []wkt.Point {
	if n := len(ring); n > 0 && ring[0] != ring[n-1] {
		ring = append(slices.Clip(ring), ring[0])
	}
	return ring
}

func appendNumber(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }
