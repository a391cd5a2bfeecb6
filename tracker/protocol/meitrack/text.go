package meitrack

import (
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Numbers are read from the bytes of a message, without making strings.

// integer reads decimal digits with an optional sign.
func integer(b []byte) (n int, ok bool) {
	digits := b
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if b[0] == '-' {
		n = -n
	}
	return n, true
}

// hex reads up to 16 hexadecimal digits.
func hex(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		d, ok := nibble(c)
		if !ok {
			return 0, false
		}
		n = n<<4 | uint64(d)
	}
	return n, true
}

func nibble(c byte) (byte, bool) {
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

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// number reads a decimal number. Up to 15 digits are exact in a float64, and
// so is the power of ten: their quotient is the nearest number.
func number(b []byte) (v float64, ok bool) {
	digits, point, n := 0, -1, uint64(0)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + uint64(c-'0')
			digits++
		case c == '.' && point < 0:
			point = i
		case i == 0 && (c == '-' || c == '+'):
		default:
			return 0, false
		}
		if digits > 15 {
			v, err := strconv.ParseFloat(string(b), 64)
			return v, err == nil
		}
	}
	if digits == 0 {
		return 0, false
	}
	v = float64(n)
	if point >= 0 {
		v /= powers[len(b)-1-point]
	}
	if b[0] == '-' {
		v = -v
	}
	return v, true
}

// allDigits tells whether b has at least one character and nothing but digits.
func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// timestamp reads yymmddhhmmss.
func timestamp(b []byte) time.Time {
	if len(b) != 12 || !allDigits(b) {
		return time.Time{}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	return protocol.Date(2000+two(0), two(2), two(4), two(6), two(8), two(10))
}
