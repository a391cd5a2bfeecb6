package egts

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	version     = 0x01
	headerShort = 11
	headerRoute = 16
	// maxFrame is what a length of 16 bits can ask for.
	maxFrame = headerRoute + 1<<16 - 1 + 2
)

// The types of packets.
const (
	packetResponse = 0
	packetData     = 1
	packetSigned   = 2
)

// Next cuts header, body and the body's checksum, which is absent if there is
// no body. What can not begin a header is skipped.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	for n < len(buf) && !mayStart(buf[n:]) {
		n++
	}
	if n > 0 || len(buf) < headerShort {
		return nil, n, nil
	}
	size := frameSize(buf)
	if len(buf) < size {
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// mayStart tells whether a header can start with b, as far as it goes: version,
// key, flags, length of the header, encoding, length of the body, number, type.
func mayStart(b []byte) bool {
	for i, v := range b[:min(len(b), headerShort)] {
		switch {
		case i == 0 && v != version,
			i == 3 && v != headerShort && v != headerRoute,
			i == 9 && v > packetSigned:
			return false
		}
	}
	return true
}

// frameSize is the size of the packet whose header starts b.
func frameSize(b []byte) int {
	size := int(b[3])
	if n := int(binary.LittleEndian.Uint16(b[5:])); n > 0 {
		size += n + 2
	}
	return size
}

// appendPacket appends a packet around a body.
func appendPacket(b []byte, kind byte, id uint16, body []byte) []byte {
	start := len(b)
	b = append(b, version, 0, 0, headerShort, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	b = binary.LittleEndian.AppendUint16(b, id)
	b = append(b, kind)
	b = append(b, converters.CRC8NRSC5(b[start:]))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint16(b, converters.CRC16CCITTFalse(body))
}
