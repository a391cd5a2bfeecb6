package gt06

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	markShort = 0x78 // twice: one byte of length
	markLong  = 0x79 // twice: two bytes of length
	maxFrame  = 4 << 10
	// minFrame is a start, a length, a type and a stop.
	minFrame = 2 + 1 + 1 + 2
	// tailSize is the serial number and the checksum in front of the stop.
	tailSize = 4
)

var stop = []byte{'\r', '\n'}

// innerWindow is how far back from a stop a frame inside of another is looked
// for: any 7878 frame is shorter.
const innerWindow = 300

// Next cuts at the place that the length announces if a stop is there. Many
// devices announce a wrong length: then the frame ends at the next stop.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return c.cut(nil, skip)
	}
	size := announced(buf)
	if size == 0 {
		return nil, 0, nil
	}
	if size <= maxFrame && len(buf) >= size && bytes.HasSuffix(buf[:size], stop) {
		return c.cut(buf[:size], size)
	}
	lied := size > maxFrame || len(buf) >= size
	from := max(minFrame, c.examined)
	if lied {
		from = minFrame
	}
	for end := nextStop(buf, from); end > 0; end = nextStop(buf, end+1) {
		if inner := innerFrame(buf[:end]); inner > 0 {
			return c.cut(nil, inner)
		}
		// While bytes are missing, 0D 0A may as well be content: there the
		// checksum or the start of another frame must agree.
		if lied || checks(buf[:end]) || startsAt(buf, end) {
			return c.cut(buf[:end], end)
		}
	}
	if len(buf) >= maxFrame {
		return c.cut(nil, len(buf)-1) // no stop in sight; the last byte may begin one
	}
	c.examined = len(buf) - 1 // the two bytes after a stop count
	return nil, 0, nil
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

// findStart tells where a frame may start; a single byte of a mark at the end
// of buf may be one.
func findStart(buf []byte) int {
	for i, b := range buf {
		if (b == markShort || b == markLong) && (i+1 == len(buf) || buf[i+1] == b) {
			return i
		}
	}
	return len(buf)
}

func startsAt(buf []byte, i int) bool {
	return len(buf) > i+1 && (buf[i] == markShort || buf[i] == markLong) && buf[i+1] == buf[i]
}

// announced is the size of the frame that buf starts with by its length field,
// 0 if that is not there yet.
func announced(buf []byte) int {
	switch {
	case len(buf) < minFrame:
		return 0
	case buf[0] == markLong:
		return 2 + 2 + int(binary.BigEndian.Uint16(buf[2:])) + len(stop)
	default:
		return 2 + 1 + int(buf[2]) + len(stop)
	}
}

// nextStop returns the first end of a frame at from or later, 0 if none.
func nextStop(buf []byte, from int) int {
	if from > len(buf) {
		return 0
	}
	i := bytes.Index(buf[from-len(stop):], stop)
	if i < 0 {
		return 0
	}
	return from + i
}

// innerFrame finds a whole and sound frame at the end of what looked like one:
// what lies before it is noise or the torn rest of another one. 0 if none.
func innerFrame(frame []byte) int {
	for i := max(1, len(frame)-innerWindow); i+minFrame+tailSize <= len(frame); i++ {
		if startsAt(frame, i) && announced(frame[i:]) == len(frame)-i && checks(frame[i:]) {
			return i
		}
	}
	return 0
}

// checks tells whether the checksum of a frame is right. A wrong one is no
// reason to drop a frame: cheap devices send any number.
func checks(frame []byte) bool {
	end := len(frame) - len(stop) - 2
	return end > 4 && converters.CRC16X25(frame[2:end]) == binary.BigEndian.Uint16(frame[end:])
}

// appendFrame appends a frame around content.
func appendFrame(b []byte, long bool, kind byte, content []byte, serial uint16) []byte {
	start := len(b) + 2
	if size := 1 + len(content) + tailSize; long || size > 0xFF {
		b = append(b, markLong, markLong, byte(size>>8), byte(size), kind)
	} else {
		b = append(b, markShort, markShort, byte(size), kind)
	}
	b = append(b, content...)
	b = binary.BigEndian.AppendUint16(b, serial)
	b = binary.BigEndian.AppendUint16(b, converters.CRC16X25(b[start:]))
	return append(b, stop...)
}
