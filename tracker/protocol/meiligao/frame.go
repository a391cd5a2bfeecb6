package meiligao

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	maxFrame = 4 << 10
	idSize   = 7
	// headSize is the mark, the length, the id and the command.
	headSize = 2 + 2 + idSize + 2
	// tailSize is the checksum and the stop.
	tailSize = 2 + 2
	minFrame = headSize + tailSize
)

var (
	mark = []byte("$$")
	stop = []byte("\r\n")
)

// Next cuts where the length says if a stop is there. If not, the frame ends
// at the first stop that ends what came, or that another frame follows; while
// bytes are missing the checksum in front of it must be right.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	if len(buf) < minFrame {
		return nil, 0, nil
	}
	size := int(binary.BigEndian.Uint16(buf[2:]))
	if size >= minFrame && size <= len(buf) && bytes.HasSuffix(buf[:size], stop) {
		return buf[:size], size, nil
	}
	if c.udp {
		return buf, len(buf), nil
	}
	lied := size < minFrame || size > maxFrame || size <= len(buf)
	// One checksum runs along, so that a stream full of stops costs no more
	// than its length.
	sum, summed := uint16(converters.StartCCITTFalse), 0
	for from := minFrame - len(stop); ; {
		i := bytes.Index(buf[from:], stop)
		if i < 0 {
			break
		}
		from += i + len(stop)
		sum = converters.UpdateCCITTFalse(sum, buf[summed:from-tailSize])
		summed = from - tailSize
		if sum == binary.BigEndian.Uint16(buf[summed:]) || lied && (from == len(buf) || bytes.HasPrefix(buf[from:], mark)) {
			return buf[:from], from, nil
		}
	}
	if len(buf) >= maxFrame {
		return nil, 1, nil
	}
	return nil, 0, nil
}

// findStart tells where a frame may start.
func findStart(buf []byte) int {
	if i := bytes.Index(buf, mark); i >= 0 {
		return i
	}
	if n := len(buf); n > 0 && buf[n-1] == mark[0] {
		return n - 1
	}
	return len(buf)
}

// appendFrame appends a frame of the server.
func appendFrame(b, id []byte, command uint16, content []byte) []byte {
	start := len(b)
	b = append(b, '@', '@')
	b = binary.BigEndian.AppendUint16(b, uint16(minFrame+len(content)))
	b = append(b, id[:idSize]...)
	b = binary.BigEndian.AppendUint16(b, command)
	b = append(b, content...)
	b = binary.BigEndian.AppendUint16(b, converters.CRC16CCITTFalse(b[start:]))
	return append(b, stop...)
}
