package cellocator

import (
	"encoding/binary"
)

const (
	// markSize is MCGP; MCPG, or another last letter, means other units.
	markSize = 4
	// headerSize is mark, type and unit id.
	headerSize = markSize + 1 + 4
	// lengthEnd is where the last length field of any type ends.
	lengthEnd = 18
	maxFrame  = 4 << 10
)

// Next cuts where the type, or the length of its content, says. There is
// nothing at the end of a frame to check a length by but a checksum that is
// wrong in some good ones.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	size, known := measure(buf)
	switch {
	case !known:
		return nil, 0, nil
	case size == 0 || size > maxFrame:
		return nil, 1, nil
	case len(buf) < size:
		return nil, innerFrame(buf), nil
	}
	return buf[:size], size, nil
}

// innerFrame finds a whole and sound frame within what is still waited for: the
// length was a lie. 0 if there is none.
func innerFrame(buf []byte) int {
	for i := headerSize; i+headerSize < len(buf); i++ {
		if !isStart(buf[i:]) {
			continue
		}
		size, known := measure(buf[i:])
		if end := i + size; known && size > 0 && end <= len(buf) && checksum(buf[i:end-1]) == buf[end-1] {
			return i
		}
	}
	return 0
}

// findStart tells where a frame may start; a part of a mark at the end of buf
// may be one.
func findStart(buf []byte) int {
	for i := range buf {
		if isStart(buf[i:]) {
			return i
		}
	}
	return len(buf)
}

func isStart(b []byte) bool {
	for i := range min(len(b), markSize) {
		ok := false
		switch i {
		case 0, 1:
			ok = b[i] == "MC"[i]
		case 2:
			ok = b[i] == 'G' || b[i] == 'P'
		default:
			ok = b[i] >= 'A' && b[i] <= 'Z'
		}
		if !ok {
			return false
		}
	}
	return true
}

// measure finds the size of the frame at the front of buf: known is false if
// more bytes are needed to tell, size 0 if the type is none.
func measure(buf []byte) (size int, known bool) {
	if len(buf) <= markSize {
		return 0, false
	}
	switch buf[markSize] {
	case kindStatus, kindSerialLog:
		return statusSize, true
	case kindProgramming:
		return 31, true
	case kindSerialData:
		if len(buf) >= lengthEnd {
			return 19 + int(binary.LittleEndian.Uint16(buf[16:])), true
		}
		return 0, false
	case kindModular:
		if len(buf) >= 14 {
			return 15 + int(buf[13]), true
		}
		return 0, false
	case kindModularExtended:
		if len(buf) >= 15 {
			return 16 + int(binary.LittleEndian.Uint16(buf[13:])), true
		}
		return 0, false
	}
	return 0, true
}

// appendHeader appends mark, type and unit id.
func appendHeader(b []byte, kind byte, unit uint32) []byte {
	b = append(b, 'M', 'C', 'G', 'P', kind)
	return binary.LittleEndian.AppendUint32(b, unit)
}

// checksum is the sum of the bytes from the type on.
func checksum(frame []byte) (sum byte) {
	for _, c := range frame[markSize:] {
		sum += c
	}
	return sum
}

// appendChecksum appends the checksum to the frame that b is.
func appendChecksum(b []byte) []byte { return append(b, checksum(b)) }
