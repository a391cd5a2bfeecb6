package wkt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// earthHalfM is half the way round the earth, in metres: the largest circle.
const earthHalfM = 20_040_000

// Parse reads a shape. Errors wrap data.ErrInvalid and are written for people.
func Parse(text string) (Shape, error) {
	p := &parser{text: text}
	s, err := p.shape()
	if err == nil {
		if p.blanks(); p.at < len(text) {
			err = p.wrong("there is something after the end")
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parser stands at a byte of the text.
type parser struct {
	text   string
	at     int
	points int
}

func (p *parser) wrong(format string, args ...any) error {
	return fmt.Errorf("%w: the area is not understood at character %d: %s", data.ErrInvalid, p.at+1, fmt.Sprintf(format, args...))
}

func (p *parser) shape() (Shape, error) {
	p.blanks()
	start := p.at
	for p.at < len(p.text) && isLetter(p.text[p.at]) {
		p.at++
	}
	switch word := p.text[start:p.at]; strings.ToUpper(word) {
	case "POLYGON":
		return p.polygon()
	case "LINESTRING":
		points, err := p.list()
		if err == nil && len(points) < 2 {
			err = p.wrong("a line needs two points")
		}
		return Line(points), err
	case "CIRCLE":
		return p.circle()
	}
	p.at = start
	return nil, p.wrong("it must begin with POLYGON, LINESTRING or CIRCLE")
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (p *parser) blanks() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// skip takes a character if it is the next.
func (p *parser) skip(c byte) bool {
	p.blanks()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(c byte) error {
	if !p.skip(c) {
		return p.wrong("here should be a %q", c)
	}
	return nil
}

func (p *parser) polygon() (Shape, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var rings Polygon
	for {
		ring, err := p.list()
		if err != nil {
			return nil, err
		}
		if len(ring) > 0 && ring[0] != ring[len(ring)-1] {
			ring = append(ring, ring[0]) // many programs leave the end out
		}
		if len(ring) < 4 {
			return nil, p.wrong("a polygon needs three points")
		}
		rings = append(rings, ring)
		if !p.skip(',') {
			return rings, p.expect(')')
		}
	}
}

func (p *parser) circle() (Shape, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	center, err := p.point()
	if err != nil {
		return nil, err
	}
	if err := p.expect(','); err != nil {
		return nil, err
	}
	radius, err := p.number()
	if err != nil {
		return nil, err
	}
	if !(radius > 0 && radius <= earthHalfM) {
		return nil, p.wrong("the radius is %v m, it must be above 0 and at most %d m", radius, earthHalfM)
	}
	return Circle{center, radius}, p.expect(')')
}

// list reads points in brackets.
func (p *parser) list() ([]Point, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var points []Point
	for {
		point, err := p.point()
		if err != nil {
			return nil, err
		}
		if p.points++; p.points > MaxPoints {
			return nil, p.wrong("there are more than %d points", MaxPoints)
		}
		points = append(points, point)
		if !p.skip(',') {
			return slices.Clip(points), p.expect(')')
		}
	}
}

func (p *parser) point() (Point, error) {
	lat, err := p.number()
	if err != nil {
		return Point{}, err
	}
	lon, err := p.number()
	switch {
	case err != nil:
		return Point{}, err
	case math.Abs(lat) > 90:
		return Point{}, p.wrong("the latitude %v is not -90 to 90 (points are written latitude, then longitude)", lat)
	case math.Abs(lon) > 180:
		return Point{}, p.wrong("the longitude %v is not -180 to 180", lon)
	}
	return Point{lat, lon}, nil
}

func (p *parser) number() (float64, error) {
	p.blanks()
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	f, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil || math.IsInf(f, 0) {
		p.at = start
		return 0, p.wrong("here should be a number")
	}
	return f, nil
}
