package atrack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The fields of a text record.
const (
	fieldTime = iota
	fieldClock
	fieldSent
	fieldLongitude
	fieldLatitude
	fieldCourse
	fieldReport
	fieldOdometer
	fieldHDOP
	fieldInput
	fieldSpeed
	fieldOutput
	fieldADC
	fieldDriver
	fieldTemp1
	fieldTemp2
	fieldMessage
	fieldCustom
)

// maxFields bounds the fields of a text record.
const maxFields = 200

// decodeText reads a text message: prefix, checksum, length, number and unit,
// then a record to a line.
func (c *codec) decodeText(text string) (data.Packet, error) {
	_, rest, _ := strings.Cut(text, ",")
	_, rest, _ = strings.Cut(rest, ",") // checksum
	_, rest, _ = strings.Cut(rest, ",") // length
	number, rest, _ := strings.Cut(rest, ",")
	id, rest, ok := strings.Cut(rest, ",")
	if id = strings.TrimSpace(id); !ok || id == "" {
		return data.Packet{}, fmt.Errorf("decode text message: no unit id: %w", data.ErrInvalid)
	}
	out := &report{}
	packet := data.Packet{Identity: id}
	// The answer is binary for text messages too.
	unit, err := strconv.ParseUint(id, 10, 64)
	n, err2 := strconv.ParseUint(strings.TrimSpace(number), 10, 16)
	if err == nil && err2 == nil {
		packet.Reply = appendReply(out.reply[:0], unit, uint16(n))
	}
	for line := range strings.SplitSeq(rest, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			continue
		}
		if err := c.readText(out.next(&packet), line); err != nil {
			packet.Positions = packet.Positions[:len(packet.Positions)-1]
			if len(packet.Positions) > 0 {
				break // the lines before are readable
			}
			return data.Packet{}, fmt.Errorf("decode text message: %w", err)
		}
	}
	if len(packet.Positions) == 0 {
		return data.Packet{}, fmt.Errorf("decode text message: no record: %w", data.ErrInvalid)
	}
	return packet, nil
}

// readText reads the record of a line.
func (c *codec) readText(p *data.Position, line string) error {
	var room [64]string
	fields := room[:0]
	for field := range strings.SplitSeq(line, ",") {
		if len(fields) == maxFields {
			break
		}
		fields = append(fields, field)
	}
	if len(fields) <= fieldSpeed {
		return fmt.Errorf("a record of %d fields, want at least %d: %w", len(fields), fieldSpeed+1, data.ErrInvalid)
	}
	longitude, err := strconv.ParseInt(fields[fieldLongitude], 10, 64)
	latitude, err2 := strconv.ParseInt(fields[fieldLatitude], 10, 64)
	if err != nil || err2 != nil {
		return fmt.Errorf("coordinates %q, %q: %w", fields[fieldLatitude], fields[fieldLongitude], data.ErrInvalid)
	}
	place(p, textTime(fields[fieldTime]), textTime(fields[fieldClock]), float64(latitude)/1e6, float64(longitude)/1e6)
	a := &p.Attributes
	number := func(i int) (int64, bool) {
		if i >= len(fields) {
			return 0, false
		}
		n, err := strconv.ParseInt(fields[i], 10, 32)
		return n, err == nil
	}
	if n, ok := number(fieldCourse); ok {
		p.CourseDeg = protocol.Course(float64(n))
	}
	if n, ok := number(fieldReport); ok {
		a.SetInt("event", n)
	}
	if n, ok := number(fieldOdometer); ok {
		a.SetInt("odometer", n*100)
	}
	if n, ok := number(fieldHDOP); ok {
		a.SetFloat("hdop", float64(n)/10)
	}
	if n, ok := number(fieldInput); ok {
		a.SetInt("input", n)
	}
	if n, ok := number(fieldSpeed); ok && n > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(float64(n))
	}
	if n, ok := number(fieldOutput); ok {
		a.SetInt("output", n)
	}
	if n, ok := number(fieldADC); ok {
		a.SetInt("adc1", n)
	}
	if len(fields) > fieldDriver {
		a.SetString("driverUniqueId", strings.TrimSpace(fields[fieldDriver]))
	}
	if n, ok := number(fieldTemp1); ok && n != noTemperature {
		a.SetInt("temp1", n)
	}
	if n, ok := number(fieldTemp2); ok && n != noTemperature {
		a.SetInt("temp2", n)
	}
	if len(fields) > fieldMessage {
		message(a, protocol.Text([]byte(fields[fieldMessage])))
	}
	if len(fields) <= fieldCustom {
		return nil
	}
	switch {
	case strings.HasPrefix(fields[fieldCustom], "%CI"):
		c.textFields(p, fields[fieldCustom], fields[fieldCustom+1:])
	case c.form != "":
		c.textFields(p, c.form, fields[fieldCustom:])
	}
	return nil
}

// textTime reads seconds since 1970, or yyyyMMddHHmmss.
func textTime(s string) time.Time {
	s = strings.TrimSpace(s)
	if len(s) == len("20060102150405") {
		t, err := time.Parse("20060102150405", s)
		if err != nil {
			return time.Time{}
		}
		return protocol.UnixMilli(t.UnixMilli())
	}
	n, err := strconv.ParseInt(s, 10, 40)
	if err != nil {
		return time.Time{}
	}
	return protocol.UnixMilli(n * 1000)
}

// decodeLine reads an answer to a command. Only $INFO says of which device.
func decodeLine(line string) (data.Packet, error) {
	p := data.Position{Protocol: "atrack", Outdated: true}
	info, ok := strings.CutPrefix(line, "$INFO=")
	if !ok {
		p.Attributes.SetString("result", line)
		return data.Packet{Positions: []data.Position{p}}, nil
	}
	fields := strings.Split(info, ",")
	text := func(name string, i int) {
		if i < len(fields) {
			p.Attributes.SetString(name, strings.TrimSpace(fields[i]))
		}
	}
	text("model", 1)
	text("versionFw", 2)
	text("iccid", 5)
	for _, f := range []struct {
		name string
		at   int
		tens bool
	}{{"power", 6, true}, {"battery", 7, true}, {"sat", 8, false}, {"rssi", 10, false}} {
		if f.at >= len(fields) {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(fields[f.at]), 10, 32)
		switch {
		case err != nil:
		case f.tens:
			p.Attributes.SetFloat(f.name, float64(n)/10)
		default:
			p.Attributes.SetInt(f.name, n)
		}
	}
	return data.Packet{Identity: strings.TrimSpace(fields[0]), Positions: []data.Position{p}}, nil
}
