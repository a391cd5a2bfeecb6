package gl200

import (
	"bytes"
	"encoding/binary"
)

const (
	maxFrame = 8 << 10
	// minBinary is the letters, a length and the stop of the old binary form.
	minBinary = 12
	// minRecord is the head and the tail of the new binary form.
	minRecord = 4 + 1 + 8 + 2 + 2 + 1 + 1 + 4
)

var (
	stop = []byte{'\r', '\n'}
	// heads are the beginnings of text messages.
	heads = [...]string{"+RESP:", "+BUFF:", "+ACK:"}
)

// form is how a message is written.
type form uint8

const (
	formNone form = iota
	formText
	formOld     // binary, four letters in front
	formNew     // binary, a zero byte after the plus
	formUnknown // not enough bytes to tell
)

// lengthField tells where the old binary form keeps its total length.
func lengthField(letters string) (offset, size int) {
	switch letters {
	case "+RSP", "+BSP", "+EVT", "+BVT":
		return 9, 2
	case "+INF", "+BNF":
		return 7, 2
	case "+CRD", "+BRD", "+LGN":
		return 6, 2
	case "+ACK":
		return 6, 1
	case "+HBD":
		return 5, 1
	}
	return 0, 0
}

// formOf tells how the message at the front of b is written.
func formOf(b []byte) form {
	if len(b) == 0 {
		return formUnknown
	}
	if b[0] != '+' {
		return formNone
	}
	if len(b) > 1 && b[1] == 0 {
		return formNew
	}
	for _, head := range heads {
		n := min(len(b), len(head))
		switch {
		case string(b[:n]) != head[:n]:
		case n == len(head):
			return formText
		default:
			return formUnknown
		}
	}
	if len(b) < 4 {
		return formUnknown
	}
	if offset, _ := lengthField(string(b[:4])); offset > 0 {
		return formOld
	}
	return formNone
}

// Next cuts text at its $ or zero byte, which is left out, and binary messages
// by their length, if the stop is where it should be.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	switch formOf(buf) {
	case formText:
		return c.nextText(buf)
	case formOld:
		offset, width := lengthField(string(buf[:4]))
		if len(buf) < offset+width {
			return nil, 0, nil
		}
		size := int(buf[offset])
		if width == 2 {
			size = int(binary.BigEndian.Uint16(buf[offset:]))
		}
		if size < minBinary || size > maxFrame {
			return nil, skip(buf), nil
		}
		if len(buf) < size {
			return nil, 0, nil
		}
		if !bytes.HasSuffix(buf[:size], stop) {
			return nil, skip(buf), nil
		}
		return buf[:size], size, nil
	case formNew:
		if len(buf) < 4 {
			return nil, 0, nil
		}
		size := int(binary.BigEndian.Uint16(buf[2:]))
		if size < minRecord || size > maxFrame {
			return nil, skip(buf), nil
		}
		if len(buf) < size {
			return nil, 0, nil
		}
		return buf[:size], size, nil
	case formUnknown:
		return nil, 0, nil
	}
	return nil, skip(buf), nil
}

func (c *codec) nextText(buf []byte) (frame []byte, n int, err error) {
	window := buf[:min(len(buf), maxFrame)]
	end := bytes.IndexByte(window, '$')
	if end < 0 {
		end = len(window)
	}
	if zero := bytes.IndexByte(window[:end], 0); zero >= 0 {
		end = zero
	}
	if end == len(window) && !c.udp {
		if len(buf) >= maxFrame {
			return nil, skip(buf), nil
		}
		return nil, 0, nil
	}
	// What lost its end is followed by the head of another message.
	for _, head := range heads[:2] {
		if inner := bytes.Index(buf[1:end], []byte(head)); inner >= 0 {
			return nil, 1 + inner, nil
		}
	}
	return buf[:end], min(end+1, len(buf)), nil
}

// skip tells how many bytes to leave out: up to the next plus behind the first
// byte.
func skip(buf []byte) int {
	if i := bytes.IndexByte(buf[1:], '+'); i >= 0 {
		return 1 + i
	}
	return len(buf)
}
