package tk103

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

const (
	usualID     = 12 // characters
	kindSize    = 4
	maxIdentity = 20
)

// report holds everything a packet points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [12]data.Attribute
	network    data.Network
}

// message is one message while it is read.
type message struct {
	id   string
	kind string
	// commas tells the form with commas, which writes dates the other way round.
	commas bool
	// body follows the type, without the comma.
	body []byte
	out  *report
	at   *data.Position
}

// Decode reads one message.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	m, err := open(frame, c)
	if err != nil {
		return data.Packet{}, err
	}
	packet := data.Packet{Identity: m.id}
	m.out = &report{}
	m.at = &m.out.positions[0]
	m.at.Protocol = "tk103"
	m.at.Attributes = m.out.attributes[:0]
	var found bool
	switch m.kind {
	case "BP00":
		packet.Reply = m.answer("AP01HSO")
	case "BP05":
		packet.Reply = m.answer("AP05")
		found = m.login()
	case "BO01":
		if c.acknowledge {
			packet.Reply = m.answer("AS01")
		}
		found = m.alarm()
	case "BQ81":
		found = m.behaviour()
	case "BZ00":
		found = m.cells()
	case "BV00":
		m.at.Attributes.SetString("vin", protocol.Text(m.body))
		found = m.stay(len(m.at.Attributes) > 0)
	case "BS50":
		found = m.battery()
	case "BS51":
		found = m.batteryGroups()
	case "ZC03":
		found = m.result()
	case "ZC20":
		found = m.voltages()
	default:
		found = m.event()
	}
	if found {
		packet.Positions = m.out.positions[:]
	}
	return packet, nil
}

// open finds id, type and content.
func open(frame []byte, c *codec) (message, error) {
	text := bytes.TrimSpace(frame)
	text = bytes.TrimPrefix(text, []byte{'('})
	text = bytes.TrimSuffix(text, []byte{')'})
	size := 0
	for size < len(text) && text[size] >= '0' && text[size] <= '9' {
		size++
	}
	var m message
	switch {
	case size > 0 && size < len(text) && text[size] == ',':
		m.commas = true
	case size < 8 && len(text) >= usualID+kindSize:
		// An id that is no number.
		if size = usualID; text[size] == ',' {
			m.commas = true
		}
	}
	id, rest := text[:size], text[size:]
	if m.commas {
		rest = rest[1:]
	}
	if len(id) == 0 || len(id) > maxIdentity || len(rest) < kindSize || !letter(rest[0]) || !letter(rest[1]) {
		return m, fmt.Errorf("decode message: want an id and a type of two letters and two characters: %w", data.ErrInvalid)
	}
	if string(id) != c.id {
		c.id = string(id)
	}
	m.id, m.kind = c.id, kindOf(rest[:kindSize])
	m.body = bytes.TrimPrefix(rest[kindSize:], []byte{','})
	return m, nil
}

// kindOf returns a type; the usual ones cost no allocation.
func kindOf(b []byte) string {
	switch string(b) {
	case "BR00":
		return "BR00"
	case "BP05":
		return "BP05"
	case "BP00":
		return "BP00"
	case "BO01":
		return "BO01"
	}
	return string(b)
}

func (m *message) answer(code string) []byte {
	b := append(make([]byte, 0, 32), '(')
	b = append(b, m.id...)
	b = append(b, code...)
	return append(b, ')')
}

// stay makes a report without coordinates of what was read, if there is any.
func (m *message) stay(any bool) bool {
	m.at.Outdated = any
	return any
}

// login reads BP05: the IMEI, and a position or cells.
func (m *message) login() bool {
	const imei = 15
	body := m.body
	if len(body) >= imei && fields.AllDigits(body[:imei]) {
		body = bytes.TrimPrefix(body[imei:], []byte{','})
	}
	if len(body) > 0 && body[0] == '{' {
		return m.cellList(body)
	}
	return m.position(body)
}

var alarmsBO01 = [...]string{1: "accident", 2: "sos", 3: "vibration", 4: "lowspeed", 5: "overspeed", 6: "geofenceExit"}

// alarm reads BO01: a digit and a position.
func (m *message) alarm() bool {
	if len(m.body) < 1 {
		return false
	}
	if i := int(m.body[0]) - '0'; i > 0 && i < len(alarmsBO01) {
		m.at.Attributes.AddAlarm(alarmsBO01[i])
	}
	return m.position(bytes.TrimPrefix(m.body[1:], []byte{','})) || m.stay(len(m.at.Attributes) > 0)
}

var alarmsBQ81 = [...]string{"lowBattery", "overspeed", "idle", "hardAcceleration", "hardBraking", "temperature"}

// behaviour reads BQ81: ALARM, a digit, a number and a position.
func (m *message) behaviour() bool {
	body, ok := bytes.CutPrefix(m.body, []byte("ALARM,"))
	if !ok {
		return m.event()
	}
	code, body, _ := bytes.Cut(body, []byte{','})
	if i, ok := fields.Integer(code); ok && i >= 0 && int(i) < len(alarmsBQ81) {
		m.at.Attributes.AddAlarm(alarmsBQ81[i])
	}
	if m.position(body) {
		return true
	}
	_, body, _ = bytes.Cut(body, []byte{','})
	return m.position(body) || m.stay(len(m.at.Attributes) > 0)
}

// event reads the types whose meaning is in their name: ZC.., DW3. and DW4.
// with a position, DW5. and DW6. with cells. Any other type may bring a
// position too.
func (m *message) event() bool {
	a := &m.at.Attributes
	switch m.kind {
	case "ZC11", "DW31", "DW51":
		a.AddAlarm("movement")
	case "ZC12", "DW32", "DW52":
		a.AddAlarm("lowBattery")
	case "ZC13", "DW33", "DW53":
		a.AddAlarm("powerCut")
	case "ZC15", "ZC29", "DW35", "DW42", "DW55", "DW62":
		a.SetBool("ignition", true)
	case "ZC16", "DW36", "DW56":
		a.SetBool("ignition", false)
	case "ZC17", "DW37", "DW57":
		a.AddAlarm("removing")
	case "ZC25", "DW3E", "DW5E":
		a.AddAlarm("sos")
	case "ZC26", "DW3F", "DW5F":
		a.AddAlarm("tampering")
	case "ZC27", "DW40", "DW60":
		a.AddAlarm("lowPower")
	}
	if series := m.kind[:3]; (series == "DW5" || series == "DW6") && m.surroundings() {
		return true
	}
	return m.position(m.body) || m.stay(len(*a) > 0)
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }
