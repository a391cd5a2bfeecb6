package formats

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// Columns are those of CSV and, as keys, of JSON lines and of the properties in
// GeoJSON. They may become more at the end, but are never changed. Times are
// RFC 3339 in UTC, to the millisecond, empty (null) for none.
//
//	device_id, unique_id, device_name  the device; unique_id is empty in what a guest reads
//	position_id                        the position, the same in the API
//	fix_time, device_time, server_time when the place was measured, the report written, received
//	valid                              true if the device trusts the place
//	outdated                           true if the report came without a place and this is the last one known
//	latitude, longitude                degrees, WGS 84
//	altitude_m, speed_kmh, course_deg, accuracy_m   0 if unknown
//	protocol
//	attributes, network                JSON objects; network is empty (null) for none
var Columns = []string{
	"device_id", "unique_id", "device_name", "position_id", "fix_time", "device_time", "server_time", "valid", "outdated",
	"latitude", "longitude", "altitude_m", "speed_kmh", "course_deg", "accuracy_m", "protocol", "attributes", "network",
}

// timeLayout is a time that spreadsheets and programs both read.
const timeLayout = "2006-01-02T15:04:05.000Z"

// csvFile is RFC 4180: comma, double quotes, CR LF, a line of names.
type csvFile struct {
	w        *csv.Writer
	fields   []string
	uniqueID string
	name     string
	json     []byte
}

func newCSV(w io.Writer) Writer {
	f := &csvFile{w: csv.NewWriter(bufio.NewWriterSize(w, bufferSize)), fields: make([]string, 0, len(Columns))}
	f.w.UseCRLF = true
	_ = f.w.Write(Columns) // the error stays, see Error
	return f
}

func (f *csvFile) Begin(d *data.Device) error {
	f.uniqueID, f.name = plain(d.UniqueID), plain(d.Name)
	return f.w.Error()
}

// plain keeps a spreadsheet from taking a text for a formula.
func plain(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}

func (f *csvFile) Add(p *data.Position) error {
	f.json = p.Attributes.AppendJSON(f.json[:0])
	attributes, network := string(f.json), ""
	if p.Network != nil {
		f.json = p.Network.AppendJSON(f.json[:0])
		network = string(f.json)
	}
	f.fields = append(f.fields[:0],
		strconv.FormatInt(p.DeviceID, 10), f.uniqueID, f.name, strconv.FormatInt(p.ID, 10),
		tableTime(p.FixTime), tableTime(p.DeviceTime), tableTime(p.ServerTime),
		strconv.FormatBool(p.Valid), strconv.FormatBool(p.Outdated),
		number(p.Latitude), number(p.Longitude), number(p.AltitudeM), number(converters.KmhFromKnots(p.SpeedKnots)),
		number(p.CourseDeg), number(p.AccuracyM), p.Protocol, attributes, network)
	return f.w.Write(f.fields)
}

func tableTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (f *csvFile) Close() error {
	f.w.Flush()
	return f.w.Error()
}
