package t55

import "bytes"

const maxFrame = 1 << 10

// Next cuts lines. A datagram may end without one.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	start := 0
	for start < len(buf) && (buf[start] == '\r' || buf[start] == '\n' || buf[start] == 0) {
		start++
	}
	if start == len(buf) {
		return nil, start, nil
	}
	end := bytes.IndexByte(buf[start:], '\n')
	switch {
	case end >= 0:
		end += start
		n = end + 1
	case c.udp:
		end, n = len(buf), len(buf)
	case len(buf)-start >= maxFrame:
		return nil, len(buf), nil
	default:
		return nil, start, nil // what was skipped does not wait
	}
	if end-start > maxFrame {
		return nil, n, nil
	}
	return buf[start:end], n, nil
}
