package formats

import (
	"io"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// record writes a position as a JSON object whose keys are Columns. It is
// written by hand because histories are long.
type record struct {
	// device is the beginning, the same for all positions of a device.
	device []byte
}

func (r *record) begin(d *data.Device) {
	b := append(r.device[:0], `{"device_id":`...)
	b = strconv.AppendInt(b, d.ID, 10)
	b = append(b, `,"unique_id":`...)
	b = data.AppendJSONString(b, d.UniqueID)
	b = append(b, `,"device_name":`...)
	r.device = data.AppendJSONString(b, d.Name)
}

func (r *record) object(b []byte, p *data.Position) []byte {
	b = append(b, r.device...)
	b = append(b, `,"position_id":`...)
	b = strconv.AppendInt(b, p.ID, 10)
	b = append(b, `,"fix_time":`...)
	b = appendTime(b, p.FixTime)
	b = append(b, `,"device_time":`...)
	b = appendTime(b, p.DeviceTime)
	b = append(b, `,"server_time":`...)
	b = appendTime(b, p.ServerTime)
	b = append(b, `,"valid":`...)
	b = strconv.AppendBool(b, p.Valid)
	b = append(b, `,"outdated":`...)
	b = strconv.AppendBool(b, p.Outdated)
	b = append(b, `,"latitude":`...)
	b = appendNumber(b, p.Latitude)
	b = append(b, `,"longitude":`...)
	b = appendNumber(b, p.Longitude)
	b = append(b, `,"altitude_m":`...)
	b = appendNumber(b, p.AltitudeM)
	b = append(b, `,"speed_kmh":`...)
	b = appendNumber(b, converters.KmhFromKnots(p.SpeedKnots))
	b = append(b, `,"course_deg":`...)
	b = appendNumber(b, p.CourseDeg)
	b = append(b, `,"accuracy_m":`...)
	b = appendNumber(b, p.AccuracyM)
	b = append(b, `,"protocol":`...)
	b = data.AppendJSONString(b, p.Protocol)
	b = append(b, `,"attributes":`...)
	b = p.Attributes.AppendJSON(b)
	b = append(b, `,"network":`...)
	b = p.Network.AppendJSON(b)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return t.UTC().AppendFormat(b, `"`+timeLayout+`"`)
}

func appendNumber(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }

// jsonLines is one position per line.
type jsonLines struct {
	out
	record
}

func newJSONLines(w io.Writer) Writer { return &jsonLines{out: newOut(w)} }

func (f *jsonLines) Begin(d *data.Device) error {
	f.begin(d)
	return f.failed()
}

func (f *jsonLines) Add(p *data.Position) error {
	f.line = append(f.object(f.line[:0], p), '\n')
	_, err := f.Write(f.line)
	return err
}

func (f *jsonLines) Close() error { return f.Flush() }

// geoJSON is RFC 7946: a collection with a point per position, a line each.
type geoJSON struct {
	out
	record
	more bool
}

func newGeoJSON(w io.Writer) Writer {
	f := &geoJSON{out: newOut(w)}
	f.put(`{"type":"FeatureCollection","features":[`)
	return f
}

func (f *geoJSON) Begin(d *data.Device) error {
	f.begin(d)
	return f.failed()
}

func (f *geoJSON) Add(p *data.Position) error {
	if !HasPlace(p) {
		return nil
	}
	b := f.line[:0]
	if f.more {
		b = append(b, ',')
	}
	f.more = true
	b = append(b, "\n"+`{"type":"Feature","id":`...)
	b = strconv.AppendInt(b, p.ID, 10)
	b = append(b, `,"geometry":{"type":"Point","coordinates":[`...)
	b = append(appendNumber(b, p.Longitude), ',')
	b = appendNumber(b, p.Latitude)
	if p.AltitudeM != 0 {
		b = appendNumber(append(b, ','), p.AltitudeM)
	}
	b = append(b, `]},"properties":`...)
	f.line = append(f.object(b, p), '}')
	_, err := f.Write(f.line)
	return err
}

func (f *geoJSON) Close() error {
	f.put("\n]}\n")
	return f.Flush()
}
