package gps103

import "bytes"

// maxFrame bounds a message; pieces of photos are the longest, in hexadecimal.
const maxFrame = 8 << 10

// Next cuts at a semicolon, a star or the end of a line, whichever comes first.
// The frame does not contain it.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	start := 0
	for start < len(buf) && (buf[start] <= ' ' || ends(buf[start])) {
		start++
	}
	if start == len(buf) {
		return c.cut(nil, start)
	}
	i := bytes.IndexAny(buf[max(start, c.examined):], ";*\n")
	switch {
	case i >= 0:
		i += max(start, c.examined)
	case c.udp:
		i = len(buf)
	case len(buf)-start >= maxFrame:
		return c.cut(nil, len(buf))
	default:
		c.examined = len(buf)
		return nil, 0, nil
	}
	if i-start > maxFrame {
		return c.cut(nil, i)
	}
	return c.cut(bytes.TrimRight(buf[start:i], "\r"), min(i+1, len(buf)))
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

func ends(b byte) bool { return b == ';' || b == '*' }
