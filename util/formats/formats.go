// Package formats writes positions as files that other programs read: CSV,
// JSON lines, GPX, KML, KMZ and GeoJSON. Writers are streams: what they hold in
// memory does not grow with the history.
//
// Times are UTC, places WGS 84 degrees, altitudes metres above sea level. Speed
// is km/h in CSV, JSON lines and GeoJSON (see Columns) and metres a second in
// GPX, as its readers expect.
package formats

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// Writer writes the positions of devices, one device after the other. Its
// errors are those of the writer below. It is used by one goroutine.
type Writer interface {
	// Begin says whose positions follow.
	Begin(d *data.Device) error
	// Add writes a position of the device.
	Add(p *data.Position) error
	// Close writes the end of the file. The writer below stays open.
	Close() error
}

// Format is a kind of file.
type Format struct {
	// Name is what a person asks for, and the end of the file's name.
	Name string
	// ContentType is the media type with its parameters.
	ContentType string
	// New makes a Writer. The caller closes it.
	New func(w io.Writer) Writer
}

// All are the formats, by name.
var All = []Format{
	{"csv", "text/csv; charset=utf-8", newCSV},
	{"geojson", "application/geo+json", newGeoJSON},
	{"gpx", "application/gpx+xml", newGPX},
	{"jsonl", "application/jsonl", newJSONLines},
	{"kml", "application/vnd.google-earth.kml+xml", newKML},
	{"kmz", "application/vnd.google-earth.kmz", newKMZ},
}

// Named finds a format.
func Named(name string) (Format, error) {
	i := slices.IndexFunc(All, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, fmt.Errorf("%w: there is no format %q; there are %s", data.ErrInvalid, name, Names())
	}
	return All[i], nil
}

// Names lists the formats for people: "csv, geojson, …".
func Names() string {
	list := make([]string, len(All))
	for i, f := range All {
		list[i] = f.Name
	}
	return strings.Join(list, ", ")
}

// HasPlace tells whether a position says where the device was: maps leave out
// the others. Tables have them all.
func HasPlace(p *data.Position) bool { return !p.Outdated && !p.FixTime.IsZero() }

// bufferSize is how much is gathered before it is written, in bytes.
const bufferSize = 32 << 10

// out gathers what is written. The first error stays.
type out struct {
	*bufio.Writer
	// line is scratch space.
	line []byte
}

func newOut(w io.Writer) out { return out{Writer: bufio.NewWriterSize(w, bufferSize)} }

// put writes a text; bufio keeps the error for later.
func (o *out) put(s string) { _, _ = o.WriteString(s) }

// failed is the error of what was written before, if there was one.
func (o *out) failed() error {
	_, err := o.Write(nil)
	return err
}
