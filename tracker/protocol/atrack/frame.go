package atrack

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	keepAliveSize = 2 + 8 + 2
	// binaryHeader is prefix, checksum and length, which counts the rest.
	binaryHeader = 2 + 2 + 2
	// binaryFixed is the number and the unit id behind it.
	binaryFixed = 2 + 8
	// maxTextHeader bounds "@P,<checksum>,<length>," of a text message.
	maxTextHeader = 2 + 1 + 8 + 1 + 5 + 1
	maxFrame      = 16 << 10
	maxLine       = 1 << 10
)

// nextText is how the end of a text message looks when there is no doubt.
var nextText = []byte("\n@P,")

// Next cuts a keep-alive, a binary or text message, or a line that begins with
// a dollar. Over UDP a text may have lost its end.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if len(buf) == 0 {
		return nil, 0, nil
	}
	size, known := measure(buf)
	switch {
	case known && size > 0 && size <= len(buf):
		return buf[:size], size, nil
	case c.udp && (size > 0 || isText(buf) || buf[0] == '$'):
		return buf, len(buf), nil
	case known && size == 0:
		n = 1 + findStart(buf[1:])
		return nil, n, nil
	case len(buf) >= maxFrame:
		return nil, 1, nil
	}
	return nil, innerMessage(buf), nil
}

// innerMessage finds a whole and sound binary message within what is still
// waited for: the length was a lie. 0 if there is none. What is summed up is
// bounded: a stream full of prefixes is no reason to work more.
func innerMessage(buf []byte) int {
	budget := maxFrame
	for at := 1; ; at++ {
		i := bytes.Index(buf[at:], []byte("@P"))
		if i < 0 {
			return 0
		}
		at += i
		if len(buf)-at < binaryHeader+binaryFixed {
			return 0
		}
		end := at + binaryHeader + int(binary.BigEndian.Uint16(buf[at+4:]))
		if end > len(buf) {
			continue
		}
		if budget -= end - at; budget < 0 {
			return 0
		}
		if converters.CRC16ARC(buf[at+4:end]) == binary.BigEndian.Uint16(buf[at+2:]) {
			return at
		}
	}
}

// findStart tells where a message may start, len(buf) if nowhere.
func findStart(buf []byte) int {
	for i := range buf {
		if size, known := measure(buf[i:]); !known || size > 0 {
			return i
		}
	}
	return len(buf)
}

// measure finds the size of the message at the front of buf: known is false if
// more bytes are needed to tell, size 0 if there is no message.
func measure(buf []byte) (size int, known bool) {
	switch {
	case buf[0] == 0xFE:
		if len(buf) == 1 {
			return 0, false
		}
		if buf[1] == 0x02 {
			return keepAliveSize, true
		}
	case buf[0] == '$':
		return measureLine(buf)
	}
	return measurePacket(buf)
}

// measurePacket measures a binary or text message. Its prefix is @P or @R; that
// of a text may be two other bytes.
func measurePacket(buf []byte) (size int, known bool) {
	usual := buf[0] == '@'
	if usual && len(buf) > 1 {
		usual = buf[1] == 'P' || buf[1] == 'R'
	}
	if len(buf) < 3 {
		return 0, false
	}
	if buf[2] == ',' {
		if size, known = measureText(buf); size > 0 || !known {
			return size, known
		}
	}
	if !usual {
		return 0, true
	}
	if len(buf) < binaryHeader {
		return 0, false
	}
	length := int(binary.BigEndian.Uint16(buf[4:]))
	if length < binaryFixed || binaryHeader+length > maxFrame {
		return 0, true
	}
	return binaryHeader + length, true
}

// measureText measures a text message, whose length counts from the comma
// behind it. If no line ends there, the message goes on to the end of one.
func measureText(buf []byte) (size int, known bool) {
	header, length, known := textHeader(buf)
	if header == 0 || !known {
		return 0, known
	}
	size = header + length
	if size > maxFrame {
		return 0, true
	}
	// A length may be too long and reach into the next message.
	if i := bytes.Index(buf[header:min(size+len(nextText), len(buf))], nextText); i >= 0 && header+i+1 < size {
		return header + i + 1, true
	}
	if len(buf) < size {
		return size, true
	}
	if buf[size-1] == '\n' {
		return size, true
	}
	if i := bytes.IndexByte(buf[size:], '\n'); i >= 0 {
		return size + i + 1, true
	}
	return 0, len(buf) >= maxFrame
}

// textHeader reads ",<checksum>,<length>," behind the prefix; header is where
// the last comma stands, 0 if this is no text.
func textHeader(buf []byte) (header, length int, known bool) {
	at := 3
	for ; ; at++ {
		if at == len(buf) {
			return 0, 0, at >= maxTextHeader
		}
		if buf[at] == ',' {
			break
		}
		if buf[at] <= ' ' || buf[at] > '~' || at >= 3+8 {
			return 0, 0, true
		}
	}
	start := at + 1
	for at = start; ; at++ {
		if at == len(buf) {
			return 0, 0, at >= maxTextHeader
		}
		if buf[at] == ',' && at > start {
			return at, length, true
		}
		if buf[at] < '0' || buf[at] > '9' || at >= start+5 {
			return 0, 0, true
		}
		length = 10*length + int(buf[at]-'0')
	}
}

// isText tells whether a message is one of text.
func isText(frame []byte) bool {
	if len(frame) < 4 || frame[2] != ',' {
		return false
	}
	header, _, _ := textHeader(frame)
	return header > 0
}

// measureLine measures an answer to a command, "$OK" or "$INFO=...".
func measureLine(buf []byte) (size int, known bool) {
	for i, b := range buf[:min(len(buf), maxLine)] {
		switch {
		case b == '\n':
			return i + 1, true
		case i == 1 && (b < 'A' || b > 'Z'), i > 1 && b < ' ' && b != '\r':
			return 0, true
		}
	}
	return 0, len(buf) >= maxLine
}
