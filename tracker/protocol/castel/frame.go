package castel

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	markVersioned = '@' // twice: a version follows the length
	markPlain     = '$' // twice: no version, MPIP
	idSize        = 20
	// tailSize is the checksum and the stop.
	tailSize = 2 + 2
	// minFrame is mark, length, id, type and tail of a plain frame.
	minFrame = 2 + 2 + idSize + 2 + tailSize
	maxFrame = 4 << 10
)

var stop = []byte{'\r', '\n'}

// Next cuts at the place that the length announces if a stop is there; else at
// a stop with the right checksum before it, or with another start behind it.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	if len(buf) < minFrame {
		return nil, 0, nil
	}
	size := announced(buf)
	possible := size >= minFrame && size <= maxFrame
	if possible && len(buf) >= size && bytes.HasSuffix(buf[:size], stop) {
		return buf[:size], size, nil
	}
	lied := !possible || len(buf) >= size
	window := buf[:min(len(buf), maxFrame)]
	end := soundEnd(window, lied)
	if inner := innerFrame(window, end); inner > 0 {
		return nil, inner, nil
	}
	if end > 0 {
		return buf[:end], end, nil
	}
	if len(buf) >= maxFrame {
		return nil, 1, nil // the mark was none
	}
	return nil, 0, nil
}

// soundEnd finds the first stop behind the right checksum or, if the length has
// lied, before another start; 0 if there is none. One checksum runs along, so
// that a stream full of stops costs no more than its length.
func soundEnd(buf []byte, lied bool) int {
	sum, summed := uint16(0), 0
	for end := nextStop(buf, minFrame); end > 0; end = nextStop(buf, end+1) {
		content := end - tailSize
		sum = converters.UpdateX25(sum, buf[summed:content])
		summed = content
		if sum == binary.LittleEndian.Uint16(buf[content:]) || lied && startsAt(buf, end) {
			return end
		}
	}
	return 0
}

// innerFrame finds a whole and sound frame within what looked like one and ends
// at end, or is without an end (0): what lies before it is noise or the torn rest
// of another one. 0 if there is none. What is summed up is bounded: a stream
// full of starts is no reason to work more.
func innerFrame(buf []byte, end int) int {
	if end == 0 {
		end = len(buf)
	}
	budget := 2 * maxFrame
	for i := 1; i+minFrame <= end; i++ {
		if !startsAt(buf, i) {
			continue
		}
		size := announced(buf[i:])
		if size < minFrame || i+size > end || !bytes.HasSuffix(buf[i:i+size], stop) {
			continue
		}
		if budget -= size; budget < 0 {
			return 0
		}
		if checks(buf[i : i+size]) {
			return i
		}
	}
	return 0
}

// findStart tells where a frame may start; a single byte of a mark at the end
// of buf may be one.
func findStart(buf []byte) int {
	for i, b := range buf {
		if (b == markVersioned || b == markPlain) && (i+1 == len(buf) || buf[i+1] == b) {
			return i
		}
	}
	return len(buf)
}

func startsAt(buf []byte, i int) bool {
	return len(buf) > i+1 && (buf[i] == markVersioned || buf[i] == markPlain) && buf[i+1] == buf[i]
}

// announced is the size of the frame that buf starts with by its length field.
func announced(buf []byte) int { return int(binary.LittleEndian.Uint16(buf[2:])) }

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

// checks tells whether the checksum of a frame is right. A wrong one is no
// reason to drop a frame.
func checks(frame []byte) bool {
	end := len(frame) - tailSize
	return end > 0 && converters.CRC16X25(frame[:end]) == binary.LittleEndian.Uint16(frame[end:])
}

// header is what begins a frame.
type header struct {
	plain   bool // MPIP: no version
	version byte
	id      [idSize]byte
}

// appendFrame appends a frame.
func (h *header) appendFrame(b []byte, kind uint16, content []byte) []byte {
	start := len(b)
	if h.plain {
		b = append(b, markPlain, markPlain)
		b = binary.LittleEndian.AppendUint16(b, uint16(minFrame+len(content)))
	} else {
		b = append(b, markVersioned, markVersioned)
		b = binary.LittleEndian.AppendUint16(b, uint16(1+minFrame+len(content)))
		b = append(b, h.version)
	}
	b = append(b, h.id[:]...)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = append(b, content...)
	b = binary.LittleEndian.AppendUint16(b, converters.CRC16X25(b[start:]))
	return append(b, stop...)
}
