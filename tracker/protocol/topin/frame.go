package topin

import (
	"bytes"
)

const (
	mark = 0x78 // twice
	// headerSize is mark, length and type.
	headerSize = 2 + 1 + 1
	// maxFrame holds 255 access points and 255 cells.
	maxFrame = 4 << 10
)

var (
	stop = []byte{'\r', '\n'}
	// nextFrame is how a stop looks when there is no doubt about it.
	nextFrame = []byte{'\r', '\n', mark, mark}
)

// The sizes of what follows the type.
const (
	loginSize      = 8 + 1
	gpsSize        = 18
	degreesSize    = 6 + 2*(4+4) + 1 + 1 + 1
	statusSize     = 4
	timeSize       = 6
	pointSize      = 6 + 1
	networkSize    = 2 + 1
	cellSize       = 2 + 2 + 1
	wideCellSize   = 4 + 4 + 1
	maxStatusReply = 255
)

// Next cuts at the first stop behind what the type needs: the data may hold the
// two bytes of a stop, and the length says something else in each type. A stop
// with another start behind it ends a frame that is shorter.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	if len(buf) < headerSize+len(stop) {
		return nil, 0, nil
	}
	least := leastSize(buf)
	if i := bytes.Index(buf[headerSize:], nextFrame); i >= 0 && headerSize+i < least {
		end := headerSize + i + len(stop)
		return buf[:end], end, nil
	}
	if least < len(buf) {
		if i := bytes.Index(buf[least:], stop); i >= 0 {
			end := least + i + len(stop)
			if end > maxFrame {
				return nil, 1, nil
			}
			return buf[:end], end, nil
		}
	}
	if len(buf) >= maxFrame {
		return nil, 1, nil // no stop in sight: the mark was none
	}
	return nil, 0, nil
}

// findStart tells where a frame may start. Of three marks in a row the last two
// are the start: no device sees 120 access points.
func findStart(buf []byte) int {
	for i, b := range buf {
		if b == mark && (i+1 == len(buf) || buf[i+1] == mark) && (i+2 >= len(buf) || buf[i+2] != mark) {
			return i
		}
	}
	return len(buf)
}

// leastSize is where the stop may begin at the earliest, as far as the bytes
// that are there can tell.
func leastSize(buf []byte) int {
	length := int(buf[2])
	switch kind := buf[3]; {
	case kind == kindLogin:
		return headerSize + loginSize
	case kind == kindGPS || kind == kindGPSStored:
		return headerSize + gpsSize
	case (kind == kindDegrees || kind == kindDegreesStored) && length > 1:
		return headerSize + degreesSize
	case kind == kindStatus:
		return headerSize + statusSize
	case isScan(kind):
		size := headerSize + timeSize + length*pointSize
		if len(buf) > size && buf[size] > 0 {
			size += networkSize + int(buf[size])*cellSize
		}
		return size + 1
	}
	return headerSize
}

// appendFrame appends a frame. The length is given, there is no rule for it.
func appendFrame(b []byte, length, kind byte, content []byte) []byte {
	b = append(b, mark, mark, length, kind)
	b = append(b, content...)
	return append(b, stop...)
}
