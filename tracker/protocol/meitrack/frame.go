package meitrack

import (
	"bytes"
	"strconv"

	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

const (
	maxFrame = 8 << 10
	// minTail is the asterisk, the checksum and the stop.
	minTail = 1 + 2 + 2
	// maxLengthField is the mark, the flag, the digits of the length and a comma.
	maxLengthField = 3 + 5 + 1
)

var (
	mark = []byte("$$")
	stop = []byte("\r\n")
)

// Next cuts where the length says if a stop is there; the length counts from
// the first comma. If not, the message ends at the first stop behind a
// checksum; while bytes are missing that checksum must be right.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	size, ok := announced(buf)
	switch {
	case !ok:
		return nil, 1, nil
	case size == 0:
		return nil, 0, nil
	case size <= len(buf) && bytes.HasSuffix(buf[:size], stop):
		return buf[:size], size, nil
	case c.udp:
		return buf, len(buf), nil // without its stop, or it lies
	}
	lied := size <= len(buf) || size > maxFrame
	// One checksum runs along, so that a stream full of stops costs no more
	// than its length.
	have, summed := byte(0), 0
	for end := nextStop(buf, 0); end > 0; end = nextStop(buf, end) {
		star := end - minTail
		have += sum(buf[summed : star+1])
		summed = star + 1
		if want, _ := fields.HexNumber(buf[star+1 : star+3]); lied || byte(want) == have {
			return buf[:end], end, nil
		}
	}
	if len(buf) >= maxFrame {
		return nil, 1, nil
	}
	return nil, 0, nil
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

// announced is the size of the message that buf starts with, 0 if that is not
// known yet. ok is false if there is no length.
func announced(buf []byte) (size int, ok bool) {
	if len(buf) <= 3 {
		return 0, true
	}
	for i := 3; i < len(buf) && i < maxLengthField; i++ {
		switch c := buf[i]; {
		case c >= '0' && c <= '9':
			size = size*10 + int(c-'0')
		case c == ',' && i > 3 && size >= minTail:
			return i + size, true
		default:
			return 0, false
		}
	}
	return 0, len(buf) < maxLengthField
}

// nextStop returns the end of the first *hh CR LF behind from, 0 if there is
// none.
func nextStop(buf []byte, from int) int {
	for {
		i := bytes.Index(buf[from:], stop)
		if i < 0 {
			return 0
		}
		end := from + i + len(stop)
		if end > minTail && buf[end-minTail] == '*' {
			if fields.AllHexDigits(buf[end-minTail+1 : end-2]) {
				return end
			}
		}
		from = end
	}
}

// sum is the checksum: the sum of all bytes, asterisk included.
func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// appendMessage appends a message of the server.
func appendMessage(b []byte, flag byte, identity, content string) []byte {
	start := len(b)
	b = append(b, '@', '@', flag)
	b = strconv.AppendInt(b, int64(1+len(identity)+1+len(content)+minTail), 10)
	b = append(b, ',')
	b = append(b, identity...)
	b = append(b, ',')
	b = append(b, content...)
	b = append(b, '*')
	s := sum(b[start:])
	return append(b, upperHex[s>>4], upperHex[s&15], '\r', '\n')
}

const upperHex = "0123456789ABCDEF"
