package arnavi

import (
	"bytes"
	"encoding/binary"
)

const (
	// maxFrame bounds a package; a piece of a file has some KiB.
	maxFrame = 32 << 10

	headerMark   = 0xFF
	packageStart = 0x5B
	packageEnd   = 0x5D
	textStart    = '$'
	// resultNumber stands for the number in a package that answers a command.
	resultNumber = 0xFD

	headerSize  = 10
	header3Size = 18
	// resultSize is the whole answer to a command.
	resultSize = 4
	// packetOverhead is type, length, time and checksum of a packet.
	packetOverhead = 1 + 2 + 4 + 1
)

// The versions of the header.
const (
	header1     = 0x22
	header2     = 0x23
	header3     = 0x24
	header2WiFi = 0x25
)

// The types of packets.
const (
	packetPing   = 0x00
	packetTags   = 0x01
	packetText   = 0x03
	packetFile   = 0x04
	packetBinary = 0x06
)

// Next cuts a header, a package or a line of text. Bytes that can begin none of
// them are skipped.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	for n < len(buf) && !mayStart(buf[n:]) {
		n++
	}
	if n > 0 || len(buf) == 0 {
		c.walked = 0
		return nil, n, nil
	}
	size := 0
	switch buf[0] {
	case headerMark:
		if len(buf) > 1 {
			size = headerSize
			if buf[1] == header3 {
				size = header3Size
			}
		}
	case packageStart:
		if size = c.packageSize(buf); size < 0 {
			c.walked = 0
			return nil, 1, nil // no package begins here
		}
	default:
		return nextLine(buf)
	}
	if size == 0 || len(buf) < size {
		return nil, 0, nil
	}
	c.walked = 0
	return buf[:size], size, nil
}

// mayStart tells whether a message can start with b, as far as it goes.
func mayStart(b []byte) bool {
	switch b[0] {
	case headerMark:
		return len(b) == 1 || b[1] >= header1 && b[1] <= header2WiFi
	case packageStart:
		return len(b) == 1 || (b[1] > 0 && b[1] <= resultNumber)
	case textStart:
		for i := range min(len(b), len(textPrefix)) {
			if b[i] != textPrefix[i] {
				return false
			}
		}
		return true
	}
	return false
}

// packageSize is the size of the package that b starts with, 0 if more bytes
// are needed to know it, negative if it is none.
func (c *codec) packageSize(b []byte) int {
	if len(b) >= resultSize && b[1] == resultNumber && b[resultSize-1] == packageEnd {
		return resultSize
	}
	at := max(2, c.walked)
	for at < len(b) {
		switch b[at] {
		case packageEnd:
			return at + 1
		case packetPing, packetTags, packetText, packetFile, packetBinary:
		default:
			return -1
		}
		c.walked = at
		if len(b) < at+3 {
			return 0
		}
		if at += packetOverhead + int(binary.LittleEndian.Uint16(b[at+1:])); at >= maxFrame {
			return -1
		}
	}
	return 0
}

// nextLine cuts a line without its end.
func nextLine(buf []byte) (frame []byte, n int, err error) {
	end := bytes.IndexByte(buf[:min(len(buf), maxLine)], '\n')
	switch {
	case end >= 0:
		return bytes.TrimRight(buf[:end], "\r"), end + 1, nil
	case len(buf) >= maxLine:
		return nil, maxLine, nil
	}
	return nil, 0, nil
}

// sum is the checksum of packets and answers.
func sum(b []byte) (s byte) {
	for _, v := range b {
		s += v
	}
	return s
}
