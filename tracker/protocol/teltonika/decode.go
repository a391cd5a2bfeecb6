package teltonika

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The codecs, the first byte of the data.
const (
	codecGH3000 = 0x07
	codec8      = 0x08
	codec12     = 0x0C
	codec13     = 0x0D
	codec14     = 0x0E
	codec16     = 0x10
	codec8E     = 0x8E
)

// minRecord is the size of the smallest record: GH3000 with nothing but a
// time. It bounds how many positions a count can ask for.
const minRecord = 5

// Decode reads a login, a packet, a datagram or a keep-alive.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	switch {
	case c.udp:
		return c.decodeDatagram(frame)
	case len(frame) == 1 && frame[0] == keepAlive:
		return data.Packet{}, nil
	case len(frame) < 2:
		return data.Packet{}, fmt.Errorf("decode frame of %d bytes: %w", len(frame), data.ErrInvalid)
	}
	if size := int(binary.BigEndian.Uint16(frame)); size > 0 {
		if 2+size > len(frame) || size > maxIMEI {
			return data.Packet{}, fmt.Errorf("decode login: length %d in a frame of %d bytes: %w", size, len(frame), data.ErrInvalid)
		}
		imei := protocol.Text(frame[2 : 2+size])
		if imei == "" {
			return data.Packet{}, fmt.Errorf("decode login: %w", protocol.ErrNoIdentity)
		}
		return data.Packet{Identity: imei, Reply: []byte{1}, Refusal: []byte{0}}, nil
	}
	if len(frame) < 8+3 {
		return data.Packet{}, fmt.Errorf("decode packet of %d bytes: %w", len(frame), data.ErrInvalid)
	}
	if mixed(frame) {
		return data.Packet{}, fmt.Errorf("decode packet of %d bytes: neither its checksum nor its closing count agrees: %w", len(frame), data.ErrInvalid)
	}
	// The length is not believed: devices are known to send a wrong one.
	if frame[8] == codec12 && frame[10] == kindCamera {
		return c.photo.decode(frame[8:]), nil
	}
	room := &room{}
	positions, taken, err := c.decodeData(frame[8:], room)
	if err != nil {
		return data.Packet{}, err
	}
	packet := data.Packet{Positions: positions}
	if taken >= 0 {
		packet.Reply = append(room.reply[:0], 0, 0, 0, byte(taken))
	}
	return packet, nil
}

// room is what the usual packet, one record, needs beside its attributes, so
// that it costs one allocation.
type room struct {
	positions [1]data.Position
	reply     [7]byte
}

// decodeDatagram reads length, packet id, type, AVL packet id, IMEI and data.
func (c *codec) decodeDatagram(frame []byte) (data.Packet, error) {
	r := converters.NewReader(frame)
	r.Skip(2)
	id := r.U16()
	r.Skip(1) // type
	avlID := r.U8()
	size := int(r.U16())
	imei := r.Bytes(size)
	if !r.OK() || size == 0 || size > maxIMEI {
		return data.Packet{}, fmt.Errorf("decode datagram of %d bytes: no IMEI: %w", len(frame), data.ErrInvalid)
	}
	room := &room{}
	positions, taken, err := c.decodeData(r.Rest(), room)
	if err != nil {
		return data.Packet{}, err
	}
	packet := data.Packet{Identity: protocol.Text(imei), Positions: positions}
	if taken >= 0 {
		packet.Reply = append(room.reply[:0], 0, 5, byte(id>>8), byte(id), 1, avlID, byte(taken))
	}
	return packet, nil
}

// mixed tells that a packet was cut from pieces of two: half a packet and the
// beginning of the next, as a bad line leaves them. To acknowledge it would make
// the device forget what it holds. A wrong checksum alone is no such sign.
func mixed(frame []byte) bool {
	const head, tail = 8, 4
	end := len(frame) - tail
	if end < head+3 || int(binary.BigEndian.Uint32(frame[4:])) != end-head {
		return false
	}
	codec, count, closing := frame[head], frame[head+1], frame[end-1]
	return codec != codec12 && codec != codec13 && codec != codec14 && count != closing &&
		uint32(converters.CRC16ARC(frame[head:end])) != binary.BigEndian.Uint32(frame[end:])
}

// decodeData reads codec, count and records. taken is the number to answer
// with, -1 for no answer. A packet that breaks off in the middle gives the
// records before: the device sends the rest again.
func (c *codec) decodeData(b []byte, room *room) (positions []data.Position, taken int, err error) {
	r := converters.NewReader(b)
	kind, count := r.U8(), int(r.U8())
	if !r.OK() {
		return nil, 0, fmt.Errorf("decode data of %d bytes: %w", len(b), data.ErrInvalid)
	}
	switch kind {
	case codec12, codec13, codec14:
		positions, err = decodeMessages(kind, count, &r)
		return positions, -1, err
	case codecGH3000, codec8, codec8E, codec16:
	default:
		return nil, 0, fmt.Errorf("decode data: codec 0x%02x is not known: %w", kind, data.ErrInvalid)
	}
	positions = room.positions[:0]
	if count > 1 {
		positions = make([]data.Position, 0, min(count, 1+r.Len()/minRecord))
	}
	rec := record{codec: c, kind: kind, r: r, wideID: kind == codec8E || kind == codec16, wideCount: kind == codec8E}
	for i := range count {
		positions = append(positions, data.Position{Protocol: "teltonika"})
		p := &positions[len(positions)-1]
		rec.at = p
		if rec.read(); !rec.r.OK() {
			positions = positions[:len(positions)-1]
			if i == 0 {
				return nil, 0, fmt.Errorf("decode record 0 of %d: it ends in the middle: %w", count, data.ErrInvalid)
			}
			return positions, i, nil
		}
		if p.Outdated && len(p.Attributes) == 0 && p.Network == nil {
			positions = positions[:len(positions)-1]
		}
	}
	return positions, count, nil
}
