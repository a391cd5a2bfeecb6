// Package files reads geofences from files of other programs and writes them:
// GeoJSON (RFC 7946), KML 2.2 (OGC 07-147r2) and GPX 1.1. It is pure: no clock,
// no store.
//
// What is written is read back as it was: name, description, area and
// attributes. Other programs see as much of it as their format can say:
//
//	          polygon            line         circle
//	GeoJSON   Polygon            LineString   Point with the property radius (metres)
//	KML       Polygon            LineString   Polygon of 64 points
//	GPX       closed track       track        closed track of 64 points
//
// A circle that was written as a polygon is read back as one as long as nobody
// has moved its points. Calendars are no part of the files.
//
// From files of other programs come areas, lines (tracks and routes of GPX, of
// which long ones are simplified) and, if the reader says how wide they shall be,
// points. What consists of several areas becomes as many geofences.
package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

const (
	// MaxBytes bounds a file that is read, MaxFound the geofences in it.
	MaxBytes = 4 << 20
	MaxFound = 2000
	// maxName and maxDescription are how much is kept of a text, in characters.
	maxName        = 128
	maxDescription = 4096
)

// Format is a kind of file.
type Format struct {
	// Name is what a person asks for, and the end of the file's name.
	Name string
	// ContentType is the media type.
	ContentType string
	read        func(b []byte, c *collector) error
	begin, end  string
	write       func(b []byte, g *data.Geofence, shape wkt.Shape, first bool) []byte
}

// All are the formats, by name.
var All = []Format{
	{"geojson", "application/geo+json", readGeoJSON, `{"type":"FeatureCollection","features":[`, "\n]}\n", appendFeature},
	{"gpx", "application/gpx+xml", readGPX, gpxBegin, "</gpx>\n", appendTrack},
	{"kml", "application/vnd.google-earth.kml+xml", readKML, kmlBegin, "</Document></kml>\n", appendPlacemark},
}

// Named finds a format by its name, or by a media type that tells it. KMZ is
// KML, packed, which is only read.
func Named(name string) (Format, error) {
	if media, _, err := mime.ParseMediaType(name); err == nil {
		name = media
	}
	if name == "kmz" || name == "application/vnd.google-earth.kmz" {
		name = "kml"
	}
	i := slices.IndexFunc(All, func(f Format) bool { return f.Name == name || f.ContentType == name })
	if i < 0 {
		return Format{}, fmt.Errorf("%w: there is no format %q for geofences; there are geojson, gpx, kml", data.ErrInvalid, name)
	}
	return All[i], nil
}

// Options say what a file leaves open.
type Options struct {
	// WidthM is how far lines without a width reach to both sides, in metres; 0
	// leaves it to the default.
	WidthM float64
	// RadiusM makes circles of points, in metres; with 0 points are an error.
	RadiusM float64
}

// Found is a geofence of a file, or what is wrong with it.
type Found struct {
	// Number is that of the feature in the file, from 1.
	Number int
	// Geofence has a name in any case, and no ID.
	Geofence data.Geofence
	// Err wraps data.ErrInvalid and is written for people; nil for none.
	Err error
}

// Read reads what is in a file. An error (data.ErrInvalid) is one of the file as
// a whole.
func (f Format) Read(b []byte, o Options) ([]Found, error) {
	if len(b) > MaxBytes {
		return nil, wrong("the file is larger than %d MiB", MaxBytes>>20)
	}
	c := &collector{options: o}
	if err := f.read(b, c); err != nil {
		return nil, err
	}
	return c.found, nil
}

// Write writes geofences. Those whose area nobody understands are left out, and
// the error names them (data.ErrInvalid); the file is whole in any case. Another
// error is that of w.
func (f Format) Write(w io.Writer, geofences func(each func(*data.Geofence) error) error) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(f.begin) // the error stays
	var line []byte
	var bad []error
	first := true
	err := geofences(func(g *data.Geofence) error {
		shape, err := wkt.Parse(g.Area)
		if err != nil {
			bad = append(bad, fmt.Errorf("geofence %d: %w", g.ID, err))
			return nil
		}
		line = f.write(line[:0], g, shape, first)
		first = false
		_, err = out.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	_, _ = out.WriteString(f.end)
	if err := out.Flush(); err != nil {
		return err
	}
	return errors.Join(bad...)
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{data.ErrInvalid}, args...)...)
}

// collector gathers what a reader finds.
type collector struct {
	options Options
	found   []Found
	number  int
}

// feature is a named thing of a file, in parts.
type feature struct {
	name, description string
	// attributes are those of the geofence as they were written by us, see
	// attributesOf.
	attributes map[string]any
	// marker is the area of one that was written in the form of another, see
	// appendMarker.
	marker string
	shapes []wkt.Shape
	err    error
}

var errTooMany = wrong("there are more than %d geofences in the file", MaxFound)

// add takes the next feature of the file.
func (c *collector) add(f *feature) error {
	c.number++
	g := data.Geofence{Name: clip(f.name, maxName), Description: data.Text(clip(f.description, maxDescription)), Attributes: f.attributes}
	if g.Name == "" {
		g.Name = fmt.Sprintf("Geofence %d", c.number)
	}
	if f.err == nil && len(f.shapes) == 0 {
		f.err = wrong("it has no area and no line")
	}
	if f.err != nil {
		f.shapes = []wkt.Shape{nil}
	}
	if circle := circleOf(f.marker, f.shapes); circle != nil {
		f.shapes = []wkt.Shape{*circle}
	}
	for i, shape := range f.shapes {
		if len(c.found) >= MaxFound {
			return errTooMany
		}
		part := g
		if len(f.shapes) > 1 {
			part.Name = fmt.Sprintf("%s (%d)", clip(g.Name, maxName-7), i+1)
		}
		err := f.err
		if err == nil {
			err = c.finish(&part, shape)
		}
		c.found = append(c.found, Found{c.number, part, err})
	}
	return nil
}

// finish writes the area, as it can be read again.
func (c *collector) finish(g *data.Geofence, shape wkt.Shape) error {
	if shape = normal(shape); shape == nil {
		return wrong("a place is not on the earth: it must be given in degrees of WGS 84, in the order of the format")
	}
	if p, ok := shape.(point); ok {
		if !(c.options.RadiusM > 0) {
			return wrong("it is a point without a radius: say how large the circles of points shall be (radius=…, metres)")
		}
		shape = wkt.Circle{Center: p.Point, RadiusM: c.options.RadiusM}
	}
	if _, ok := shape.(wkt.Line); ok && c.options.WidthM > 0 && g.Attributes["polylineDistance"] == nil {
		with := data.Free{"polylineDistance": c.options.WidthM}
		for k, v := range g.Attributes {
			with[k] = v
		}
		g.Attributes = with
	}
	g.Area = wkt.Format(shape)
	_, err := wkt.Parse(g.Area)
	return err
}

// clip is a text of one line, not longer than most characters.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > most {
		s = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return s
}
