package tk103

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

const maxFrame = 4 << 10

// Next cuts from an opening to a closing parenthesis. One between two dollar
// signs is free text and closes nothing.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	start := bytes.IndexByte(buf, '(')
	if start < 0 {
		return c.cut(nil, len(buf))
	}
	if start > 0 {
		return c.cut(nil, start)
	}
	limit := min(len(buf), maxFrame)
	for i := max(1, c.examined); i < limit; i++ {
		switch {
		case buf[i] == '$':
			c.quoted = !c.quoted
		case buf[i] == ')' && !c.quoted:
			return c.cut(buf[:i+1], i+1)
		case buf[i] == '(' && !c.quoted && startsMessage(buf[i+1:limit]):
			return c.cut(nil, i) // the message before it was torn
		}
	}
	switch {
	case c.udp:
		return c.cut(buf[:limit], len(buf))
	case limit == maxFrame:
		// A single dollar sign, or no end at all.
		if i := bytes.IndexByte(buf[:limit], ')'); i > 0 {
			return c.cut(buf[:i+1], i+1)
		}
		return c.cut(nil, limit)
	}
	c.examined = limit
	return nil, 0, nil
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined, c.quoted = 0, false
	return frame, n, nil
}

// startsMessage tells whether b starts with an id, which a parenthesis within
// a message does not.
func startsMessage(b []byte) bool {
	const enough = 8
	return len(b) >= enough && fields.AllDigits(b[:enough])
}
