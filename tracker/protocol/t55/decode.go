package t55

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// report holds everything a packet points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [8]data.Attribute
}

var errWaiting = fmt.Errorf("position kept until the device says who it is: %w", protocol.ErrNoIdentity)

// message is one line while it is read. Its fields are handed around
// separately, so that they stay on the stack; the first one is its name.
type message struct {
	*codec
	now time.Time
	at  *data.Position
}

// Decode reads one line.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	line := bytes.TrimFunc(frame, func(r rune) bool { return r <= ' ' })
	if len(line) == 0 {
		return data.Packet{}, fmt.Errorf("decode line: it is empty: %w", data.ErrInvalid)
	}
	if bytes.HasPrefix(line, []byte("QZE,")) {
		return c.report(line, now)
	}
	dollar := bytes.IndexByte(line, '$')
	if dollar < 0 {
		id := line
		if rest, ok := bytes.CutPrefix(line, []byte("IMEI ")); ok {
			id = bytes.TrimSpace(rest)
		} else if !isID(line) {
			return data.Packet{}, fmt.Errorf("decode line: want a sentence or an id: %w", data.ErrInvalid)
		}
		return c.identified(id)
	}
	if dollar > 0 {
		c.prefix(line[:dollar])
	}
	return c.sentence(line[dollar:], now)
}

// isID tells whether a line is nothing but an id.
func isID(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

const maxIdentity = 64

// known notes who is sending.
func (c *codec) known(id []byte) bool {
	if id = bytes.TrimSpace(id); len(id) == 0 || len(id) > maxIdentity {
		return false
	}
	if string(id) != c.id {
		c.id = string(id)
	}
	return true
}

// identified is what a line says that holds an id and nothing else.
func (c *codec) identified(id []byte) (data.Packet, error) {
	if !c.known(id) {
		return data.Packet{}, fmt.Errorf("decode line: want an id of up to %d characters: %w", maxIdentity, data.ErrInvalid)
	}
	return data.Packet{Identity: c.id}, nil
}

// prefix reads an id in front of a sentence: alone, with a comma, or between
// slashes.
func (c *codec) prefix(b []byte) {
	first, last := bytes.IndexByte(b, '/'), bytes.LastIndexByte(b, '/')
	if first >= 0 && last > first {
		c.known(b[first+1 : last])
		return
	}
	c.known(bytes.TrimRight(b, ", "))
}

// between cuts what lies between a comma and the first of the marks.
func between(rest []byte, marks string) []byte {
	if i := bytes.IndexAny(rest, marks); i >= 0 {
		return rest[:i]
	}
	return rest
}

// sentence reads a line from its dollar sign on.
func (c *codec) sentence(line []byte, now time.Time) (data.Packet, error) {
	name, rest, _ := bytes.Cut(line[1:], []byte{','})
	switch string(name) {
	case "PGID":
		if len(rest) > 3 && rest[len(rest)-3] == '*' {
			rest = rest[:len(rest)-3]
		}
		return c.identified(rest)
	case "DEVID", "PSIWMDID":
		return c.identified(between(rest, "*"))
	case "PCPTI", "CONNECT":
		return c.identified(between(rest, ",*"))
	case "GPFID":
		packet, err := c.identified(between(rest, "*"))
		if err == nil && c.waiting != nil {
			packet.Positions = []data.Position{*c.waiting}
			c.waiting = nil
		}
		return packet, err
	}
	if id, ok := bytes.CutPrefix(name, []byte("IMEI=")); ok {
		return c.identified(between(id, "*"))
	}
	return c.report(line[1:], now)
}

// report reads a line with a position or attributes, without its dollar sign.
func (c *codec) report(line []byte, now time.Time) (data.Packet, error) {
	body, behind, _ := bytes.Cut(line, []byte{'*'})
	var room, extra [fields.MaxFields][]byte
	f := fields.List(fields.Split(room[:0], body, ','))
	var tail fields.List
	if i := bytes.IndexByte(behind, ','); i >= 0 {
		tail = fields.Split(extra[:0], behind[i+1:], ',')
	}
	r := &report{}
	p := &r.positions[0]
	p.Protocol = "t55"
	p.Attributes = r.attributes[:0]
	m := message{codec: c, now: now, at: p}
	found, rmc := false, false
	switch name := f[0]; string(name) {
	case "QZE":
		found = m.qze(f[1:])
	case "GPRMC", "GNRMC", "GLRMC":
		found, rmc = m.rmc(f, tail), true
	case "GPGGA", "GNGGA", "GLGGA":
		found = m.gga(f)
	case "GPGLL", "GNGLL", "GLGLL":
		found = m.gll(f)
	case "GPRMA":
		found = m.rma(f)
	case "TRCCR":
		found = m.trccr(f)
	case "GPIOP":
		found = m.iop(f)
	case "PUBX":
		found = string(f.At(1)) == "00" && m.pubx(f)
	case "GPTXT":
		found = string(f.At(1)) == "NET" && m.net(f)
	case "ID":
		found = m.wmcs(f)
	default:
		if c.id == "" {
			return data.Packet{}, fmt.Errorf("decode sentence %.10q: %w", name, protocol.ErrNoIdentity)
		}
	}
	packet := data.Packet{Identity: c.id}
	if !found {
		return packet, nil
	}
	if c.id == "" && (rmc || c.waiting != nil) {
		if rmc {
			c.waiting = p
		}
		return data.Packet{}, errWaiting
	}
	packet.Positions = r.positions[:]
	if rmc && c.acknowledge && !c.udp {
		packet.Reply = []byte("OK1\r\n")
	}
	return packet, nil
}
