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
	for end := nextStop(buf, minFrame); end > 0; end = nextStop(buf, end+1) {
		if inner := innerFrame(buf[:end]); inner > 0 {
			return nil, inner, nil
		}
		if checks(buf[:end]) || lied && startsAt(buf, end) {
			return buf[:end], end, nil
		}
	}
	if len(buf) >= maxFrame {
		return nil, 1, nil // the mark was none
	}
	return nil, 0, nil
}

// innerFrame finds a whole and sound frame at the end of what looked like one:
// what lies before it is noise or the torn rest of another one. 0 if none.
func innerFrame(frame []byte) int {
	for i := 1; i+minFrame <= len(frame); i++ {
		if startsAt(frame, i) && announced(frame[i:]) == len(frame)-i && checks(frame[i:]) {
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
