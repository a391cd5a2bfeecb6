package minifinder2

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Decode reads one frame.
func (codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) <= headerSize || frame[0] != mark {
		return data.Packet{}, fmt.Errorf("decode frame: %d bytes are no header, type and items: %w", len(frame), data.ErrInvalid)
	}
	content := frame[headerSize:]
	kind, items := content[0], content[1:]
	var packet data.Packet
	switch kind {
	case kindData, kindServices:
		packet = readData(items)
		if kind == kindData && len(packet.Positions) == 0 && packet.Identity == "" {
			return data.Packet{}, fmt.Errorf("decode data: no items: %w", protocol.ErrNoIdentity)
		}
	case kindConfiguration:
		packet = readConfiguration(items)
	case kindSystem, kindAnswer:
		packet = readResult(kind, items)
	case kindFirmware:
	default:
		return data.Packet{}, fmt.Errorf("decode frame: type %#x is not known: %w", kind, data.ErrInvalid)
	}
	if frame[1]&answerWanted != 0 && kind != kindAnswer {
		packet.Reply = answer(kind, items, binary.LittleEndian.Uint16(frame[6:]), now)
	}
	return packet, nil
}

// answer confirms a message; a message of services is told the time and an
// address that is not known.
func answer(kind byte, items []byte, sequence uint16, now time.Time) []byte {
	if kind != kindServices {
		return appendFrame(make([]byte, 0, headerSize+3), sequence, []byte{kindAnswer, 1, 0})
	}
	content := []byte{kindServices}
	var wanted [256]bool // of each service one answer, however often it is asked for
	for len(items) > 0 {
		key, _, rest := nextItem(items)
		items = rest
		switch {
		case wanted[key]:
		case key == 0x12:
			content = append(content, 5, 0x12)
			content = binary.LittleEndian.AppendUint32(content, uint32(now.Unix()))
		case key == 0x11:
			content = append(content, 0x0A, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		wanted[key] = true
	}
	return appendFrame(nil, sequence, content)
}

// nextItem takes the item in front of b, which is not empty: a length that
// counts key and value, the key, the value. An item of length 0 is skipped
// (key 0); one that is longer than what is left is cut.
func nextItem(b []byte) (key byte, value, rest []byte) {
	size := int(b[0])
	b = b[1:]
	if size == 0 || len(b) == 0 {
		return 0, nil, b
	}
	size = min(size, len(b))
	return b[0], b[1:size:size], b[size:]
}

// readResult reads what a device says to a command.
func readResult(kind byte, items []byte) data.Packet {
	p := data.Position{Protocol: "minifinder2", Outdated: true}
	if kind == kindAnswer {
		if len(items) < 2 {
			return data.Packet{}
		}
		p.Attributes.SetString("result", strconv.Itoa(int(items[1])))
	}
	for kind == kindSystem && len(items) > 0 {
		key, value, rest := nextItem(items)
		items = rest
		if key == 0x1F && len(value) > 1 {
			p.Attributes.SetString("result", protocol.Text(value[1:])) // after a type
		}
	}
	if len(p.Attributes) == 0 {
		return data.Packet{}
	}
	return data.Packet{Positions: []data.Position{p}}
}
