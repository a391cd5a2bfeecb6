package arnavi

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Decode reads a header, a package or a line of text.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) > 0 {
		switch frame[0] {
		case headerMark:
			return decodeHeader(frame, now)
		case packageStart:
			return decodePackage(frame)
		case textStart:
			return decodeText(frame)
		}
	}
	return data.Packet{}, fmt.Errorf("decode %.8x: neither a header nor a package nor text: %w", frame, data.ErrInvalid)
}

// decodeHeader reads who calls. Newer devices take the time from the answer.
func decodeHeader(b []byte, now time.Time) (data.Packet, error) {
	if len(b) < headerSize || b[1] < header1 || b[1] > header2WiFi {
		return data.Packet{}, fmt.Errorf("decode header %.10x: %w", b, data.ErrInvalid)
	}
	id := binary.LittleEndian.Uint64(b[2:])
	packet := data.Packet{Identity: strconv.FormatUint(id, 10)}
	switch b[1] {
	case header1:
		packet.Reply = []byte{0x7B, 0, 0, 0x7D}
	case header3:
		packet.Reply = []byte{0x7B, 0x7D}
	default:
		var t [4]byte
		binary.LittleEndian.PutUint32(t[:], uint32(now.Unix()))
		packet.Reply = append(append([]byte{0x7B, 4, 0, sum(t[:])}, t[:]...), 0x7D)
	}
	return packet, nil
}

// decodePackage reads the packets of a package. Of one that breaks off what is
// whole is kept, and nothing answered, so that the device sends it again.
func decodePackage(b []byte) (data.Packet, error) {
	if len(b) < 3 {
		return data.Packet{}, fmt.Errorf("decode package of %d bytes: %w", len(b), data.ErrInvalid)
	}
	number := b[1]
	if number == resultNumber {
		return data.Packet{}, nil // the answer to a command; none is sent
	}
	packet := data.Packet{Reply: []byte{0x7B, 0, number, 0x7D}}
	for rest := b[2:]; len(rest) > 0 && rest[0] != packageEnd; {
		if len(rest) < packetOverhead {
			if packet.Reply = nil; len(packet.Positions) > 0 {
				return packet, nil
			}
			return data.Packet{}, fmt.Errorf("decode package %d: %d bytes at its end are no packet: %w", number, len(rest), data.ErrInvalid)
		}
		size := packetOverhead + int(binary.LittleEndian.Uint16(rest[1:]))
		if size > len(rest) {
			if packet.Reply = nil; len(packet.Positions) > 0 {
				return packet, nil
			}
			return data.Packet{}, fmt.Errorf("decode package %d: a packet of %d bytes in %d: %w", number, size, len(rest), data.ErrInvalid)
		}
		// Pings, texts and files say nothing about a place.
		if rest[0] == packetTags {
			if packet.Positions == nil {
				packet.Positions = make([]data.Position, 0, countTags(rest))
			}
			packet.Positions = append(packet.Positions, data.Position{Protocol: "arnavi"})
			p := &packet.Positions[len(packet.Positions)-1]
			readTags(p, binary.LittleEndian.Uint32(rest[3:]), rest[7:size-1])
			if p.Outdated && len(p.Attributes) == 0 && p.Network == nil {
				packet.Positions = packet.Positions[:len(packet.Positions)-1]
			}
		}
		rest = rest[size:]
	}
	return packet, nil
}

// countTags tells how many packets of tags b holds.
func countTags(b []byte) (n int) {
	for len(b) >= packetOverhead && b[0] != packageEnd {
		if b[0] == packetTags {
			n++
		}
		b = b[min(len(b), packetOverhead+int(binary.LittleEndian.Uint16(b[1:]))):]
	}
	return n
}
