package tk103

import (
	"bytes"
	"math"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// scanner walks over a position, whose parts are written together or with
// commas between them.
type scanner struct {
	rest []byte
}

func (s *scanner) comma() bool {
	if len(s.rest) > 0 && s.rest[0] == ',' {
		s.rest = s.rest[1:]
		return true
	}
	return false
}

// take takes n bytes, nil if there are less.
func (s *scanner) take(n int) []byte {
	if len(s.rest) < n {
		return nil
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

// until takes what lies in front of one of two letters, and the letter.
func (s *scanner) until(x, y byte) (b []byte, letter byte) {
	const longest = 16
	for i, c := range s.rest[:min(len(s.rest), longest)] {
		if c == x || c == y {
			b = s.rest[:i]
			s.rest = s.rest[i+1:]
			return bytes.TrimSuffix(b, []byte{','}), c
		}
	}
	return nil, 0
}

// field takes what lies in front of the next comma, and the comma.
func (s *scanner) field() []byte {
	b, rest, _ := bytes.Cut(s.rest, []byte{','})
	s.rest = rest
	return b
}

// position reads date, validity, latitude, longitude, speed, time, course and,
// in the form without commas, the state of the device.
func (m *message) position(body []byte) bool {
	s := scanner{body}
	date := s.take(6)
	s.comma()
	valid := s.take(1)
	if date == nil || valid == nil || valid[0] != 'A' && valid[0] != 'V' && valid[0] != 'B' {
		return false
	}
	s.comma()
	latitude, ok1 := s.coordinate('N', 'S')
	s.comma()
	longitude, ok2 := s.coordinate('E', 'W')
	if !ok1 || !ok2 {
		return false
	}
	p := m.at
	var speed, clock []byte
	if s.comma() {
		speed, clock = s.field(), s.field()
	} else {
		speed, clock = s.take(5), s.take(6)
		s.comma()
	}
	if v, ok := padded(speed); ok && v >= 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	p.DeviceTime = m.moment(date, clock)
	p.Valid = valid[0] == 'A'
	protocol.SetPlace(p, latitude, longitude)
	if m.commas {
		m.rest(&s)
		return true
	}
	if v, ok := padded(s.course()); ok {
		p.CourseDeg = protocol.Course(v)
	}
	s.comma()
	m.state(s.rest)
	return true
}

// coordinate reads degrees and minutes and the hemisphere.
func (s *scanner) coordinate(plus, minus byte) (float64, bool) {
	b, letter := s.until(plus, minus)
	v, ok := padded(b)
	if letter == 0 || !ok || v < 0 {
		return 0, false
	}
	whole := math.Floor(v / 100)
	v = whole + (v-whole*100)/60
	if letter == minus {
		v = -v
	}
	return v, true
}

// course takes the course: six characters with a point, or two digits.
func (s *scanner) course() []byte {
	const usual, short = 6, 2
	if len(s.rest) >= usual && bytes.IndexByte(s.rest[:usual], '.') >= 0 {
		return s.take(usual)
	}
	return s.take(short)
}

// rest reads what follows in the form with commas: the course, then altitude
// and satellites, or the state.
func (m *message) rest(s *scanner) {
	if v, ok := fields.Number(s.field()); ok {
		m.at.CourseDeg = protocol.Course(v)
	}
	first, second := s.field(), s.field()
	altitude, ok1 := fields.Number(first)
	satellites, ok2 := fields.Integer(second)
	if ok1 && ok2 && bytes.IndexByte(first, '.') >= 0 && satellites >= 0 && satellites < 100 {
		m.at.AltitudeM = altitude
		m.at.Attributes.SetInt("sat", satellites)
		return
	}
	if len(first) == stateSize && len(second) > 0 && second[0] == 'L' {
		m.state(append(append(make([]byte, 0, 32), first...), second...))
	}
}

// stateSize is two switches, three sets of bits and the fuel.
const stateSize = 8

// state reads the switches, the fuel, the odometer and the temperature.
func (m *message) state(b []byte) {
	if len(b) < stateSize {
		return
	}
	a := &m.at.Attributes
	var bits [3]uint64
	for i := range bits {
		v, ok := fields.HexNumber(b[2+i : 3+i])
		if !ok {
			return
		}
		bits[i] = v
	}
	fuel, ok := fields.HexNumber(b[5:stateSize])
	if !ok {
		return
	}
	a.SetBool("charge", b[0] == '0')
	a.SetBool("ignition", b[1] == '1')
	a.SetInt("in2", int64(bits[0]&1))
	a.SetInt("panic", int64(bits[0]>>1&1))
	a.SetInt("out2", int64(bits[0]>>2&1))
	if bits[0]&8 != 0 {
		a.SetBool("blocked", true)
	}
	if bits[1]&8 != 0 {
		a.SetBool("door", true)
	}
	if high := bits[1] & 7; high != 0 {
		a.SetInt("sensorsHigh", int64(high))
	}
	if low := bits[2] >> 1 & 7; low != 0 {
		a.SetInt("sensorsLow", int64(low))
	}
	a.SetInt("fuel", int64(fuel))
	m.tail(b[stateSize:])
}

// tail reads the odometer, L and hexadecimal digits, and the temperature.
func (m *message) tail(b []byte) {
	if len(b) == 0 || b[0] != 'L' {
		return
	}
	b = b[1:]
	size := 0
	for size < min(len(b), 8) && isHex(b[size]) {
		size++
	}
	if v, ok := fields.HexNumber(b[:size]); ok {
		m.at.Attributes.SetInt("odometer", int64(v))
	}
	if b = b[size:]; len(b) > 1 && (b[0] == '+' || b[0] == '-') {
		if v, ok := fields.Number(b); ok {
			m.at.Attributes.SetFloat("temp1", v)
		}
	}
}

// moment reads a date and a clock: the form with commas writes ddmmyy, the
// other one yymmdd. A date that is none is tried the other way round.
func (m *message) moment(date, clock []byte) time.Time {
	var d, c [6]byte
	if !unpad(d[:], date) || !unpad(c[:], clock) {
		return time.Time{}
	}
	reversed := [6]byte{d[4], d[5], d[2], d[3], d[0], d[1]}
	if !m.commas {
		d, reversed = reversed, d
	}
	if t := fields.Moment(d[:], c[:]); !t.IsZero() {
		return t
	}
	return fields.Moment(reversed[:], c[:])
}

// unpad copies the first digits of b, blanks as zeros.
func unpad(dst, b []byte) bool {
	if len(b) < len(dst) {
		return false
	}
	for i := range dst {
		if dst[i] = b[i]; b[i] == ' ' {
			dst[i] = '0'
		}
	}
	return true
}

// padded reads a number with blanks for zeros.
func padded(b []byte) (float64, bool) {
	if bytes.IndexByte(b, ' ') < 0 {
		return fields.Number(b)
	}
	var room [18]byte
	if len(b) > len(room) {
		return 0, false
	}
	d := room[:len(b)]
	unpad(d, b)
	return fields.Number(d)
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
