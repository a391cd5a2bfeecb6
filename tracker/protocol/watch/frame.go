package watch

import (
	"bytes"
	"strconv"
)

const (
	// maxFrame has room for a voice message or a picture.
	maxFrame   = 64 << 10
	opening    = '['
	closing    = ']'
	escape     = 0x7D
	maxHeader  = 40
	headerSize = len("[3G*")
)

// escaped are the bytes behind an escape, less 1.
const escaped = "}[],*"

// Next cuts at the bracket that closes the first one, or at a bracket where
// the announced length ends: names of access points hold brackets, and the
// length is often wrong.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	switch i := bytes.IndexByte(buf, opening); {
	case i < 0:
		return c.cut(nil, len(buf))
	case i > 0:
		return c.cut(nil, i)
	}
	if c.examined > len(buf) {
		c.examined = 0
	}
	if c.examined == 0 {
		c.depth = 0
	}
	last := announced(buf)
	for i := c.examined; i < min(len(buf), maxFrame); i++ {
		switch buf[i] {
		case opening:
			if i > 0 {
				inner, whole := header(buf[i:])
				if !whole {
					c.examined = i // the rest of what may be a header comes later
					return c.wait(buf)
				}
				if inner {
					return c.cut(nil, i) // what lies before is torn
				}
			}
			c.depth++
		case closing:
			if c.depth--; c.depth <= 0 || i == last {
				return c.cut(c.unescape(buf[:i+1]), i+1)
			}
		}
	}
	c.examined = min(len(buf), maxFrame)
	return c.wait(buf)
}

// wait asks for more bytes unless there are too many already.
func (c *codec) wait(buf []byte) ([]byte, int, error) {
	if len(buf) >= maxFrame {
		return c.cut(nil, 1)
	}
	return nil, 0, nil
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined, c.depth = 0, 0
	return frame, n, nil
}

// header tells whether a message begins here: two letters or digits of the
// maker and 10 to 15 digits. whole is false if more bytes could change that.
func header(b []byte) (ok, whole bool) {
	for i, c := range b {
		switch {
		case i == 0:
		case i < headerSize-1:
			if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				return false, true
			}
		case i == headerSize-1:
			if c != '*' {
				return false, true
			}
		case c == '*':
			return i >= headerSize+10, true
		case c < '0' || c > '9' || i >= headerSize+15:
			return false, true
		}
	}
	return false, false
}

// announced is where the length says that the closing bracket is, 0 if that
// cannot be told yet.
func announced(buf []byte) int {
	h, ok := readHeader(buf[:min(len(buf), maxHeader)])
	if !ok {
		return 0
	}
	return h.size + h.length
}

// unescape undoes the escapes of binary parts. The result is good until the
// next call.
func (c *codec) unescape(b []byte) []byte {
	i := bytes.IndexByte(b, escape)
	if i < 0 {
		return b
	}
	out := append(c.plain[:0], b[:i]...)
	for ; i < len(b); i++ {
		if b[i] == escape && i+1 < len(b) && b[i+1] >= 1 && int(b[i+1]) <= len(escaped) {
			i++
			out = append(out, escaped[b[i]-1])
			continue
		}
		out = append(out, b[i])
	}
	c.plain = out
	if cap(out) > 4<<10 {
		c.plain = nil // a picture's worth of memory is not kept
	}
	return out
}

// appendEscaped undoes unescape.
func appendEscaped(b, content []byte) []byte {
	for _, c := range content {
		if i := bytes.IndexByte([]byte(escaped), c); i >= 0 {
			b = append(b, escape, byte(i+1))
			continue
		}
		b = append(b, c)
	}
	return b
}

// head is what stands in front of the content.
type head struct {
	maker, id, index []byte
	length           int
	size             int // bytes up to the content
}

// readHeader reads [maker*id*length* or [maker*id*index*length*, with or
// without the bracket.
func readHeader(b []byte) (h head, ok bool) {
	rest := bytes.TrimPrefix(b, []byte{opening})
	var fields [3][]byte
	for i := range fields {
		if fields[i], rest, ok = bytes.Cut(rest, []byte("*")); !ok {
			return h, false
		}
	}
	length, ok := hex4(fields[2])
	if !ok {
		return h, false
	}
	h.maker, h.id = fields[0], fields[1]
	if len(rest) > 4 && rest[4] == '*' {
		if second, ok := hex4(rest[:4]); ok {
			h.index, length, rest = fields[2], second, rest[5:]
		}
	}
	h.length, h.size = length, len(b)-len(rest)
	return h, len(h.maker) > 0 && len(h.id) > 0
}

func hex4(b []byte) (n int, ok bool) {
	if len(b) != 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b), 16, 16)
	return int(v), err == nil
}
