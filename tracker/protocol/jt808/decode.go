package jt808

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The messages.
const (
	kindTerminalAnswer = 0x0001
	kindHeartbeat      = 0x0002
	kindRegister       = 0x0100
	kindProperties     = 0x0107
	kindTimeRequest    = 0x0109
	kindLocation       = 0x0200
	kindLocationAnswer = 0x0201
	kindBatch2         = 0x0210
	kindHeartbeat2     = 0x0506
	kindResult         = 0x0701
	kindDriver         = 0x0702
	kindBatch          = 0x0704
	kindTransparent    = 0x0900
	kindMedia          = 0x0801
	kindCamera         = 0x0805 // the answer to commandCamera
	kindResultUTF16    = 0x1300
	kindAcceleration   = 0x2070
	kindLock           = 0x5501
	kindLockBlind      = 0x5502
	kindResultGBK      = 0x6006

	kindLockAnswer     = 0x4401
	kindGeneralAnswer  = 0x8001
	kindRegisterAnswer = 0x8100
	kindTimeAnswer     = 0x8109
	kindMediaAnswer    = 0x8800
)

// fewAttributes is the room for attributes that each position begins with.
const fewAttributes = 12

// report is everything a usual message points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [fewAttributes]data.Attribute
	reply      [64]byte
}

// message is one frame while it is read.
type message struct {
	header
	model model
	ahead time.Duration
	body  []byte
	// failed says that the message could not be taken.
	failed bool
}

// Decode reads one frame, its escapes undone.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) > 0 && frame[0] == '(' {
		return decodeText(frame, now)
	}
	h, body, err := open(frame)
	if err != nil {
		return data.Packet{}, err
	}
	switch c.edition = ""; {
	case h.mark == markE7:
		c.edition = "E7"
	case h.edition2019():
		c.edition = "2019"
	}
	m := message{header: h, model: c.model, ahead: c.ahead, body: body}
	var batch []data.Position
	if h.kind == kindBatch {
		var ok bool
		batch, ok = c.batch.read(&m)
		m.failed = !ok
	}
	out := &report{}
	packet := data.Packet{Positions: batch, Identity: c.identify(h.phone), Reply: m.answer(out.reply[:0], c.identify(h.phone), now)}
	if h.kind == kindMedia {
		packet.File = c.media.part(&m)
		if body := c.media.answer(&h); body != nil {
			packet.Reply = h.appendFrame(packet.Reply, kindMediaAnswer, body)
		}
		return packet, nil
	}
	if h.kind == kindBatch || h.part > 1 { // or the rest of another message that was split
		return packet, nil
	}
	switch h.kind {
	case kindTerminalAnswer:
		packet.Answer = commandAnswer(body)
	case kindCamera:
		packet.Answer = cameraAnswer(body)
	case kindBatch2:
		packet.Positions = m.batch2()
	default:
		r := reader{m: &m, p: &out.positions[0]}
		r.p.Protocol, r.p.Outdated, r.p.Attributes = "jt808", true, out.attributes[:0]
		found, ok := r.read()
		if !ok {
			return data.Packet{}, fmt.Errorf("decode message 0x%04x: %d bytes are too short: %w", h.kind, len(body), data.ErrInvalid)
		}
		if found {
			packet.Positions = out.positions[:]
		}
	}
	return packet, nil
}

// commandAnswer reads the general answer of a terminal: the serial number and
// the type of our message, and the result. nil if that was no command.
func commandAnswer(body []byte) *data.CommandAnswer {
	b := converters.NewReader(body)
	b.Skip(2)
	kind, result := b.U16(), b.U8()
	if !b.OK() || !slices.Contains(commandKinds, kind) {
		return nil
	}
	switch result {
	case 0:
		return &data.CommandAnswer{}
	case 2:
		return &data.CommandAnswer{Refused: true, Text: "the device cannot read the command"}
	case 3:
		return &data.CommandAnswer{Refused: true, Text: "the device does not support the command"}
	}
	return &data.CommandAnswer{Refused: true, Text: "the device could not carry the command out"}
}

// cameraAnswer reads what a camera says to the order to take photos: the serial
// number of the order and the result; nil if it is too short.
func cameraAnswer(body []byte) *data.CommandAnswer {
	b := converters.NewReader(body)
	b.Skip(2)
	switch result := b.U8(); {
	case !b.OK():
		return nil
	case result == 0:
		return &data.CommandAnswer{}
	case result == 2:
		return &data.CommandAnswer{Refused: true, Text: "the device has no camera of that number"}
	}
	return &data.CommandAnswer{Refused: true, Text: "the device could not take the photo"}
}

// reader reads one position.
type reader struct {
	m *message
	p *data.Position
}

// read reads every message that is not a batch. found tells whether it holds
// a report, ok that it was long enough.
func (r *reader) read() (found, ok bool) {
	b := converters.NewReader(r.m.body)
	switch r.m.kind {
	case kindLocation:
		return true, r.location(b.Rest())
	case kindLocationAnswer:
		b.Skip(2)
		return true, r.location(b.Rest())
	case kindLock, kindLockBlind:
		return true, r.lock(b.Rest())
	case kindHeartbeat, kindHeartbeat2:
		if b.Len() < 3 {
			return false, true
		}
		r.p.Attributes.SetInt("batteryLevel", int64(b.U8()))
		r.p.Attributes.SetInt("rssi", int64(b.U8()))
		r.p.Attributes.SetInt("status", int64(b.U8()))
		return true, true
	case kindTransparent:
		return r.transparent(b)
	case kindResult:
		b.Skip(4)
		r.text("result", b.Rest())
	case kindResultUTF16:
		b.Skip(2)
		r.p.Attributes.SetString("result", utf16Text(b.Rest()))
	case kindResultGBK:
		b.Skip(1)
		r.p.Attributes.SetString("result", gbkText(b.Rest()))
	case kindDriver:
		return r.driver(b)
	case kindProperties:
		r.properties(b)
		return len(r.p.Attributes) > 0, true
	}
	return len(r.p.Attributes) > 0, b.OK()
}

// properties reads what a terminal says about itself: the number of its SIM,
// and the versions of its hardware and firmware (JT/T 808-2013, 8.20).
func (r *reader) properties(b converters.Reader) {
	model, terminal := 20, 7
	if r.m.edition2019() {
		model, terminal = 30, 30
	}
	b.Skip(2 + 5 + model + terminal) // kind and maker in front
	a := &r.p.Attributes
	if digits := converters.BCDDigits(b.Bytes(10)); strings.Trim(digits, "0") != "" {
		a.SetString("iccid", digits)
	}
	for _, name := range [...]string{"versionHw", "versionFw"} {
		if text := printable(b.Bytes(int(b.U8()))); text != "" && b.OK() {
			a.SetString(name, text)
		}
	}
}

// driver reads what a driver's card says.
func (r *reader) driver(b converters.Reader) (found, ok bool) {
	a := &r.p.Attributes
	status := b.U8()
	r.p.DeviceTime = r.m.time(b.Bytes(6))
	a.SetInt("status", int64(status))
	if status != 1 || b.Len() == 0 { // the card was taken out
		return true, b.OK()
	}
	if result := b.U8(); result != 0 {
		a.SetInt("event", int64(result))
		return true, true
	}
	a.SetString("driver", gbkText(b.Bytes(int(b.U8()))))
	r.text("driverUniqueId", b.Bytes(min(20, b.Len())))
	return true, true
}

// answer is what the terminal is told, nil for nothing.
func (m *message) answer(b []byte, identity string, now time.Time) []byte {
	var room [64]byte
	body := room[:0]
	switch m.kind {
	case kindTerminalAnswer, kindResult, kindDriver, kindResultUTF16, kindAcceleration, kindLocationAnswer,
		kindCamera, 0x0104, 0x0302, 0x0802: // answers of the terminal
		return nil
	case kindLock, kindLockBlind:
		if m.props&propAnswer == 0 {
			return nil
		}
		body = binary.BigEndian.AppendUint16(body, m.kind)
		return m.appendFrame(b, kindLockAnswer, append(body, 0))
	case kindRegister:
		body = binary.BigEndian.AppendUint16(body, m.serial)
		body = append(append(body, 0), identity...)
		return m.appendFrame(b, kindRegisterAnswer, body)
	case kindTimeRequest:
		now = now.UTC()
		body = binary.BigEndian.AppendUint16(body, uint16(now.Year()))
		body = append(body, byte(now.Month()), byte(now.Day()), byte(now.Hour()), byte(now.Minute()), byte(now.Second()), 0)
		return m.appendFrame(b, kindTimeAnswer, body)
	}
	body = binary.BigEndian.AppendUint16(body, m.serial)
	body = binary.BigEndian.AppendUint16(body, m.kind)
	result := byte(0)
	if m.failed {
		result = 1
	}
	return m.appendFrame(b, kindGeneralAnswer, append(body, result))
}

// time reads yymmddhhmmss in packed digits by the clock of the terminal, the
// zero time if there is no such time.
func (m *message) time(b []byte) time.Time { return bcdTime(b, m.ahead) }

func bcdTime(b []byte, ahead time.Duration) time.Time {
	if len(b) < 6 {
		return time.Time{}
	}
	var n [6]int
	for i := range n {
		v, ok := converters.FromBCD(b[i])
		if !ok {
			return time.Time{}
		}
		n[i] = v
	}
	t := protocol.Date(2000+n[0], n[1], n[2], n[3], n[4], n[5])
	if t.IsZero() {
		return t
	}
	return t.Add(-ahead)
}
