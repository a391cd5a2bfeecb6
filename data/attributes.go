package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of a Value.
const (
	KindNone Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
)

// Value is one attribute value: a boolean, an integer, a number or a text. The
// zero Value is none.
type Value struct {
	str  string
	num  uint64
	kind Kind
}

// Bool, Int, Float and String make values.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int makes an integer value.
func Int(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// Float makes a number; NaN and infinities become none, JSON has no word for them.
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{kind: KindFloat, num: math.Float64bits(f)}
}

// String makes a text value.
func String(s string) Value { return Value{kind: KindString, str: s} }

// Kind says which of the types v is.
func (v Value) Kind() Kind { return v.kind }

// Bool returns the boolean; ok is false for other kinds.
func (v Value) Bool() (b, ok bool) { return v.num != 0, v.kind == KindBool }

// Float returns an integer or number as float64; ok is false for other kinds.
func (v Value) Float() (f float64, ok bool) {
	switch v.kind {
	case KindInt:
		return float64(int64(v.num)), true
	case KindFloat:
		return math.Float64frombits(v.num), true
	}
	return 0, false
}

// Int returns an integer; ok is false for other kinds.
func (v Value) Int() (i int64, ok bool) { return int64(v.num), v.kind == KindInt }

// Text returns a text; ok is false for other kinds.
func (v Value) Text() (s string, ok bool) { return v.str, v.kind == KindString }

// String shows v for people.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.num != 0)
	case KindString:
		return v.str
	case KindInt, KindFloat:
		return string(v.AppendJSON(nil))
	}
	return ""
}

// AppendJSON appends v as JSON. Numbers of kind float keep a point or an
// exponent, so that the kind survives a round trip.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case KindBool:
		return strconv.AppendBool(b, v.num != 0)
	case KindInt:
		return strconv.AppendInt(b, int64(v.num), 10)
	case KindFloat:
		return appendFloat(b, math.Float64frombits(v.num))
	case KindString:
		return AppendJSONString(b, v.str)
	}
	return append(b, "null"...)
}

func appendFloat(b []byte, f float64) []byte {
	start := len(b)
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[start:] {
		if c == '.' {
			return b
		}
	}
	return append(b, '.', '0')
}

// Attribute is one named value.
type Attribute struct {
	Key   string
	Value Value
}

// Attributes is a small ordered set of named values. The zero value is empty
// and ready to use.
type Attributes []Attribute

// Set gives key the value v; a none value removes the key.
func (a *Attributes) Set(key string, v Value) {
	for i := range *a {
		if (*a)[i].Key != key {
			continue
		}
		if v.kind == KindNone {
			*a = append((*a)[:i], (*a)[i+1:]...)
			return
		}
		(*a)[i].Value = v
		return
	}
	if v.kind != KindNone {
		*a = append(*a, Attribute{key, v})
	}
}

// SetBool, SetInt, SetFloat and SetString are Set for each kind.
func (a *Attributes) SetBool(key string, b bool) { a.Set(key, Bool(b)) }

// SetInt sets an integer.
func (a *Attributes) SetInt(key string, i int64) { a.Set(key, Int(i)) }

// SetFloat sets a number.
func (a *Attributes) SetFloat(key string, f float64) { a.Set(key, Float(f)) }

// SetString sets a text; an empty text removes the key.
func (a *Attributes) SetString(key, s string) {
	if s == "" {
		a.Set(key, Value{})
		return
	}
	a.Set(key, String(s))
}

// AddAlarm adds a kind of alarm to the "alarm" attribute, which is a list
// joined by commas.
func (a *Attributes) AddAlarm(kind string) {
	if kind == "" {
		return
	}
	old, _ := a.Get("alarm").Text()
	for have := range strings.SplitSeq(old, ",") {
		if have == kind {
			return
		}
	}
	if old != "" {
		kind = old + "," + kind
	}
	a.SetString("alarm", kind)
}

// Get returns the value of key, none if there is none.
func (a Attributes) Get(key string) Value {
	for i := range a {
		if a[i].Key == key {
			return a[i].Value
		}
	}
	return Value{}
}

// AppendJSON appends a as one JSON object.
func (a Attributes) AppendJSON(b []byte) []byte { return a.appendJSON(b) }

// appendJSON leaves some attributes out.
func (a Attributes) appendJSON(b []byte, without ...string) []byte {
	b = append(b, '{')
	first := true
	for i := range a {
		if slices.Contains(without, a[i].Key) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = AppendJSONString(b, a[i].Key)
		b = append(b, ':')
		b = a[i].Value.AppendJSON(b)
	}
	return append(b, '}')
}

// MarshalJSON implements json.Marshaler.
func (a Attributes) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler; see ParseAttributes.
func (a *Attributes) UnmarshalJSON(b []byte) error {
	read, err := parseAttributes(*a, b, nil)
	if err != nil {
		return fmt.Errorf("read attributes: %w", err)
	}
	*a = read
	return nil
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string. Invalid UTF-8 becomes the
// replacement character.
func AppendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
		}
	}
	return append(b, '"')
}
