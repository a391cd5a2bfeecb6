package minifinder2

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	mark       = 0xAB
	headerSize = 8
	// maxFrame is four times what devices were seen to send.
	maxFrame = 4 << 10
	// answerWanted is the bit of the properties that asks for an answer.
	answerWanted = 1 << 4
)

// The message types.
const (
	kindData          = 0x01
	kindConfiguration = 0x02
	kindServices      = 0x03
	kindSystem        = 0x04
	kindFirmware      = 0x7E
	kindAnswer        = 0x7F
)

// Next cuts where the length says. A wrong checksum drops nothing, unless a
// sound frame lies within: then the length was wrong, or the mark was noise.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	switch i := bytes.IndexByte(buf, mark); {
	case i < 0:
		return nil, len(buf), nil
	case i > 0:
		return nil, i, nil
	}
	if len(buf) < headerSize {
		return nil, 0, nil
	}
	size := headerSize + int(binary.LittleEndian.Uint16(buf[2:]))
	if size > maxFrame || (len(buf) > headerSize && !known(buf[headerSize])) {
		return nil, 1, nil
	}
	if len(buf) < size {
		return nil, 0, nil
	}
	frame = buf[:size]
	if !checks(frame) {
		if inner := innerFrame(frame); inner > 0 {
			return nil, inner, nil
		}
	}
	return frame, size, nil
}

func known(kind byte) bool {
	return kind >= kindData && kind <= kindSystem || kind == kindFirmware || kind == kindAnswer
}

// checks tells whether the checksum of a whole frame is right.
func checks(frame []byte) bool {
	return converters.CRC16XMODEM(frame[headerSize:]) == binary.LittleEndian.Uint16(frame[4:])
}

// innerFrame finds a sound frame that lies wholly within another; 0 if none.
func innerFrame(frame []byte) int {
	for i := 1; i+headerSize < len(frame); i++ {
		if frame[i] != mark || !known(frame[i+headerSize]) {
			continue
		}
		size := headerSize + int(binary.LittleEndian.Uint16(frame[i+2:]))
		if size > headerSize && i+size <= len(frame) && checks(frame[i:i+size]) {
			return i
		}
	}
	return 0
}

// appendFrame appends a frame around content.
func appendFrame(b []byte, sequence uint16, content []byte) []byte {
	b = append(b, mark, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(content)))
	b = binary.LittleEndian.AppendUint16(b, converters.CRC16XMODEM(content))
	b = binary.LittleEndian.AppendUint16(b, sequence)
	return append(b, content...)
}
