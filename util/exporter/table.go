package exporter

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/storage/block"
)

func isDamage(err error) bool { return errors.Is(err, block.ErrCorrupt) }

// Columns are those of CSV and, as keys, of JSON lines. They may become more at
// the end, but are never changed. Times are RFC 3339 in UTC, to the
// millisecond, empty (null) for none.
//
//	device_id, unique_id, device_name  the device
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

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// csvTable is RFC 4180 with a line of names.
type csvTable struct {
	w   *csv.Writer
	row []string
	buf []byte
}

func newCSV(w *bufio.Writer) *csvTable {
	t := &csvTable{w: csv.NewWriter(w), row: make([]string, 0, len(Columns))}
	t.w.UseCRLF = true
	return t
}

func (t *csvTable) begin() error              { return t.w.Write(Columns) }
func (t *csvTable) device(*data.Device) error { return nil }
func (t *csvTable) deviceEnd() error          { return nil }

func (t *csvTable) position(d *data.Device, p *data.Position) error {
	t.buf = p.Attributes.AppendJSON(t.buf[:0])
	attributes, network := string(t.buf), ""
	if p.Network != nil {
		t.buf = p.Network.AppendJSON(t.buf[:0])
		network = string(t.buf)
	}
	t.row = append(t.row[:0],
		strconv.FormatInt(d.ID, 10), d.UniqueID, d.Name, strconv.FormatInt(p.ID, 10), clock(p.FixTime), clock(p.DeviceTime), clock(p.ServerTime),
		strconv.FormatBool(p.Valid), strconv.FormatBool(p.Outdated), formatFloat(p.Latitude), formatFloat(p.Longitude), formatFloat(p.AltitudeM),
		formatFloat(converters.KmhFromKnots(p.SpeedKnots)), formatFloat(p.CourseDeg), formatFloat(p.AccuracyM), p.Protocol, attributes, network)
	return t.w.Write(t.row)
}

func (t *csvTable) end() error {
	t.w.Flush()
	return t.w.Error()
}

// record is a line of JSON lines; its keys are Columns.
type record struct {
	DeviceID   int64           `json:"device_id"`
	UniqueID   string          `json:"unique_id"`
	DeviceName string          `json:"device_name"`
	PositionID int64           `json:"position_id"`
	FixTime    *string         `json:"fix_time"`
	DeviceTime *string         `json:"device_time"`
	ServerTime *string         `json:"server_time"`
	Valid      bool            `json:"valid"`
	Outdated   bool            `json:"outdated"`
	Latitude   float64         `json:"latitude"`
	Longitude  float64         `json:"longitude"`
	AltitudeM  float64         `json:"altitude_m"`
	SpeedKmh   float64         `json:"speed_kmh"`
	CourseDeg  float64         `json:"course_deg"`
	AccuracyM  float64         `json:"accuracy_m"`
	Protocol   string          `json:"protocol"`
	Attributes data.Attributes `json:"attributes"`
	Network    json.RawMessage `json:"network"`
}

func recordOf(d *data.Device, p *data.Position) record {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	r := record{
		DeviceID: d.ID, UniqueID: d.UniqueID, DeviceName: d.Name, PositionID: p.ID,
		FixTime: text(clock(p.FixTime)), DeviceTime: text(clock(p.DeviceTime)), ServerTime: text(clock(p.ServerTime)),
		Valid: p.Valid, Outdated: p.Outdated, Latitude: p.Latitude, Longitude: p.Longitude, AltitudeM: p.AltitudeM,
		SpeedKmh: converters.KmhFromKnots(p.SpeedKnots), CourseDeg: p.CourseDeg, AccuracyM: p.AccuracyM, Protocol: p.Protocol,
		Attributes: p.Attributes,
	}
	if p.Network != nil {
		r.Network = p.Network.AppendJSON(nil)
	}
	return r
}

type jsonLines struct{ w *bufio.Writer }

func (j *jsonLines) begin() error              { return nil }
func (j *jsonLines) device(*data.Device) error { return nil }
func (j *jsonLines) deviceEnd() error          { return nil }
func (j *jsonLines) end() error                { return nil }

func (j *jsonLines) position(d *data.Device, p *data.Position) error {
	b, err := json.Marshal(recordOf(d, p))
	if err != nil {
		return err
	}
	_, err = j.w.Write(append(b, '\n'))
	return err
}

// xmlText keeps what XML 1.0 cannot hold (2.2, characters) out of a text.
func xmlText(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r != 0xfffe && r != 0xffff && utf8.ValidRune(r) {
			out = append(out, r)
		}
	}
	return string(out)
}
