package navis

import (
	"encoding/binary"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	headerSize = 16
	// maxFrame is the largest envelope.
	maxFrame = headerSize + 1<<16 - 1
	// keepAlive is sent alone and wants no answer.
	keepAlive = 0x7F
	flexMark  = '~'
)

// preamble is how envelopes start unless the device is set up otherwise.
const preamble = "@NTC"

// Next cuts an envelope, a FLEX message or a keep-alive.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	for n < len(buf) && !mayStart(buf[n:]) {
		n++
	}
	if n > 0 || len(buf) == 0 {
		return nil, n, nil
	}
	size := 1
	switch {
	case buf[0] == keepAlive:
	case len(buf) > 1 && isFlex(buf):
		if size, err = c.flexSize(buf); err != nil {
			return nil, 0, err
		}
	case len(buf) >= headerSize:
		size = headerSize + int(binary.LittleEndian.Uint16(buf[12:]))
	default:
		size = 0
	}
	if size == 0 || len(buf) < size {
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// mayStart tells whether a message can start with b, as far as it goes.
func mayStart(b []byte) bool {
	if b[0] == keepAlive || (b[0] == flexMark && (len(b) == 1 || isFlex(b))) {
		return true
	}
	for i := range min(len(b), len(preamble)) {
		if b[i] <= ' ' || b[i] > '~' {
			return false
		}
	}
	if len(b) < headerSize || string(b[:len(preamble)]) == preamble {
		return true
	}
	// A preamble of the owner's own: the header has a checksum.
	return converters.XOR8(b[:headerSize-1]) == b[headerSize-1]
}

func isFlex(b []byte) bool {
	if b[0] != flexMark {
		return false
	}
	switch b[1] {
	case 'A', 'T', 'C', 'E', 'X':
		return true
	}
	return false
}

// flexSize is the size of the message that b starts with, 0 if more bytes are
// needed to know it.
func (c *codec) flexSize(b []byte) (size int, err error) {
	kind := b[1]
	if c.recordSize == 0 && (kind == 'A' || kind == 'T' || kind == 'C') {
		return 0, fmt.Errorf("cut message ~%c: no FLEX agreement on this connection, the device has to begin again: %w", kind, data.ErrInvalid)
	}
	switch kind {
	case 'A':
		if len(b) > 2 {
			size = 3 + int(b[2])*c.recordSize + 1
		}
	case 'T':
		size = 2 + 4 + c.recordSize + 1
	case 'C':
		size = 2 + c.recordSize + 1
	case 'E':
		size, err = extendedSize(b)
	case 'X':
		if len(b) >= 8 {
			size = 8 + int(binary.LittleEndian.Uint16(b[6:])) + 1
		}
	}
	if size > maxFrame {
		return 0, fmt.Errorf("cut message ~%c: %d bytes, at most %d: %w", kind, size, maxFrame, data.ErrInvalid)
	}
	return size, err
}

// extendedSize walks over the parts of a message ~E.
func extendedSize(b []byte) (size int, err error) {
	if len(b) < 3 {
		return 0, nil
	}
	size = 3
	for range b[2] {
		if len(b) < size+2 {
			return 0, nil
		}
		if size += 2 + int(binary.LittleEndian.Uint16(b[size:])); size > maxFrame {
			break
		}
	}
	return size + 1, nil
}

// appendEnvelope appends an envelope. start are the four characters of the
// preamble, to and from the ids of the receiver and the sender.
func appendEnvelope(b []byte, start string, to, from [4]byte, body []byte) []byte {
	header := len(b)
	b = append(b, start...)
	b = append(b, to[:]...)
	b = append(b, from[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, converters.XOR8(body))
	b = append(b, converters.XOR8(b[header:]))
	return append(b, body...)
}
