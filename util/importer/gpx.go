package importer

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	// maxText bounds an element of XML in bytes, maxDepth how deep they nest.
	maxText  = 1 << 20
	maxDepth = 64
)

// readGPX reads the tracks of a GPX file, version 1.0 or 1.1
// (topografix.com/gpx.asp). Waypoints and routes are no history and are left
// out. Speed is metres a second, course degrees, whether as in version 1.0 or in
// the extensions of 1.1; heart rate, cadence and temperature are those of
// Garmin's TrackPointExtension.
func readGPX(in *input) error {
	in.Next(maxText)
	d := xml.NewDecoder(in)
	d.CharsetReader = charset
	g := gpx{in: in, d: d}
	for {
		in.Next(maxText)
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !g.root {
				return fmt.Errorf("this is not a GPX file: there is no element gpx: %w", data.ErrInvalid)
			}
			return nil
		}
		if err == nil {
			err = g.token(token)
		}
		if err != nil {
			line, _ := d.InputPos()
			if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
				err = fmt.Errorf("%w: %s", data.ErrInvalid, syntax.Msg)
			}
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// gpx is where reading stands.
type gpx struct {
	in    *input
	d     *xml.Decoder
	root  bool
	depth int
	point *gpxPoint // nil outside of trkpt
	text  []byte
}

// gpxPoint is a trkpt.
type gpxPoint struct {
	p     data.Position
	place bool
	line  int
}

func (g *gpx) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if g.depth++; g.depth > maxDepth {
			return fmt.Errorf("elements are nested more than %d deep: %w", maxDepth, data.ErrInvalid)
		}
		g.text = g.text[:0]
		if g.depth == 1 {
			if g.root = t.Name.Local == "gpx"; !g.root {
				return fmt.Errorf("this is not a GPX file, it begins with <%.40s>: %w", t.Name.Local, data.ErrInvalid)
			}
		}
		if t.Name.Local == "trkpt" {
			g.begin(t)
		}
	case xml.CharData:
		if g.point != nil && len(g.text)+len(t) <= 256 { // no number or time is longer
			g.text = append(g.text, t...)
		}
	case xml.EndElement:
		g.depth--
		if g.point == nil {
			return nil
		}
		if t.Name.Local == "trkpt" {
			return g.end()
		}
		g.value(t.Name.Local, strings.TrimSpace(string(g.text)))
		g.text = g.text[:0]
	}
	return nil
}

func (g *gpx) begin(t xml.StartElement) {
	line, _ := g.d.InputPos()
	g.point = &gpxPoint{line: line}
	var lat, lon bool
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "lat":
			g.point.p.Latitude, lat = number(a.Value)
		case "lon":
			g.point.p.Longitude, lon = number(a.Value)
		}
	}
	g.point.place = lat && lon
}

func (g *gpx) end() error {
	point := g.point
	g.point = nil
	where := "line " + strconv.Itoa(point.line)
	if !point.place {
		g.in.skip("no place", where)
		return nil
	}
	return g.in.add(point.p, where)
}

// value is an element within a trkpt.
func (g *gpx) value(name, text string) {
	p := &g.point.p
	if name == "time" {
		p.FixTime, _ = parseTime(text)
		return
	}
	f, ok := number(text)
	if !ok {
		return
	}
	switch name {
	case "ele":
		p.AltitudeM = f
	case "speed":
		p.SpeedKnots = converters.KnotsFromMps(f)
	case "course", "bearing":
		p.CourseDeg = f
	case "accuracy":
		p.AccuracyM = f
	case "hdop", "pdop", "vdop":
		p.Attributes.SetFloat(name, f)
	case "sat":
		p.Attributes.SetInt("sat", int64(f))
	case "hr", "heartrate":
		p.Attributes.SetInt("heartRate", int64(f))
	case "cad", "cadence":
		p.Attributes.SetInt("cadence", int64(f))
	case "atemp":
		p.Attributes.SetFloat("temp1", f)
	}
}

// charset reads the encodings that GPX files are found in besides UTF-8.
func charset(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii":
		return r, nil
	case "iso-8859-1", "latin1", "windows-1252", "iso-8859-15":
		return latin1{r}, nil // numbers and times are the same in all of them
	}
	return nil, fmt.Errorf("encoding %.40q is not supported, save the file as UTF-8: %w", label, data.ErrInvalid)
}

// latin1 reads ISO 8859-1, whose characters are the first of Unicode.
type latin1 struct{ r io.Reader }

func (l latin1) Read(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, io.ErrShortBuffer
	}
	half := make([]byte, len(b)/2)
	n, err := l.r.Read(half)
	out := b[:0]
	for _, c := range half[:n] {
		out = append(out, string(rune(c))...)
	}
	return len(out), err
}

// number reads a finite number.
func number(text string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return f, err == nil && f-f == 0 // neither infinite nor NaN
}

// layouts are ways to write a time. Without a zone it is UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05.999999999Z0700", "2006/01/02 15:04:05",
}

// parseTime reads a time or, as a number, seconds or milliseconds since 1970.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	f, ok := number(text)
	// 1e11 seconds are the year 5138, 1e11 milliseconds 1973.
	switch {
	case !ok || f <= 0 || f > 1e14:
		return time.Time{}, false
	case f < 1e11:
		return time.UnixMilli(int64(f * 1000)).UTC(), true
	}
	return time.UnixMilli(int64(f)).UTC(), true
}
