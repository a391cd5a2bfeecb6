package minifinder

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

// next takes a field; ok is false after the last one.
func (f *fields) next() (s string, ok bool) {
	if f.done {
		return "", false
	}
	s, f.rest, ok = strings.Cut(f.rest, ",")
	f.done = !ok
	return strings.TrimSpace(s), true
}

// number takes a field that is a number; ok is false for anything else.
func (f *fields) number() (v float64, ok bool) {
	s, _ := f.next()
	return number(s)
}

func number(s string) (v float64, ok bool) {
	if s == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// integer takes a field that is a whole number.
func (f *fields) integer() (v int64, ok bool) {
	s, ok := f.next()
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// hex takes a field that is a hexadecimal number.
func (f *fields) hex() (v uint32, ok bool) {
	s, ok := f.next()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return uint32(n), err == nil
}

// split3 reads three whole numbers with a sign between them.
func split3(s string, sign byte) (n [3]int, ok bool) {
	for i := range n {
		part := s
		if i < 2 {
			cut := strings.IndexByte(s, sign)
			if cut < 0 {
				return n, false
			}
			part, s = s[:cut], s[cut+1:]
		}
		v, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || v < 0 {
			return n, false
		}
		n[i] = v
	}
	return n, true
}
