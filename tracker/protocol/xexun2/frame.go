package xexun2

import (
	"bytes"
	"encoding/binary"
)

const (
	markSize   = 2
	headerSize = 2 + 2 + 2 + 8 + 2 + 2 // mark, type, serial, IMEI, attributes, checksum
	minFrame   = headerSize + markSize
	lengthMask = 0x3FF
	// maxFrame is a frame of the longest body, each byte pair of it escaped.
	maxFrame = 2 << 10
)

var (
	mark   = []byte{0xFA, 0xAF}
	escape = []byte{0xFB, 0xBF} // 01 follows for the mark, 02 for the escape itself
)

// Next cuts from mark to mark and undoes the escapes. Both ends look the same:
// an empty frame is the end of one and the start of the next.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	start := bytes.Index(buf, mark)
	switch {
	case start > 0:
		return c.cut(nil, start)
	case start < 0:
		keep := 0
		if len(buf) > 0 && buf[len(buf)-1] == mark[0] {
			keep = 1
		}
		return c.cut(nil, len(buf)-keep)
	}
	from := max(markSize, c.examined)
	end := -1
	if from < len(buf) {
		end = bytes.Index(buf[from:], mark)
	}
	switch {
	case end < 0 && len(buf) >= maxFrame:
		return c.cut(nil, markSize)
	case end < 0:
		c.examined = max(markSize, len(buf)-1)
		return nil, 0, nil
	}
	end += from
	if end == markSize || end+markSize > maxFrame {
		return c.cut(nil, end)
	}
	raw := buf[:end+markSize]
	frame = c.unescape(raw)
	if n = len(raw); !whole(frame) {
		n -= markSize // the start was lost: the mark may be the start of the next one
	}
	return c.cut(frame, n)
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

// whole tells whether a frame is as long as it says.
func whole(frame []byte) bool {
	return len(frame) >= minFrame && len(frame) == minFrame+int(binary.BigEndian.Uint16(frame[14:])&lengthMask)
}

// unescape returns the frame itself if it has no escapes, else a copy that is
// good until the next one.
func (c *codec) unescape(raw []byte) []byte {
	i := bytes.Index(raw, escape)
	if i < 0 {
		return raw
	}
	out := append(c.plain[:0], raw[:i]...)
	for i < len(raw) {
		if i+2 < len(raw) && raw[i] == escape[0] && raw[i+1] == escape[1] && (raw[i+2] == 1 || raw[i+2] == 2) {
			if raw[i+2] == 1 {
				out = append(out, mark...)
			} else {
				out = append(out, escape...)
			}
			i += 3
			continue
		}
		out = append(out, raw[i])
		i++
	}
	c.plain = out
	return out
}

// appendEscaped appends a frame for the wire: what lies between its marks with
// escapes.
func appendEscaped(b, frame []byte) []byte {
	end := len(frame) - markSize
	if end < markSize {
		return append(b, frame...)
	}
	b = append(b, frame[:markSize]...)
	for i := markSize; i < end; i++ {
		if i+1 < end {
			switch {
			case frame[i] == mark[0] && frame[i+1] == mark[1]:
				b = append(append(b, escape...), 1)
				i++
				continue
			case frame[i] == escape[0] && frame[i+1] == escape[1]:
				b = append(append(b, escape...), 2)
				i++
				continue
			}
		}
		b = append(b, frame[i])
	}
	return append(b, frame[end:]...)
}

// appendFrame appends a frame around a body, escaped. imei is as on the wire.
func appendFrame(b []byte, kind, serial uint16, imei, body []byte) []byte {
	plain := append(make([]byte, 0, minFrame+len(body)), mark...)
	plain = binary.BigEndian.AppendUint16(plain, kind)
	plain = binary.BigEndian.AppendUint16(plain, serial)
	plain = append(plain, imei...)
	plain = binary.BigEndian.AppendUint16(plain, uint16(len(body)))
	plain = binary.BigEndian.AppendUint16(plain, checksum(body))
	plain = append(plain, body...)
	return appendEscaped(b, append(plain, mark...))
}

// checksum is the complement of the sum of the bytes, folded into 16 bits.
func checksum(body []byte) uint16 {
	sum := uint32(0)
	for _, v := range body {
		sum += uint32(v)
	}
	for sum>>16 != 0 {
		sum = sum&0xFFFF + sum>>16
	}
	return ^uint16(sum)
}
