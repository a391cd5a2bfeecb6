package totem

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	maxFrame = 2 << 10
	// minFrame is the mark, the length, an id of a digit and a separator.
	minFrame = 2 + 2 + 1 + 1
)

var mark = []byte("$$")

// Next cuts where the length says: four decimal digits if the first one is 0,
// else two hex digits; it counts from the mark. CR LF ends a message as well,
// and so does the mark of the next one: some lengths are wrong.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	size, known := announced(buf)
	if !known {
		return nil, 0, nil
	}
	if size < minFrame {
		return nil, 1, nil
	}
	window := buf[:min(len(buf), maxFrame)]
	end := len(window)
	if i := bytes.IndexAny(window, "\r\n"); i >= 0 {
		end = i
	}
	if i := bytes.Index(window[2:end], mark); i >= 0 {
		end = 2 + i
	}
	stopped := end < len(window)
	switch {
	case size == end || size < end && (size == len(buf) || headSize(buf) == 6 && checks(buf[:size])):
		return buf[:size], size + lineEnd(buf[size:]), nil
	case stopped && end < minFrame:
		return nil, end, nil
	case stopped: // the length lies
		return buf[:end], end + lineEnd(buf[end:]), nil
	case len(buf) >= maxFrame:
		return nil, 1, nil
	}
	return nil, 0, nil
}

// lineEnd is how many bytes of a line end buf starts with.
func lineEnd(buf []byte) int {
	n := 0
	for n < len(buf) && n < 2 && (buf[n] == '\r' || buf[n] == '\n') {
		n++
	}
	return n
}

// findStart tells where a message may start.
func findStart(buf []byte) int {
	if i := bytes.Index(buf, mark); i >= 0 {
		return i
	}
	if n := len(buf); n > 0 && buf[n-1] == mark[0] {
		return n - 1
	}
	return len(buf)
}

// announced is the size of the message that buf starts with; 0 if there is no
// length. known is false if it is not there yet.
func announced(buf []byte) (size int, known bool) {
	if len(buf) < 4 {
		return 0, false
	}
	if buf[2] != '0' {
		if !fields.AllHexDigits(buf[2:4]) {
			return 0, true
		}
		v, _ := fields.HexNumber(buf[2:4])
		return int(v), true
	}
	if len(buf) < 6 {
		return 0, false
	}
	if !fields.AllDigits(buf[2:6]) {
		return 0, true
	}
	v, _ := fields.Integer(buf[2:6])
	return int(v), true
}

// headSize is the size of the mark and the length.
func headSize(frame []byte) int {
	if len(frame) > 2 && frame[2] == '0' {
		return 6
	}
	return 4
}

// checks tells whether the checksum at the end of a message of form 4 is right.
func checks(frame []byte) bool {
	sum := frame[len(frame)-2:]
	have, _ := fields.HexNumber(sum)
	return fields.AllHexDigits(sum) && byte(have) == converters.XOR8(frame[:len(frame)-2])
}

// appendChecksum ends a message that starts at start.
func appendChecksum(b []byte, start int) []byte {
	const upperHex = "0123456789ABCDEF"
	x := converters.XOR8(b[start:])
	return append(b, upperHex[x>>4], upperHex[x&15])
}
