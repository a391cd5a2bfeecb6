package jt808

import (
	"bytes"
	"encoding/binary"
)

const (
	mark     = 0x7E
	markE7   = 0xE7 // of one family of devices
	maxFrame = 4 << 10
	// minFrame is two marks, the header and the checksum.
	minFrame = 2 + 2 + 2 + 6 + 1 + 1
	// maxText bounds the text messages of locks.
	maxText = 512
	// maxContent is the greatest header, body and checksum, which escapes can
	// double.
	maxContent = 24 + 1023 + 1
)

// Next cuts from mark to mark, or a text from bracket to bracket, and undoes
// the escapes.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	skip := c.findStart(buf)
	if skip > 0 || len(buf) == 0 {
		return nil, skip, nil
	}
	if buf[0] == '(' {
		return cutText(buf)
	}
	window := buf[:min(len(buf), maxFrame)]
	if buf[0] == markE7 {
		window = window[:min(len(window), 2*maxContent)]
	}
	i := bytes.IndexByte(window[1:], buf[0])
	switch {
	case i < 0 && (len(window) < len(buf) || len(buf) >= maxFrame):
		return nil, 1, nil
	case i < 0 && buf[0] == markE7 && c.mark == 0 && (len(window) > 2*announced(window) || c.holdsFrame(window)):
		return nil, 1, nil // noise
	case i < 0:
		return nil, 0, nil
	case i+2 < minFrame && buf[0] == mark && i == 0, buf[0] == markE7 && i+2 < minFrame:
		return nil, i + 1, nil // the second mark begins a frame
	}
	end := i + 2
	frame = c.unescape(buf[:end])
	if buf[0] == markE7 && c.mark == 0 && !sound(frame) {
		return nil, 1, nil
	}
	if c.mark == 0 && sound(frame) {
		c.mark = buf[0]
	}
	return frame, end, nil
}

// findStart tells where a frame may start.
func (c *codec) findStart(buf []byte) int {
	for i, b := range buf {
		switch {
		case b == mark && c.mark != markE7, b == markE7 && c.mark != mark:
			return i
		case b == '(' && (i+1 == len(buf) || isDigit(buf[i+1])):
			return i
		}
	}
	return len(buf)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// cutText cuts "(..)". It holds nothing but printable characters.
func cutText(buf []byte) ([]byte, int, error) {
	for i, b := range buf[:min(len(buf), maxText)] {
		switch {
		case b == ')':
			return buf[:i+1], i + 1, nil
		case b < ' ' || b >= mark:
			return nil, i, nil
		}
	}
	if len(buf) >= maxText {
		return nil, 1, nil
	}
	return nil, 0, nil
}

// holdsFrame tells whether a sound frame between 7E marks lies within.
func (c *codec) holdsFrame(b []byte) bool {
	for i := bytes.IndexByte(b, mark); i >= 0; {
		next := bytes.IndexByte(b[i+1:], mark)
		if next < 0 {
			return false
		}
		if frame := c.unescape(b[i : i+next+2]); sound(frame) && lengthFits(frame) {
			return true
		}
		i += next + 1
	}
	return false
}

// lengthFits tells whether the length field of a frame is that of one of the
// usual headers.
func lengthFits(frame []byte) bool {
	rest := len(frame) - 3 - int(binary.BigEndian.Uint16(frame[3:])&0x3FF) // header without body
	return rest == 12 || rest == 16 || rest == 17 || rest == 21
}

// announced is the size of the frame that buf starts with by its length field,
// before escapes.
func announced(buf []byte) int {
	if len(buf) < 5 {
		return maxContent
	}
	return 24 + int(binary.BigEndian.Uint16(buf[3:])&0x3FF)
}

// sound tells whether the checksum of a frame is right. A wrong one is no
// reason to drop a frame, but to doubt the mark.
func sound(frame []byte) bool {
	return len(frame) >= minFrame && checksum(frame[1:len(frame)-2]) == frame[len(frame)-2]
}

func checksum(b []byte) (sum byte) {
	for _, c := range b {
		sum ^= c
	}
	return sum
}

// The escapes: 7D 01 and 7D 02; in frames between E7 marks E6 01, E6 02, 3E 01
// and 3E 02.
func escaped(frameMark, first, second byte) (b byte, ok bool) {
	switch {
	case second != 1 && second != 2:
	case frameMark == mark && first == 0x7D:
		return 0x7C + second, true
	case frameMark == markE7 && first == 0xE6:
		return 0xE5 + second, true
	case frameMark == markE7 && first == 0x3E:
		return 0x3F - second, true
	}
	return 0, false
}

// unescape undoes the escapes of a frame. The result is good until the next
// call.
func (c *codec) unescape(frame []byte) []byte {
	has := bytes.IndexByte(frame, 0x7D) >= 0
	if frame[0] == markE7 {
		has = bytes.IndexByte(frame, 0xE6) >= 0 || bytes.IndexByte(frame, 0x3E) >= 0
	}
	if !has {
		return frame
	}
	out := c.plain[:0]
	for i := 0; i < len(frame); i++ {
		if i+1 < len(frame) {
			if b, ok := escaped(frame[0], frame[i], frame[i+1]); ok {
				out = append(out, b)
				i++
				continue
			}
		}
		out = append(out, frame[i])
	}
	c.plain = out
	return out
}

// appendEscaped appends a frame, whose first and last byte are marks, with its
// escapes.
func appendEscaped(b, frame []byte) []byte {
	last := len(frame) - 1
	for i, c := range frame {
		switch {
		case i == 0 || i == last:
			b = append(b, c)
		case frame[0] == mark && (c == 0x7D || c == 0x7E):
			b = append(b, 0x7D, c-0x7C)
		case frame[0] == markE7 && (c == 0xE6 || c == 0xE7):
			b = append(b, 0xE6, c-0xE5)
		case frame[0] == markE7 && (c == 0x3D || c == 0x3E):
			b = append(b, 0x3E, 0x3F-c)
		default:
			b = append(b, c)
		}
	}
	return b
}
