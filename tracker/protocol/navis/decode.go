package navis

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// Decode reads an envelope, a FLEX message or a keep-alive.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	switch {
	case len(frame) == 1 && frame[0] == keepAlive:
		return data.Packet{}, nil
	case len(frame) > 2 && isFlex(frame):
		return c.decodeFlex(frame)
	case len(frame) < headerSize:
		return data.Packet{}, fmt.Errorf("decode frame of %d bytes: %w", len(frame), data.ErrInvalid)
	}
	body := frame[headerSize:]
	if n := int(binary.LittleEndian.Uint16(frame[12:])); n < len(body) {
		body = body[:n]
	}
	if len(body) == 0 {
		return data.Packet{}, nil
	}
	packet, err := c.decodeBody(body)
	if err == nil && packet.Reply != nil {
		var to, from [4]byte
		copy(to[:], frame[8:12])
		copy(from[:], frame[4:8])
		packet.Reply = appendEnvelope(make([]byte, 0, headerSize+len(packet.Reply)), string(frame[:4]), to, from, packet.Reply)
	}
	return packet, err
}

// decodeBody reads the content of an envelope. The reply is the content of its
// answer.
func (c *codec) decodeBody(body []byte) (data.Packet, error) {
	rest, ok := cutPrefix(body, "*>S:")
	if ok {
		imei := protocol.Text(rest)
		if imei == "" {
			return data.Packet{}, fmt.Errorf("decode identification: %w", protocol.ErrNoIdentity)
		}
		return data.Packet{Identity: imei, Reply: []byte("*<S")}, nil
	}
	if rest, ok = cutPrefix(body, "*>FLEX"); ok {
		return c.decodeAgreement(rest)
	}
	if rest, ok = cutPrefix(body, "*>T"); ok {
		return decodeRecords(rest, 1, false)
	}
	if rest, ok = cutPrefix(body, "*>A"); ok && len(rest) > 0 {
		return decodeRecords(rest[1:], int(rest[0]), true)
	}
	if _, ok = cutPrefix(body, "*@C"); ok {
		p := data.Position{Protocol: "navis", Outdated: true}
		p.Attributes.SetString("result", protocol.Text(body))
		return data.Packet{Positions: []data.Position{p}}, nil
	}
	return data.Packet{}, fmt.Errorf("decode envelope: content %.8q is not known: %w", body, data.ErrInvalid)
}

func cutPrefix(b []byte, prefix string) (rest []byte, ok bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return nil, false
	}
	return b[len(prefix):], true
}

// flexProtocol is the first byte of an agreement.
const flexProtocol = 0xB0

// decodeAgreement reads protocol, version of it, version of the structures,
// number of fields and their mask. The answer takes what the device offers.
func (c *codec) decodeAgreement(b []byte) (data.Packet, error) {
	if len(b) < 4 || b[0] != flexProtocol || len(b) < 4+(int(b[3])+7)/8 {
		return data.Packet{}, fmt.Errorf("decode FLEX agreement of %d bytes: %w", len(b), data.ErrInvalid)
	}
	fields, size := agree(b[4:], int(b[3]))
	if size == 0 {
		return data.Packet{}, fmt.Errorf("decode FLEX agreement: no field of %d is switched on: %w", b[3], data.ErrInvalid)
	}
	c.fields, c.recordSize = fields, size
	return data.Packet{Reply: append([]byte("*<FLEX"), b[:3]...)}, nil
}

// decodeFlex reads a FLEX message.
func (c *codec) decodeFlex(b []byte) (data.Packet, error) {
	kind := b[1]
	r := converters.NewReader(b[2:])
	reply := []byte{flexMark, kind, 0, 0, 0, 0, 0}[:2]
	count := 1
	var number uint32
	switch kind {
	case 'A', 'E':
		count = int(r.U8())
		reply = append(reply, byte(count))
	case 'T', 'X':
		number = r.U32LE()
		reply = binary.LittleEndian.AppendUint32(reply, number)
	}
	if !r.OK() {
		return data.Packet{}, fmt.Errorf("decode message ~%c of %d bytes: %w", kind, len(b), data.ErrInvalid)
	}
	if kind == 'E' || kind == 'X' {
		// Additional data of peripherals has a structure of its own.
		return data.Packet{Reply: append(reply, converters.CRC8NRSC5(reply))}, nil
	}
	if c.fields == nil {
		return data.Packet{}, fmt.Errorf("decode message ~%c: no FLEX agreement on this connection, the device has to begin again: %w", kind, data.ErrInvalid)
	}
	if count*c.recordSize > r.Len() {
		return data.Packet{}, fmt.Errorf("decode message ~%c: %d records of %d bytes in %d: %w", kind, count, c.recordSize, r.Len(), data.ErrInvalid)
	}
	packet := data.Packet{Positions: make([]data.Position, 0, count)}
	for range count {
		packet.Positions = append(packet.Positions, data.Position{Protocol: "navis"})
		p := &packet.Positions[len(packet.Positions)-1]
		c.record(&r, p)
		if kind == 'A' {
			p.Attributes.SetBool("archive", true)
		}
	}
	if kind == 'C' {
		index, _ := packet.Positions[0].Attributes.Get("index").Int()
		reply = binary.LittleEndian.AppendUint32(reply, uint32(index))
	}
	packet.Reply = append(reply, converters.CRC8NRSC5(reply))
	return packet, nil
}
