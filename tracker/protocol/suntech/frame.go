package suntech

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
)

const (
	maxFrame = 4 << 10
	zipMark  = 0x02
)

// Next cuts a text at its carriage return, which is left out, and a binary
// message where its length says.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if len(buf) == 0 {
		return nil, 0, nil
	}
	switch first := buf[0]; {
	case first == zipMark:
		return cutBinary(buf, 4)
	case first >= 0x80:
		switch {
		case len(buf) < 2:
			return nil, 0, nil
		case buf[1] != 0:
			return nil, 1, nil
		}
		return cutBinary(buf, 3)
	case first <= ' ':
		return nil, 1, nil
	}
	return cutText(buf)
}

// cutBinary cuts a message whose length field counts all but extra bytes.
func cutBinary(buf []byte, extra int) ([]byte, int, error) {
	if len(buf) < 3 {
		return nil, 0, nil
	}
	size := int(binary.BigEndian.Uint16(buf[1:])) + extra
	switch {
	case size > maxFrame || size <= 2*extra:
		return nil, 1, nil
	case len(buf) < size:
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// cutText cuts at a carriage return. In serial data one may be content: there
// it ends the message only if no line feed follows.
func cutText(buf []byte) ([]byte, int, error) {
	start, end := serialData(buf[:min(len(buf), maxFrame)])
	for from := 0; ; {
		i := bytes.IndexByte(buf[from:min(len(buf), maxFrame)], '\r')
		if i < 0 {
			break
		}
		i += from
		switch {
		case i < start || i >= end:
			return buf[:i], i + 1, nil
		case i+1 == len(buf):
			return wait(buf)
		case buf[i+1] != '\n':
			return buf[:i], i + 1, nil
		}
		from = i + 1
	}
	return wait(buf)
}

// wait asks for more bytes unless there are too many already.
func wait(buf []byte) ([]byte, int, error) {
	if len(buf) >= maxFrame {
		return nil, len(buf), nil
	}
	return nil, 0, nil
}

// serialData finds the serial data of a message of type UEX, which has its
// length in front. start is 0 if there is none (yet).
func serialData(buf []byte) (start, end int) {
	before := 0
	switch {
	case bytes.HasPrefix(buf, []byte("UEX;")):
		f := fields{rest: string(buf[:min(len(buf), 64)])}
		f.next()
		f.next()
		mask, err := strconv.ParseUint(f.next(), 16, 32)
		if err != nil {
			return 0, 0
		}
		before = 3 + bits.OnesCount64(mask&(1<<19-2))
	case len(buf) > 9 && string(buf[5:9]) == "UEX;":
		before = shapeOf(string(buf[:5])).fields()
	default:
		return 0, 0
	}
	at := 0
	for range before {
		i := bytes.IndexByte(buf[at:], ';')
		if i < 0 {
			return 0, 0
		}
		at += i + 1
	}
	i := bytes.IndexByte(buf[at:], ';')
	if i < 0 {
		return 0, 0
	}
	length, err := strconv.ParseUint(string(buf[at:at+i]), 10, 12)
	if err != nil {
		return 0, 0
	}
	start = at + i + 1
	return start, start + int(length)
}
