package h02

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// message is one sentence while it is read.
type message struct {
	now    time.Time
	maker  []byte
	id     string
	kind   string
	fields fields.List // after the type
}

// report holds everything a packet points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [10]data.Attribute
	network    data.Network
}

func newReport() (*report, *data.Position) {
	r := &report{}
	p := &r.positions[0]
	p.Protocol = "h02"
	p.Attributes = r.attributes[:0]
	return r, p
}

// Decode reads one sentence or binary frame.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	switch {
	case len(frame) > 0 && frame[0] == '$':
		return c.decodeBinary(frame, now)
	case len(frame) > 0 && frame[0] == 'X':
		if c.id == "" {
			return data.Packet{}, fmt.Errorf("decode block X: %w", protocol.ErrNoIdentity)
		}
		return data.Packet{Identity: c.id}, nil // a keep-alive: it says nothing that is known
	case len(frame) > 0 && frame[0] == '*':
		return c.decodeText(frame, now)
	}
	return data.Packet{}, fmt.Errorf("decode frame: want *, $ or X at its start: %w", data.ErrInvalid)
}

func (c *codec) decodeText(frame []byte, now time.Time) (data.Packet, error) {
	frame = bytes.TrimRight(frame[1:], "\r\n")
	frame = bytes.TrimSuffix(frame, []byte{'#'})
	var room [fields.MaxFields][]byte
	f := fields.Split(room[:0], frame, ',')
	if len(f) < 3 || len(f[0]) > 8 {
		return data.Packet{}, fmt.Errorf("decode sentence: want maker, id and type: %w", data.ErrInvalid)
	}
	if id := bytes.TrimSpace(f[1]); len(id) > 0 && string(id) != c.id {
		c.id = string(id)
	}
	m := message{now: now, maker: f[0], id: c.id, kind: kindOf(f[2]), fields: f[3:]}
	packet := data.Packet{Identity: c.id}
	r, p := newReport()
	var found bool
	switch m.kind {
	case "V0":
		packet.Reply = m.echo()
	case "HTBT":
		found = m.heartbeat(p)
		packet.Reply = m.echo()
	case "NBR":
		found = m.cells(r, p)
		packet.Reply = m.confirmation()
	case "LINK":
		found = m.link(p)
	case "V3":
		found = m.cellsV3(r, p)
	case "VP1":
		found = m.coarse(r, p)
	case "SMS":
		_, text, _ := bytes.Cut(frame, []byte(",SMS,"))
		p.Attributes.SetString("result", protocol.Text(text))
		p.Outdated, found = true, len(text) > 0
	default:
		found = m.position(p)
		if m.kind == "V1" && c.id != "" {
			packet.Reply = m.confirmation()
		}
	}
	if found {
		packet.Positions = r.positions[:]
		if packet.Reply == nil && c.acknowledge {
			packet.Reply = acknowledgement(c.id, now)
		}
	}
	return packet, nil
}

// kindOf returns the type; the usual ones cost no allocation.
func kindOf(b []byte) string {
	switch string(b) {
	case "V1":
		return "V1"
	case "V4":
		return "V4"
	case "V6":
		return "V6"
	case "NBR":
		return "NBR"
	case "HTBT":
		return "HTBT"
	case "LINK":
		return "LINK"
	}
	return string(b)
}

// echo is the answer to V0 and HTBT.
func (m *message) echo() []byte {
	b := append(make([]byte, 0, 32), '*')
	b = append(b, m.maker...)
	b = append(b, ',')
	b = append(b, m.id...)
	b = append(b, ',')
	b = append(b, m.kind...)
	return append(b, '#')
}

// confirmation is the answer to V1 and NBR: our time.
func (m *message) confirmation() []byte {
	b := append(make([]byte, 0, 48), "*HQ,"...)
	b = append(b, m.id...)
	b = append(b, ",V4,"...)
	b = append(b, m.kind...)
	b = append(b, ',')
	b = m.now.UTC().AppendFormat(b, "20060102150405")
	return append(b, '#')
}

func acknowledgement(id string, now time.Time) []byte {
	b := append(make([]byte, 0, 48), "*HQ,"...)
	b = append(b, id...)
	b = append(b, ",R12,"...)
	b = now.UTC().AppendFormat(b, "150405")
	return append(b, '#')
}

// setStatus reads the status word. Its alarm bits are 0 when active.
func setStatus(p *data.Position, status uint32) {
	off := func(bit int) bool { return status>>bit&1 == 0 }
	switch {
	case off(0):
		p.Attributes.AddAlarm("vibration")
	case off(1), off(18):
		p.Attributes.AddAlarm("sos")
	case off(2):
		p.Attributes.AddAlarm("overspeed")
	case off(19):
		p.Attributes.AddAlarm("powerCut")
	}
	p.Attributes.SetBool("ignition", !off(10))
	p.Attributes.SetInt("status", int64(status))
}

// statusOf reads a field as a status word.
func statusOf(b []byte) (uint32, bool) {
	if len(b) != 8 {
		return 0, false
	}
	v, ok := fields.HexNumber(b)
	return uint32(v), ok
}

// setBattery reads the battery as it stands in binary frames: up to 6 a step,
// then per cent, or F1 to F6.
func setBattery(p *data.Position, v int64) {
	switch {
	case v >= 0xF1 && v <= 0xF6:
		v -= 0xF0
	case v > 100:
		return
	}
	switch {
	case v <= 0:
		return
	case v <= 3:
		v = (v - 1) * 10
	case v <= 6:
		v = (v - 1) * 20
	}
	p.Attributes.SetInt("batteryLevel", v)
}
