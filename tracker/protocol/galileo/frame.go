package galileo

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

// The headers, the first byte of a packet.
const (
	headerData       = 0x01
	headerPhoto      = 0x07
	headerCompressed = 0x08
)

const (
	// maxFrame is what 15 bits of length can ask for.
	maxFrame = 3 + 1<<15 - 1 + 2
	// minFrame is a header, a length, one byte and a checksum.
	minFrame = 3 + 1 + 2
	// moreData is the bit of the length that says that the archive holds more.
	moreData = 1 << 15
)

// Next cuts header, length, body and checksum. The stream has no mark, so bytes
// that can not begin a packet are skipped one by one.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	for n < len(buf) && !mayStart(buf[n:]) {
		n++
	}
	if n > 0 {
		return nil, n, nil
	}
	if len(buf) < minFrame {
		return nil, 0, nil
	}
	size := frameSize(buf)
	if len(buf) < size {
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// mayStart tells whether a packet can start with b, as far as it goes.
func mayStart(b []byte) bool {
	switch b[0] {
	case headerPhoto, headerCompressed:
	case headerData:
		// A body begins with a tag, or is from Iridium.
		if len(b) > 3 && tags[b[3]].size == 0 {
			return false
		}
	default:
		return false
	}
	if len(b) < minFrame {
		return true
	}
	return frameSize(b) >= minFrame && frameSize(b) <= maxFrame
}

// frameSize is the announced size of the packet that b starts with.
func frameSize(b []byte) int {
	if isIridium(b) {
		return 3 + int(binary.BigEndian.Uint16(b[1:]))
	}
	return 3 + int(binary.LittleEndian.Uint16(b[1:])&^moreData) + 2
}

// isIridium tells whether b is an envelope of the Iridium network: in place of
// tags stands its first element, id 1 and length 28.
func isIridium(b []byte) bool {
	return len(b) >= minFrame && b[0] == headerData && b[3] == 1 && b[4] == 0 && b[5] == 28
}

// appendPacket appends a packet around a body.
func appendPacket(b []byte, header byte, body []byte) []byte {
	start := len(b)
	b = append(b, header)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint16(b, converters.CRC16Modbus(b[start:]))
}
