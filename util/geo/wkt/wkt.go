// Package wkt reads and writes the areas of geofences: well-known text (OGC
// Simple Features, part 1, chapter 7) with two differences that clients of the
// field expect. Points are written latitude, then longitude, and there is a
// circle:
//
//	POLYGON ((52 13, 52 14, 53 14, 52 13), (52.1 13.2, …))   outline, then holes
//	LINESTRING (52 13, 52 14)
//	CIRCLE (52 13, 250)                                      centre, radius in metres
//
// Degrees are WGS 84. A rectangle is a polygon.
package wkt

import (
	"strconv"
)

// Point is a place in degrees, north and east positive.
type Point struct{ Lat, Lon float64 }

// Shape is a Polygon, a Line or a Circle.
type Shape interface {
	append(b []byte) []byte
}

// Polygon is an outline, then holes. Each ring has at least four points, the
// last of which is the first.
type Polygon [][]Point

// Line is at least two points.
type Line []Point

// Circle is a centre and a radius above 0.
type Circle struct {
	Center  Point
	RadiusM float64
}

// MaxPoints bounds the points of a shape.
const MaxPoints = 20_000

// Format writes a shape; Parse reads it back.
func Format(s Shape) string { return string(s.append(nil)) }

func (p Polygon) append(b []byte) []byte {
	b = append(b, "POLYGON ("...)
	for i, ring := range p {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendPoints(b, ring)
	}
	return append(b, ')')
}

func (l Line) append(b []byte) []byte { return appendPoints(append(b, "LINESTRING "...), l) }

func (c Circle) append(b []byte) []byte {
	b = appendPoint(append(b, "CIRCLE ("...), c.Center)
	b = append(b, ", "...)
	return append(appendNumber(b, c.RadiusM), ')')
}

func appendPoints(b []byte, points []Point) []byte {
	b = append(b, '(')
	for i, p := range points {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendPoint(b, p)
	}
	return append(b, ')')
}

func appendPoint(b []byte, p Point) []byte {
	return appendNumber(append(appendNumber(b, p.Lat), ' '), p.Lon)
}

func appendNumber(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }
