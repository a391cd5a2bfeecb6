package data

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON from b, a token at a time. It knows the flat shapes of
// this package; what is rare (escapes) it leaves to encoding/json.
type scanner struct {
	b []byte
	i int
	// others have keys that are likely to come, in this order.
	others Attributes
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take skips the byte c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.i == len(s.b) {
		return false
	}
	s.i++
	return true
}

// literal skips a word if it is next.
func (s *scanner) literal(word string) bool {
	s.peek()
	if rest := s.b[s.i:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	s.i += len(word)
	return true
}

// end is an error unless all has been read.
func (s *scanner) end() error {
	if s.peek(); s.i < len(s.b) {
		return s.unexpected("the end")
	}
	return nil
}

func (s *scanner) unexpected(want string) error {
	if s.i >= len(s.b) {
		return fmt.Errorf("byte %d: text ends, want %s: %w", s.i, want, ErrInvalid)
	}
	return fmt.Errorf("byte %d: %q, want %s: %w", s.i, s.b[s.i], want, ErrInvalid)
}

// key reads the name of a member and the colon behind it.
func (s *scanner) key() (string, error) {
	raw, plain, err := s.text()
	if err != nil {
		return "", err
	}
	if !s.take(':') {
		return "", s.unexpected("a colon")
	}
	if plain {
		if len(s.others) > 0 {
			other := s.others[0].Key
			s.others = s.others[1:]
			if other == string(raw[1:len(raw)-1]) {
				return other, nil
			}
		}
		if known, ok := knownKeys[string(raw[1:len(raw)-1])]; ok {
			return known, nil
		}
	}
	return unquote(raw, plain)
}

// value reads a boolean, a number, a text or null, which is none.
func (s *scanner) value() (Value, error) {
	switch c := s.peek(); {
	case c == '"':
		raw, plain, err := s.text()
		if err != nil {
			return Value{}, err
		}
		text, err := unquote(raw, plain)
		return String(text), err
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == '{' || c == '[':
		return Value{}, fmt.Errorf("byte %d: nested values are not allowed here: %w", s.i, ErrInvalid)
	case s.literal("true"):
		return Bool(true), nil
	case s.literal("false"):
		return Bool(false), nil
	case s.literal("null"):
		return Value{}, nil
	}
	return Value{}, s.unexpected("a text, a number, true, false or null")
}

// text reads a string with its quotes. It is plain if the bytes between them
// are the text itself.
func (s *scanner) text() (raw []byte, plain bool, err error) {
	if s.peek() != '"' {
		return nil, false, s.unexpected("a text in double quotes")
	}
	start, escaped, ascii := s.i, false, true
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			raw = s.b[start:s.i]
			return raw, !escaped && (ascii || utf8.Valid(raw)), nil
		case c == '\\':
			escaped = true
			s.i++ // whatever follows does not end the text
		case c < ' ':
			return nil, false, s.unexpected("no control characters in a text")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(s.b)
	return nil, false, s.unexpected("a closing quote")
}

// unquote is the text of a string token.
func unquote(raw []byte, plain bool) (string, error) {
	if plain {
		return string(raw[1 : len(raw)-1]), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("text %.40q: %v: %w", raw, err, ErrInvalid)
	}
	return text, nil
}

// number reads an integer if it is written as one and fits, else a float.
func (s *scanner) number() (Value, error) {
	start := s.i
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return Value{}, s.unexpected("a digit")
	}
	whole := true
	if s.skip('.') {
		if whole = false; !s.digits() {
			return Value{}, s.unexpected("a digit")
		}
	}
	if s.skip('e') || s.skip('E') {
		whole = false
		if !s.skip('-') {
			s.skip('+')
		}
		if !s.digits() {
			return Value{}, s.unexpected("a digit")
		}
	}
	raw := s.b[start:s.i]
	if whole {
		if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return Int(i), nil
		}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return Value{}, fmt.Errorf("number %.40s is too large: %w", raw, ErrInvalid)
	}
	return Float(f), nil
}

// skip skips the byte c if it is next, white space counting.
func (s *scanner) skip(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// digits skips one or more digits.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}
