package formats

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// columns are the columns of a CSV file. Speed is in knots, altitude and
// accuracy in metres, attributes are a JSON object.
var columns = []string{
	"id", "deviceId", "device", "protocol", "serverTime", "deviceTime", "fixTime", "valid", "outdated",
	"latitude", "longitude", "altitude", "speed", "course", "accuracy", "attributes",
}

// csvTime is a time that spreadsheets and programs both read.
const csvTime = "2006-01-02T15:04:05.000Z"

// csvFile is RFC 4180: comma, double quotes, CR LF.
type csvFile struct {
	w      *csv.Writer
	fields []string
	name   string
	json   []byte
}

func newCSV(w io.Writer) Writer {
	f := &csvFile{w: csv.NewWriter(bufio.NewWriterSize(w, bufferSize)), fields: make([]string, len(columns))}
	f.w.UseCRLF = true
	_ = f.w.Write(columns) // the error stays, see Error
	return f
}

func (f *csvFile) Begin(d *data.Device) error {
	f.name = plain(d.Name)
	return f.w.Error()
}

// plain keeps a spreadsheet from taking a name for a formula.
func plain(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}

func (f *csvFile) Add(p *data.Position) error {
	f.json = p.Attributes.AppendJSON(f.json[:0])
	f.fields = append(f.fields[:0],
		strconv.FormatInt(p.ID, 10), strconv.FormatInt(p.DeviceID, 10), f.name, p.Protocol,
		tableTime(p.ServerTime), tableTime(p.DeviceTime), tableTime(p.FixTime),
		strconv.FormatBool(p.Valid), strconv.FormatBool(p.Outdated),
		number(p.Latitude), number(p.Longitude), number(p.AltitudeM), number(p.SpeedKnots), number(p.CourseDeg), number(p.AccuracyM),
		string(f.json))
	return f.w.Write(f.fields)
}

func tableTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(csvTime)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (f *csvFile) Close() error {
	f.w.Flush()
	return f.w.Error()
}

// jsonLines is one position of the API per line.
type jsonLines struct{ out }

func newJSONLines(w io.Writer) Writer { return &jsonLines{newOut(w)} }

func (f *jsonLines) Begin(*data.Device) error { return nil }

func (f *jsonLines) Add(p *data.Position) error {
	f.line = append(p.AppendJSON(f.line[:0]), '\n')
	_, err := f.Write(f.line)
	return err
}

func (f *jsonLines) Close() error { return f.Flush() }
