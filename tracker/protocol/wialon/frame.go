package wialon

import "bytes"

// maxFrame bounds a line; a black box of many messages is one line.
const maxFrame = 64 << 10

// Next cuts a line without its end. The last line of a datagram may have none.
// Lines without a # are parts of pictures and files, which are not kept.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	end := bytes.IndexByte(buf, '\n')
	switch {
	case end >= 0:
		n = end + 1
	case c.udp:
		end, n = len(buf), len(buf)
	case len(buf) >= maxFrame:
		return nil, len(buf), nil
	default:
		return nil, 0, nil
	}
	line := bytes.Trim(buf[:end], "\r\n\t \x00")
	if end > maxFrame || bytes.IndexByte(line, '#') < 0 {
		return nil, n, nil
	}
	return line, n, nil
}
