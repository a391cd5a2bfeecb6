package galileo

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// minimalSet is the size of the fixed part of a compressed record.
const minimalSet = 10

// decodeCompressed reads records of a minimal set, a list of tags and their
// values. One record has at most 255 tags.
func decodeCompressed(body []byte, now time.Time) data.Packet {
	var d decoder
	for len(body) >= minimalSet {
		d.begin()
		d.minimal(body, now)
		body = body[minimalSet:]
		ok := true
		if len(body) > 0 {
			// The highest bit of the count is no part of it.
			body, ok = d.listed(body[1:], int(body[0]&0x7F))
		}
		d.positions = append(d.positions, d.at)
		if !ok {
			break
		}
	}
	return data.Packet{Identity: d.imei, Positions: d.positions}
}

// listed reads the values of n tags, whose numbers come first.
func (d *decoder) listed(b []byte, n int) (rest []byte, ok bool) {
	if len(b) < n {
		return nil, false
	}
	list, rest := b[:n], b[n:]
	for _, id := range list {
		var value []byte
		if value, rest, ok = take(id, rest); !ok {
			return nil, false
		}
		if d.seen.has(id) {
			continue
		}
		d.seen.add(id)
		// Time and place are in the minimal set, which is as new.
		if id != tagTime && id != tagPlace {
			d.tag(id, value)
		}
	}
	return rest, true
}

// minimal reads the bits of a minimal set, from the highest: 1 unused, 25
// seconds of the year, 1 no fix, 22 longitude, 21 latitude, 1 alarm, 9 unused.
func (d *decoder) minimal(b []byte, now time.Time) {
	high, low := binary.BigEndian.Uint64(b), uint64(binary.BigEndian.Uint16(b[8:]))
	bits := func(from, count int) uint64 {
		// The first 64 bits are high, the next 16 low.
		v := high
		if end := from + count; end > 64 {
			v = high<<(end-64) | low>>(80-end)
			return v & (1<<count - 1)
		}
		return v >> (64 - from - count) & (1<<count - 1)
	}
	p := &d.at
	p.DeviceTime = sinceNewYear(int(bits(1, 25)), now)
	p.Valid = bits(26, 1) == 0
	longitude := 360*float64(bits(27, 22))/(1<<22) - 180
	latitude := 180*float64(bits(49, 21))/(1<<21) - 90
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	if bits(70, 1) != 0 {
		p.Attributes.AddAlarm("general")
	}
}

// sinceNewYear adds seconds to the beginning of the year of now, or of the year
// before if that were in the future.
func sinceNewYear(seconds int, now time.Time) time.Time {
	t := time.Date(now.Year(), 1, 1, 0, 0, seconds, 0, time.UTC)
	if t.After(now.Add(24 * time.Hour)) {
		t = time.Date(now.Year()-1, 1, 1, 0, 0, seconds, 0, time.UTC)
	}
	return t
}

// decodeIridium reads what the gateway of the satellite network sends: its own
// place and time around a message of the device. It takes no answer.
func (c *codec) decodeIridium(frame []byte, now time.Time) (data.Packet, error) {
	r := converters.NewReader(frame)
	r.Skip(3 + 3 + 4) // header, first element, number of the call
	imei := protocol.Text(r.Bytes(15))
	r.Skip(1 + 4) // status, numbers of the messages
	heard := protocol.UnixMilli(int64(r.U32()) * 1000)
	r.Skip(3)
	flags := r.U8()
	latitude := float64(r.U8())
	latitude += float64(r.U16()) / 60000
	longitude := float64(r.U8())
	longitude += float64(r.U16()) / 60000
	radius := r.U32()
	if !r.OK() || imei == "" {
		return data.Packet{}, fmt.Errorf("decode Iridium message of %d bytes: %w", len(frame), data.ErrInvalid)
	}
	var packet data.Packet
	r.Skip(1) // the message of the device
	if message := r.Bytes(int(r.U16())); len(message) > 0 {
		if c.compressed {
			packet = decodeCompressed(message, now)
		} else {
			packet = decodeTags(message)
		}
	}
	packet.Identity = imei
	if len(packet.Positions) > 0 {
		return packet, nil
	}
	if flags&2 != 0 {
		latitude = -latitude
	}
	if flags&1 != 0 {
		longitude = -longitude
	}
	p := data.Position{Protocol: "galileo", DeviceTime: heard, FixTime: heard, Valid: true}
	if protocol.SetPlace(&p, latitude, longitude); p.Outdated {
		p.FixTime = time.Time{}
	}
	p.AccuracyM = float64(radius) * 1000 // sent in kilometres
	p.Attributes.SetBool("approximate", true)
	packet.Positions = []data.Position{p}
	return packet, nil
}
