package teltonika

import (
	"encoding/binary"
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

const (
	// maxFrame bounds a packet: 255 small records, or a piece of a photo.
	maxFrame = 16 << 10
	maxIMEI  = 20
	// keepAlive is sent alone and wants no answer.
	keepAlive = 0xFF
	// dataOverhead is the preamble, the length and the checksum around the data.
	dataOverhead = 4 + 4 + 4
)

// Next cuts a login (length and IMEI), a packet (preamble of zeros, length,
// data, checksum) or a keep-alive. There is no mark to find the next frame by
// after an error, so anything else ends the connection.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	switch {
	case len(buf) == 0:
		return nil, 0, nil
	case c.udp:
		return c.nextDatagram(buf)
	case buf[0] == keepAlive:
		return buf[:1], 1, nil
	case len(buf) < 2:
		return nil, 0, nil
	}
	size := int(binary.BigEndian.Uint16(buf))
	if size > 0 {
		if size > maxIMEI {
			return nil, 0, fmt.Errorf("cut frame: a login of %d bytes, an IMEI has at most %d: %w", size, maxIMEI, data.ErrInvalid)
		}
		return cut(buf, 2+size)
	}
	if len(buf) < 8 {
		return nil, 0, nil
	}
	if binary.BigEndian.Uint32(buf) != 0 {
		return nil, 0, fmt.Errorf("cut frame: preamble %x is not zero: %w", buf[:4], data.ErrInvalid)
	}
	length := binary.BigEndian.Uint32(buf[4:])
	if length < 3 || length > maxFrame-dataOverhead {
		return nil, 0, fmt.Errorf("cut frame: %d bytes of data, want 3 to %d: %w", length, maxFrame-dataOverhead, data.ErrInvalid)
	}
	return cut(buf, dataOverhead+int(length))
}

func (c *codec) nextDatagram(buf []byte) (frame []byte, n int, err error) {
	if len(buf) < 2 {
		return nil, 0, nil
	}
	size := 2 + int(binary.BigEndian.Uint16(buf))
	if size > maxFrame {
		return nil, 0, fmt.Errorf("cut datagram: %d bytes, at most %d: %w", size, maxFrame, data.ErrInvalid)
	}
	return cut(buf, size)
}

func cut(buf []byte, size int) (frame []byte, n int, err error) {
	if len(buf) < size {
		return nil, 0, nil
	}
	return buf[:size], size, nil
}
