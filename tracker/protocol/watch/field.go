package watch

import (
	"math"
	"strconv"
	"strings"
)

// fields reads comma separated fields from the front of a text.
type fields struct {
	rest string
	done bool
}

// next takes a field, "" after the last one.
func (f *fields) next() string {
	if f.done {
		return ""
	}
	s, rest, more := strings.Cut(f.rest, ",")
	f.rest, f.done = rest, !more
	return strings.TrimSpace(s)
}

// number takes a field that is a number; ok is false for anything else.
func (f *fields) number() (v float64, ok bool) { return number(f.next()) }

func number(s string) (v float64, ok bool) {
	if s == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// integer takes a field that is a whole number.
func (f *fields) integer() (v int64, ok bool) {
	v, err := strconv.ParseInt(f.next(), 10, 64)
	return v, err == nil
}

// code takes a number that is hexadecimal if it has letters.
func (f *fields) code() (v int64, ok bool) {
	s := f.next()
	base := 10
	if strings.ContainsAny(s, "abcdefABCDEF") {
		base = 16
	}
	v, err := strconv.ParseInt(s, base, 64)
	return v, err == nil
}

// pairs reads a number of six digits as three of two.
func pairs(s string) (n [3]int, ok bool) {
	if len(s) != 6 {
		return n, false
	}
	for i := range n {
		high, low := s[2*i]-'0', s[2*i+1]-'0'
		if high > 9 || low > 9 {
			return n, false
		}
		n[i] = int(high)*10 + int(low)
	}
	return n, true
}
