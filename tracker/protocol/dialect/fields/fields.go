// Package fields reads the text that many protocols are made of: fields between
// separators, numbers, NMEA coordinates, dates. Nothing of it allocates.
package fields

import (
	"bytes"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// MaxFields bounds the fields of a message; what lies beyond is not read.
const MaxFields = 96

// List is the parts of a message. It shares the memory of the message.
type List [][]byte

// Split cuts b at each separator. It fills the room of dst and allocates
// nothing.
func Split(dst List, b []byte, separator byte) List {
	for len(dst) < cap(dst) {
		i := bytes.IndexByte(b, separator)
		if i < 0 {
			return append(dst, b)
		}
		dst = append(dst, b[:i])
		b = b[i+1:]
	}
	return dst
}

// At returns a field, nil if there is none.
func (f List) At(i int) []byte {
	if i < 0 || i >= len(f) {
		return nil
	}
	return f[i]
}

// From returns the fields from i on.
func (f List) From(i int) List {
	if i < 0 || i >= len(f) {
		return nil
	}
	return f[i:]
}

// Numbers of more digits, or hexadecimal digits, are none.
const (
	maxDigits    = 18
	maxHexDigits = 16
	// exactDigits always fit a float64, as do the powers of ten up to there:
	// their quotient is the nearest number.
	exactDigits = 15
)

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// cutSign takes blanks and the sign off a number.
func cutSign(b []byte) (digits []byte, negative bool) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return b[1:], b[0] == '-'
	}
	return b, false
}

// Number reads a decimal number with an optional sign and point, at most 18
// characters behind the sign; blanks around it do not count. It returns the
// nearest float64.
func Number(b []byte) (v float64, ok bool) {
	b, negative := cutSign(b)
	if len(b) > maxDigits {
		return 0, false
	}
	mantissa, digits, scale, point := uint64(0), 0, 0, false
	for _, c := range b {
		switch {
		case c == '.' && !point:
			point = true
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
			digits++
			if point {
				scale++
			}
		default:
			return 0, false
		}
	}
	switch {
	case digits == 0:
		return 0, false
	case digits <= exactDigits:
		v = float64(mantissa) / powers[scale]
	default:
		v, _ = strconv.ParseFloat(string(b), 64) // b is a number by now
	}
	if negative {
		v = -v
	}
	return v, true
}

// Integer reads a decimal integer of at most 18 digits with an optional sign;
// blanks around it do not count.
func Integer(b []byte) (v int64, ok bool) {
	b, negative := cutSign(b)
	if len(b) > maxDigits || !AllDigits(b) {
		return 0, false
	}
	for _, c := range b {
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// HexNumber reads a hexadecimal number of at most 16 digits; blanks around it
// do not count.
func HexNumber(b []byte) (v uint64, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > maxHexDigits {
		return 0, false
	}
	for _, c := range b {
		d, ok := HexDigit(c)
		if !ok {
			return 0, false
		}
		v = v<<4 | uint64(d)
	}
	return v, true
}

// HexDigit returns the value of a hexadecimal digit of either case.
func HexDigit(c byte) (v byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Degrees reads an NMEA coordinate, degrees times 100 plus minutes.
func Degrees(b []byte) (float64, bool) {
	v, ok := Number(b)
	if !ok || v < 0 {
		return 0, false
	}
	whole := float64(int(v / 100))
	return whole + (v-whole*100)/60, true
}

// Coordinate reads an NMEA coordinate and its hemisphere, N, S, E or W: south
// and west are negative.
func Coordinate(b, hemisphere []byte) (float64, bool) {
	v, ok := Degrees(b)
	if !ok || len(hemisphere) != 1 {
		return 0, false
	}
	switch hemisphere[0] {
	case 'N', 'E':
		return v, true
	case 'S', 'W':
		return -v, true
	}
	return 0, false
}

// NotDigits is what Pair returns for anything else: it is no hour, no day, and
// as a year beyond all dates.
const NotDigits = 200

// Pair reads the two digits at i.
func Pair(b []byte, i int) int {
	if len(b) < i+2 || b[i] < '0' || b[i] > '9' || b[i+1] < '0' || b[i+1] > '9' {
		return NotDigits
	}
	return int(b[i]-'0')*10 + int(b[i+1]-'0')
}

// AllDigits tells whether b is digits only, at least one.
func AllDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// AllHexDigits tells whether b is hexadecimal digits only, at least one.
func AllHexDigits(b []byte) bool {
	for _, c := range b {
		if _, ok := HexDigit(c); !ok {
			return false
		}
	}
	return len(b) > 0
}

// Moment reads ddmmyy and hhmmss, with a fraction of a second if there is one,
// as UTC. The zero time if there is no such moment.
func Moment(date, clock []byte) time.Time {
	if len(date) != 6 {
		return time.Time{}
	}
	t := protocol.Date(2000+Pair(date, 4), Pair(date, 2), Pair(date, 0), Pair(clock, 0), Pair(clock, 2), Pair(clock, 4))
	if !t.IsZero() && len(clock) > 6 {
		if f, ok := Number(clock[6:]); ok && clock[6] == '.' {
			t = t.Add(time.Duration(f*1000+0.5) * time.Millisecond)
		}
	}
	return t
}

// Stamp reads yymmddhhmmss as UTC. The zero time if there is no such moment.
func Stamp(b []byte) time.Time {
	if len(b) != 12 {
		return time.Time{}
	}
	return protocol.Date(2000+Pair(b, 0), Pair(b, 2), Pair(b, 4), Pair(b, 6), Pair(b, 8), Pair(b, 10))
}
