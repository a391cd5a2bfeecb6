package t55

import (
	"bytes"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// place puts in the coordinates of four fields from i on: latitude, N or S,
// longitude, E or W.
func (m *message) place(f fields.List, i int, valid bool) bool {
	latitude, ok1 := fields.Degrees(f.At(i))
	longitude, ok2 := fields.Degrees(f.At(i + 2))
	if !ok1 || !ok2 {
		return false
	}
	if isOneOf(f.At(i+1), 'S') {
		latitude = -latitude
	}
	if isOneOf(f.At(i+3), 'W') {
		longitude = -longitude
	}
	m.at.Valid = valid
	protocol.SetPlace(m.at, latitude, longitude)
	return true
}

// motion puts in a speed in knots and a course.
func (m *message) motion(speed, course []byte) {
	if v, ok := fields.Number(speed); ok && v >= 0 {
		m.at.SpeedKnots = v
	}
	if v, ok := fields.Number(course); ok {
		m.at.CourseDeg = protocol.Course(v)
	}
}

// rmc reads the recommended minimum: time, validity, place, speed, course,
// date; behind the checksum satellites, IMEI, ignition, fuel, battery and
// numbers.
func (m *message) rmc(f, extra fields.List) bool {
	p := m.at
	if !m.place(f, 3, isOneOf(f.At(2), 'A')) {
		return false
	}
	m.motion(f.At(7), f.At(8))
	p.DeviceTime = fields.Moment(f.At(9), f.At(1))
	m.last = p.DeviceTime
	if len(extra) < 2 {
		return true
	}
	m.quantity("sat", extra[0])
	if imei := extra.At(1); m.id == "" && len(imei) >= 10 && fields.AllDigits(imei) {
		m.known(imei)
	}
	flag(p, "ignition", extra.At(2))
	m.quantity("fuel", extra.At(3))
	m.quantity("battery", extra.At(4))
	for i, b := range extra.From(6) {
		if i == len(ioNames) {
			break
		}
		m.quantity(ioNames[i], b)
	}
	return true
}

var ioNames = [...]string{"io1", "io2", "io3", "io4", "io5", "io6", "io7", "io8", "io9", "io10", "io11", "io12"}

// gga reads the fix: time, place, quality, satellites, HDOP, altitude.
func (m *message) gga(f fields.List) bool {
	quality, _ := fields.Integer(f.At(6))
	if !m.place(f, 2, quality > 0) {
		return false
	}
	m.at.DeviceTime = m.today(f.At(1))
	m.quantity("sat", f.At(7))
	m.quantity("hdop", f.At(8))
	if v, ok := fields.Number(f.At(9)); ok {
		m.at.AltitudeM = v
	}
	return true
}

// gll reads a place and a time.
func (m *message) gll(f fields.List) bool {
	if !m.place(f, 1, isOneOf(f.At(6), 'A')) {
		return false
	}
	m.at.DeviceTime = m.today(f.At(5))
	return true
}

// rma reads a place without a time.
func (m *message) rma(f fields.List) bool {
	if !m.place(f, 2, isOneOf(f.At(1), 'A')) {
		return false
	}
	m.motion(f.At(8), f.At(9))
	return true
}

// pubx reads the u-blox sentence: time, place, altitude, status, accuracies,
// speed in km/h, course, HDOP, VDOP, satellites, device.
func (m *message) pubx(f fields.List) bool {
	p := m.at
	status := f.At(8)
	if !m.place(f, 3, len(status) > 0 && string(status) != "NF") {
		return false
	}
	p.DeviceTime = m.today(f.At(2))
	if v, ok := fields.Number(f.At(7)); ok {
		p.AltitudeM = v
	}
	if v, ok := fields.Number(f.At(9)); ok && v >= 0 {
		p.AccuracyM = v
	}
	m.motion(nil, f.At(12))
	if v, ok := fields.Number(f.At(11)); ok && v >= 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	m.quantity("hdop", f.At(15))
	m.quantity("vdop", f.At(16))
	m.quantity("sat", f.At(18))
	if id := bytes.TrimSpace(f.At(19)); m.id == "" && len(id) > 1 {
		m.known(id)
	}
	return true
}

// today puts a time of the day next to the last RMC sentence, or to now.
func (m *message) today(clock []byte) time.Time {
	hour, minute, second := fields.Pair(clock, 0), fields.Pair(clock, 2), fields.Pair(clock, 4)
	if hour > 23 || minute > 59 || second > 60 {
		return time.Time{}
	}
	near := m.now.UTC()
	if !m.last.IsZero() {
		near = m.last
	}
	const day = 24 * time.Hour
	t := near.Truncate(day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	if len(clock) > 6 && clock[6] == '.' {
		if fraction, ok := fields.Number(clock[6:]); ok {
			t = t.Add(time.Duration(converters.Clamp(fraction*1000, 0, 999)) * time.Millisecond)
		}
	}
	switch {
	case t.Sub(near) > day/2:
		t = t.Add(-day)
	case near.Sub(t) > day/2:
		t = t.Add(day)
	}
	if !m.last.IsZero() && t.After(m.last) {
		m.last = t // so that the date goes on with the clock
	}
	return t
}

// quantity reads a number, an integer if it has no point.
func (m *message) quantity(key string, b []byte) {
	v, ok := fields.Number(b)
	switch {
	case !ok:
	case bytes.IndexByte(b, '.') < 0:
		m.at.Attributes.SetInt(key, int64(v))
	default:
		m.at.Attributes.SetFloat(key, v)
	}
}

// flag reads 0 or 1.
func flag(p *data.Position, key string, b []byte) {
	if isOneOf(b, '0') || isOneOf(b, '1') {
		p.Attributes.SetBool(key, b[0] == '1')
	}
}

func isOneOf(b []byte, c byte) bool { return len(b) == 1 && b[0] == c }
