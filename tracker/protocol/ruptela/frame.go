package ruptela

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	// maxFrame bounds a frame; firmware sends about 1 KiB.
	maxFrame = 8 << 10
	// overhead is the length and the checksum around the content.
	overhead = 2 + 2
	// minContent is an IMEI and a command.
	minContent = 8 + 1
	// maxIMEI is the largest number of 15 digits.
	maxIMEI = 999_999_999_999_999
)

// Next cuts length, content and checksum. The stream has no mark, but an IMEI
// leaves the upper bytes of its field nearly empty: what has no such field is
// skipped byte by byte.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	for n < len(buf) && !mayStart(buf[n:]) {
		n++
	}
	if n > 0 || len(buf) < 2 {
		return nil, n, nil
	}
	size := overhead + int(binary.BigEndian.Uint16(buf))
	if len(buf) < size {
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// mayStart tells whether a frame can start with b, as far as it goes.
func mayStart(b []byte) bool {
	if len(b) >= 2 {
		if n := int(binary.BigEndian.Uint16(b)); n < minContent || n > maxFrame-overhead {
			return false
		}
	}
	switch {
	case b[0] > maxFrame>>8:
		return false
	case len(b) < 2+8:
		return len(b) <= 2 || b[2] == 0
	default:
		imei := binary.BigEndian.Uint64(b[2:])
		return imei > 0 && imei <= maxIMEI
	}
}

// serverFrame makes a frame of the server, which has no IMEI.
func serverFrame(command byte, content ...byte) []byte {
	b := make([]byte, 0, 2+1+len(content)+2)
	b = binary.BigEndian.AppendUint16(b, uint16(1+len(content)))
	b = append(append(b, command), content...)
	return binary.BigEndian.AppendUint16(b, converters.CRC16Kermit(b[2:]))
}

// reader reads big endian fields.
type reader = converters.Reader
