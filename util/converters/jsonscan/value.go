package jsonscan

import (
	"bytes"
	"strconv"
)

// Kind is the kind of a value.
type Kind uint8

// The kinds.
const (
	None Kind = iota
	Object
	Array
	Text
	Number
	Bool
	Null
)

// Value is one value. It refers to the text it is from. The zero Value is none.
type Value struct {
	raw   []byte
	kind  Kind
	plain bool
}

// Kind is the kind of the value.
func (v Value) Kind() Kind { return v.kind }

// Raw is the value as written.
func (v Value) Raw() []byte { return v.raw }

// Is tells whether the value is this text.
func (v Value) Is(text string) bool {
	return v.kind == Text && string(v.Words()) == text
}

// Text is a copy of a text, "" for other kinds.
func (v Value) Text() string {
	if v.kind != Text {
		return ""
	}
	return string(v.Words())
}

// Words are the bytes of a text, and of a number as it is written; nil for other
// kinds. They may be those of the text that was read.
func (v Value) Words() []byte {
	switch {
	case v.kind == Number:
		return v.raw
	case v.kind != Text:
		return nil
	case v.plain:
		return v.raw[1 : len(v.raw)-1]
	}
	return []byte(unquote(v.raw))
}

// Float reads a number; ok is false for other kinds, and for a number that no
// float64 reaches.
func (v Value) Float() (f float64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// Int reads a number that is written without a point or an exponent; ok is false
// for others, and for one that does not fit.
func (v Value) Int() (i int64, ok bool) {
	if v.kind != Number || bytes.ContainsAny(v.raw, ".eE") {
		return 0, false
	}
	i, err := strconv.ParseInt(string(v.raw), 10, 64)
	return i, err == nil
}

// Bool reads true or false; ok is false for other kinds.
func (v Value) Bool() (b, ok bool) {
	return v.kind == Bool && v.raw[0] == 't', v.kind == Bool
}
