package suntech

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// fields reads fields with a semicolon between them from the front of a text.
type fields struct {
	rest string
	done bool
}

// next takes a field, "" after the last one.
func (f *fields) next() string {
	if f.done {
		return ""
	}
	s, rest, more := strings.Cut(f.rest, ";")
	f.rest, f.done = rest, !more
	return s
}

// peek is next without taking the field.
func (f *fields) peek() string {
	g := *f
	return g.next()
}

// left is how many fields there are still.
func (f *fields) left() int {
	if f.done {
		return 0
	}
	return strings.Count(f.rest, ";") + 1
}

// number reads a number; ok is false for anything else.
func number(s string) (v float64, ok bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// integer takes a field that is a whole number of a base.
func (f *fields) integer(base int) (v int64, ok bool) {
	v, err := strconv.ParseInt(f.next(), base, 64)
	return v, err == nil
}

// time takes yyyymmdd and hh:mm:ss; the zero time if they are none.
func (f *fields) time() time.Time { return dateTime(f.next(), f.next()) }

func dateTime(day, clock string) time.Time {
	if len(day) != 8 || len(clock) != 8 {
		return time.Time{}
	}
	two := func(s string) int {
		high, low := s[0]-'0', s[1]-'0'
		if high > 9 || low > 9 {
			return -1
		}
		return int(high)*10 + int(low)
	}
	n := [...]int{two(day), two(day[2:]), two(day[4:]), two(day[6:]), two(clock), two(clock[3:]), two(clock[6:])}
	for _, v := range n {
		if v < 0 {
			return time.Time{}
		}
	}
	return protocol.Date(n[0]*100+n[1], n[2], n[3], n[4], n[5], n[6])
}

// clean is s without blanks and control characters at its ends.
func clean(s string) string {
	if !utf8.ValidString(s) {
		return protocol.Text([]byte(s))
	}
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
