// Package jsonscan reads JSON (RFC 8259) from bytes, a token at a time and
// without building a tree: for messages of devices, which are small, frequent
// and of a shape that the reader knows. It takes the texts that package
// encoding/json takes, and reads from them the same values:
//
//	s := jsonscan.New(body)
//	for s.Object(); s.Member(); {
//		switch string(s.Key()) {
//		case "lat":
//			latitude, ok = s.Value().Float()
//		case "extras":
//			readExtras(&s) // an object or array in it, in the same way
//		default:
//			s.Value() // left out
//		}
//	}
//	return s.End()
//
// After an error nothing more comes: Member and Element are false, and End says
// what was wrong.
package jsonscan

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
)

// MaxDepth bounds how deep values that are left out may be nested.
const MaxDepth = 1000

// Scanner reads one text. It does not change the text, and refers to it.
type Scanner struct {
	b   []byte
	i   int
	key []byte
	// first says that the object or array that is open has had no value yet.
	first bool
	err   error
}

// New returns a Scanner of a text.
func New(b []byte) Scanner { return Scanner{b: b} }

// Kind is the kind of the next value, None at the end of the text or where no
// value can begin.
func (s *Scanner) Kind() Kind {
	switch c := s.peek(); c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return Text
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return None
}

// Object enters an object. It is an error if the next value is none.
func (s *Scanner) Object() bool { return s.enter('{', "an object") }

// Array enters an array. It is an error if the next value is none.
func (s *Scanner) Array() bool { return s.enter('[', "an array") }

func (s *Scanner) enter(mark byte, want string) bool {
	s.first = true
	return s.err == nil && (s.take(mark) || s.fail(want))
}

// Member goes on to the next member of the object that is open: its name is Key,
// and its value is next. It is false at the end of the object, which is left then.
func (s *Scanner) Member() bool {
	if !s.more('}') {
		return false
	}
	raw, plain, ok := s.text()
	if !ok {
		return false
	}
	if s.key = raw[1 : len(raw)-1]; !plain {
		s.key = []byte(unquote(raw))
	}
	return s.take(':') || s.fail("a colon")
}

// Key is the name of the member, to be used before the scanner goes on.
func (s *Scanner) Key() []byte { return s.key }

// Element goes on to the next value of the array that is open. It is false at
// the end of the array, which is left then.
func (s *Scanner) Element() bool { return s.more(']') }

// more reads the comma before the next member or element, or the end mark.
func (s *Scanner) more(end byte) bool {
	first := s.first
	s.first = false
	switch {
	case s.err != nil, s.take(end):
		return false
	case first:
		return true
	}
	return s.take(',') || s.fail("a comma or the end")
}

// Value reads the next value. Of an object or array it reads no more than that
// it is one.
func (s *Scanner) Value() Value {
	if s.err != nil {
		return Value{}
	}
	kind := s.Kind()
	start := s.i
	plain, ok := true, false
	switch kind {
	case Object, Array:
		ok = s.skip(0)
	case Text:
		_, plain, ok = s.text()
	case Number:
		ok = s.number()
	case Bool:
		ok = s.word("true") || s.word("false") || s.fail("true or false")
	case Null:
		ok = s.word("null") || s.fail("null")
	default:
		ok = s.fail("a value")
	}
	if !ok {
		return Value{}
	}
	s.first = false
	return Value{kind: kind, plain: plain, raw: s.b[start:s.i]}
}

// Failed tells whether an error has occurred.
func (s *Scanner) Failed() bool { return s.err != nil }

// End is the error that occurred, if any, or that of a text that goes on after
// its value. It wraps data.ErrInvalid.
func (s *Scanner) End() error {
	if s.err == nil && s.peek() != 0 || s.i < len(s.b) {
		s.fail("the end")
	}
	return s.err
}

// skip reads a value of any kind.
func (s *Scanner) skip(depth int) bool {
	if depth == MaxDepth {
		return s.fail("less depth")
	}
	switch s.Kind() {
	case Object:
		for s.Object(); s.Member(); {
			if !s.skip(depth + 1) {
				return false
			}
		}
	case Array:
		for s.Array(); s.Element(); {
			if !s.skip(depth + 1) {
				return false
			}
		}
	default:
		return s.Value().kind != None
	}
	return s.err == nil
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *Scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take reads a mark if it is next.
func (s *Scanner) take(mark byte) bool {
	if s.peek() != mark || s.i == len(s.b) {
		return false
	}
	s.i++
	return true
}

// word reads a word if it is next.
func (s *Scanner) word(w string) bool {
	if rest := s.b[s.i:]; len(rest) < len(w) || string(rest[:len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// fail notes the first error; it is false.
func (s *Scanner) fail(want string) bool {
	switch {
	case s.err != nil:
	case s.i >= len(s.b):
		s.err = fmt.Errorf("JSON ends at byte %d, want %s: %w", s.i, want, data.ErrInvalid)
	default:
		s.err = fmt.Errorf("JSON at byte %d is %q, want %s: %w", s.i, s.b[s.i], want, data.ErrInvalid)
	}
	return false
}

// text reads a text with its quotes. It is plain if the bytes between them are
// the text itself.
func (s *Scanner) text() (raw []byte, plain, ok bool) {
	if s.peek() != '"' {
		return nil, false, s.fail("a text in double quotes")
	}
	start, escaped, ascii := s.i, false, true
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			raw = s.b[start:s.i]
			if escaped && !json.Valid(raw) {
				s.i = start
				return nil, false, s.fail("no other escapes than those of JSON")
			}
			return raw, !escaped && (ascii || utf8.Valid(raw)), true
		case c == '\\':
			escaped = true
			s.i++ // whatever follows does not end the text
		case c < ' ':
			return nil, false, s.fail("no control characters in a text")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(s.b)
	return nil, false, s.fail("a closing quote")
}

// number reads a number.
func (s *Scanner) number() bool {
	s.one('-')
	if !s.one('0') && !s.digits() {
		return s.fail("a digit")
	}
	if s.one('.') && !s.digits() {
		return s.fail("a digit")
	}
	if s.one('e') || s.one('E') {
		if !s.one('-') {
			s.one('+')
		}
		if !s.digits() {
			return s.fail("a digit")
		}
	}
	return true
}

// one reads the byte c if it is next.
func (s *Scanner) one(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// digits reads one or more digits.
func (s *Scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// unquote is the text of a token that is not plain: escapes undone, and what is
// not UTF-8 replaced.
func unquote(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "" // cannot be: the escapes are valid
	}
	return text
}
