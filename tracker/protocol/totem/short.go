package totem

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// Forms 1 to 3, of older devices. Their speeds are knots.

// readGPRMC reads form 1: an alarm and an NMEA sentence, then parts between
// bars.
func (out *report) readGPRMC(content []byte) (bool, error) {
	var f [16][]byte
	n := len(fields.Split(f[:0], content, '|'))
	var g [12][]byte
	sentence, _, _ := bytes.Cut(f[0], []byte("*"))
	if len(sentence) < 2 || len(fields.Split(g[:0], sentence, ',')) < 10 {
		return false, fmt.Errorf("decode form 1: the sentence is too short: %w", data.ErrInvalid)
	}
	t := fields.Moment(g[9], g[1])
	latitude, ok1 := fields.Coordinate(g[3], first(g[4]))
	longitude, ok2 := fields.Coordinate(g[5], first(g[6]))
	if t.IsZero() || !ok1 || !ok2 {
		return out.alarmAlone(sentence[:2], t), nil
	}
	p := &out.positions[0]
	p.DeviceTime = t
	p.Valid = string(g[2]) == "A"
	out.setPlace(latitude, longitude)
	out.speed(g[7], g[8])
	a := &p.Attributes
	a.AddAlarm(alarmOf(sentence[:2]))
	for i, name := range [...]string{"pdop", "hdop", "vdop"} {
		if v, ok := fields.Number(f[1+i]); ok {
			a.SetFloat(name, v)
		}
	}
	if io := f[4]; len(io) >= 10 {
		if io[0] == '1' {
			a.AddAlarm("sos")
		}
		a.SetBool("in3", io[4] == '1')
		a.SetBool("in4", io[5] == '1')
		a.SetBool("in1", io[6] == '1')
		a.SetBool("in2", io[7] == '1')
		a.SetBool("out1", io[8] == '1')
		a.SetBool("out2", io[9] == '1')
	}
	if v := f[6]; len(v) == 8 && fields.AllDigits(v) {
		a.SetBool("charge", v[0] == '1')
		battery, _ := fields.Integer(v[1:4])
		power, _ := fields.Integer(v[4:])
		a.SetFloat("battery", float64(battery)/100)
		a.SetFloat("power", float64(power)/100)
	}
	// The odometer has a point; the temperature, the cell and, if it is there,
	// an analog input stand in front of it.
	for i := 8; i < n; i++ {
		if bytes.IndexByte(f[i], '.') < 0 {
			continue
		}
		if v, ok := fields.Number(f[i]); ok && v >= 0 {
			a.SetFloat("odometer", v*1000)
		}
		if v, ok := fields.Number(f[i-1]); ok && v != 0 {
			a.SetFloat("temp1", v)
		}
		if i == 10 {
			a.SetString("adc1", protocol.Text(f[7]))
		}
		break
	}
	return true, nil
}

// alarmAlone keeps the alarm of a message without a fix; false if it has none.
func (out *report) alarmAlone(code []byte, t time.Time) bool {
	p := &out.positions[0]
	p.Outdated, p.DeviceTime = true, t
	p.Attributes.AddAlarm(alarmOf(code))
	return len(p.Attributes) > 0
}

func first(b []byte) []byte { return b[:min(1, len(b))] }

func (out *report) speed(knots, course []byte) {
	p := &out.positions[0]
	if v, ok := fields.Number(knots); ok && v > 0 {
		p.SpeedKnots = v
	}
	if v, ok := fields.Number(course); ok {
		p.CourseDeg = protocol.Course(v)
	}
}

// readBars reads form 2: every value between bars.
func (out *report) readBars(content []byte) (bool, error) {
	var f [20][]byte
	n := len(fields.Split(f[:0], content, '|'))
	if n < 12 || len(f[0]) < 14 {
		return false, nil
	}
	t := fields.Moment(f[0][2:8], f[0][8:14])
	latitude, ok1 := fields.Coordinate(f[2], first(f[3]))
	longitude, ok2 := fields.Coordinate(f[4], first(f[5]))
	if t.IsZero() || !ok1 || !ok2 {
		return out.alarmAlone(f[0][:2], t), nil
	}
	p := &out.positions[0]
	p.DeviceTime = t
	p.Valid = string(f[1]) == "A"
	out.setPlace(latitude, longitude)
	out.speed(f[6], f[7])
	a := &p.Attributes
	a.AddAlarm(alarmOf(f[0][:2]))
	if v, ok := fields.Number(f[8]); ok {
		a.SetFloat("hdop", v)
	}
	if io := f[9]; len(io) >= 12 {
		if io[0] == '1' {
			a.AddAlarm("gpsAntennaCut")
		}
		a.SetBool("charge", io[1] == '1')
		for i, name := range [...]string{"in1", "in2", "in3", "in4", "in5", "in6", "out1", "out2", "out3", "out4"} {
			a.SetBool(name, io[2+i] == '1')
		}
	}
	if v := f[10]; len(v) == 5 && fields.AllDigits(v) {
		a.SetBool("charge", v[0] == '1')
		a.SetFloat("battery", float64(fields.Pair(v, 1))/10)
		a.SetFloat("power", float64(fields.Pair(v, 3)))
	}
	a.SetString("adc1", protocol.Text(f[11]))
	if v, ok := fields.Number(f[13]); ok && v != 0 {
		a.SetFloat("temp1", v)
	}
	if v, ok := fields.Number(f[14]); ok && v >= 0 {
		a.SetFloat("odometer", v*1000)
	}
	return true, nil
}

// readFixed reads form 3: fixed widths up to the cell; behind it, from the
// end: checksum, serial number, place, odometer, pdop, speed, course,
// satellites, and the validity, which some devices leave out.
func (out *report) readFixed(content []byte) (bool, error) {
	const (
		frontSize  = 2 + 12 + 4 + 1 + 2 + 2 + 4 + 4 + 3 + 3 + 4 + 4
		motionSize = 2 + 3 + 3 + 4 + 7
	)
	end := len(content) - 8
	place := end - latitudeSize - longitudeSize
	motion := place - motionSize
	if motion < frontSize {
		return false, fmt.Errorf("decode form 3 of %d characters: too short: %w", len(content), data.ErrInvalid)
	}
	t := fields.Moment(content[2:8], content[8:14])
	latitude, ok1 := fields.Coordinate(content[place:place+latitudeSize-1], content[place+latitudeSize-1:place+latitudeSize])
	longitude, ok2 := fields.Coordinate(content[place+latitudeSize:end-1], content[end-1:end])
	if t.IsZero() || !ok1 || !ok2 {
		return out.alarmAlone(content[:2], t), nil
	}
	p := &out.positions[0]
	p.DeviceTime = t
	p.Valid = content[motion-1] != 'V'
	out.setPlace(latitude, longitude)
	m := content[motion:place]
	out.speed(m[5:8], m[2:5])
	a := &p.Attributes
	a.AddAlarm(alarmOf(content[:2]))
	if v, ok := fields.Integer(m[:2]); ok {
		a.SetInt("sat", int64(v))
	}
	if v, ok := fields.Number(m[8:12]); ok {
		a.SetFloat("pdop", v)
	}
	if v, ok := fields.Integer(m[12:19]); ok {
		a.SetInt("odometer", converters.Clamp(float64(v)*1000, 0, 1<<53))
	}
	b := content[14:]
	if v, ok := fields.HexNumber(b[:4]); ok {
		a.SetInt("status", int64(v))
	}
	if v := b[4:9]; fields.AllDigits(v) {
		a.SetBool("charge", v[0] == '1')
		a.SetFloat("battery", float64(fields.Pair(v, 1))/10)
		a.SetFloat("power", float64(fields.Pair(v, 3)))
	}
	a.SetString("adc1", protocol.Text(b[9:13]))
	a.SetString("adc2", protocol.Text(b[13:17]))
	for i, name := range [...]string{"temp1", "temp2"} {
		if v, ok := fields.Integer(b[17+3*i : 20+3*i]); ok && v != 0 {
			a.SetInt(name, int64(v))
		}
	}
	return true, nil
}
