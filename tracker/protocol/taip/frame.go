package taip

import "bytes"

const (
	// maxFrame bounds a message; most have less than 200 characters.
	maxFrame = 2 << 10
	start    = '>'
	end      = '<'
)

// Next cuts a message with its marks. A start within a message means that the
// one before was torn. In a datagram the end may be missing.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	from := bytes.IndexByte(buf, start)
	if from < 0 {
		return nil, len(buf), nil
	}
	if from > 0 {
		return nil, from, nil
	}
	if next := bytes.IndexByte(buf[1:], start); next >= 0 && bytes.IndexByte(buf[1:1+next], end) < 0 {
		return nil, 1 + next, nil
	}
	to := bytes.IndexByte(buf, end)
	switch {
	case to >= 0:
		n = to + 1
	case c.udp:
		n = len(buf)
	case len(buf) >= maxFrame:
		return nil, len(buf), nil
	default:
		return nil, 0, nil
	}
	if n > maxFrame {
		return nil, n, nil
	}
	return buf[:n], n, nil
}
