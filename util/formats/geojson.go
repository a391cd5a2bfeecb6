package formats

import (
	"io"

	"github.com/waymark-gps/waymark/data"
)

// geoJSON is RFC 7946: a collection with a point per position; its properties
// are named as in the API, speed in knots.
type geoJSON struct {
	out
	name  []byte
	empty bool
}

func newGeoJSON(w io.Writer) Writer {
	f := &geoJSON{out: newOut(w), empty: true}
	f.put(`{"type":"FeatureCollection","features":[`)
	return f
}

func (f *geoJSON) Begin(d *data.Device) error {
	f.name = data.AppendJSONString(f.name[:0], d.Name)
	return f.flushed()
}

func (f *geoJSON) Add(p *data.Position) error {
	if !HasPlace(p) {
		return nil
	}
	b := f.line[:0]
	if !f.empty {
		b = append(b, ',')
	}
	f.empty = false
	b = append(b, "\n"+`{"type":"Feature","geometry":{"type":"Point","coordinates":[`...)
	b = append(appendNumber(b, p.Longitude), ',')
	b = append(appendNumber(b, p.Latitude), ',')
	b = appendNumber(b, p.AltitudeM)
	b = append(b, `]},"properties":{"device":`...)
	b = append(b, f.name...)
	b = append(b, `,"time":`...)
	b = data.AppendJSONTime(b, p.FixTime)
	b = append(b, `,"speed":`...)
	b = appendNumber(b, p.SpeedKnots)
	b = append(b, `,"course":`...)
	b = appendNumber(b, p.CourseDeg)
	b = append(b, `,"accuracy":`...)
	b = appendNumber(b, p.AccuracyM)
	b = append(b, `,"attributes":`...)
	b = p.Attributes.AppendJSON(b)
	f.line = append(b, "}}"...)
	_, err := f.Write(f.line)
	return err
}

func (f *geoJSON) Close() error {
	f.put("\n]}\n")
	return f.Flush()
}
