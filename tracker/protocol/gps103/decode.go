package gps103

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

const (
	maxLogin    = 30 // a login and nothing else has at most that many characters
	maxIdentity = 20
)

var (
	mark       = []byte("imei:")
	replyLogin = []byte("LOAD")
	replyBeat  = []byte("ON")
)

// report holds everything a packet points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [10]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
}

// message is one report while it is read. Its fields are handed around
// separately, so that they stay on the stack.
type message struct {
	*codec
	now time.Time
	out *report
	at  *data.Position
}

// Decode reads one message.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	text := bytes.TrimRight(frame, ";*\r\n")
	text = bytes.TrimSpace(text)
	i := bytes.Index(text, mark)
	if i < 0 {
		id, _, _ := bytes.Cut(text, []byte{','})
		if !fields.AllDigits(id) || len(id) > maxIdentity {
			return data.Packet{}, fmt.Errorf("decode message: want imei: or a heartbeat of digits: %w", data.ErrInvalid)
		}
		c.speaker(id)
		return data.Packet{Identity: c.id, Reply: replyBeat}, nil
	}
	login := len(text) <= maxLogin
	var reply []byte
	if fields.AllDigits(bytes.TrimSpace(text[:i])) {
		reply = replyBeat // a heartbeat glued to a report
		login = false
	}
	var room [fields.MaxFields][]byte
	f := fields.List(fields.Split(room[:0], text[i:], ','))
	id := bytes.TrimSpace(f[0][len(mark):])
	if len(id) == 0 || len(id) > maxIdentity {
		return data.Packet{}, fmt.Errorf("decode message: want up to %d digits after imei: %w", maxIdentity, protocol.ErrNoIdentity)
	}
	c.speaker(id)
	if login {
		return data.Packet{Identity: c.id, Reply: replyLogin}, nil
	}
	r := &report{}
	p := &r.positions[0]
	p.Protocol = "gps103"
	p.Attributes = r.attributes[:0]
	m := message{codec: c, now: now, out: r, at: p}
	packet := data.Packet{Identity: c.id, Reply: reply}
	event := bytes.TrimSpace(f.At(1))
	var found bool
	switch {
	case bytes.HasPrefix(event, []byte("vr")) && len(f) <= 3:
		packet.File = c.piece(bytes.TrimSpace(text[bytes.IndexByte(text, ',')+len(",vr"):]))
		return packet, nil
	case string(event) == "OBD":
		found = m.obd(f)
	case isKind(f.At(4)):
		found = m.regular(f, event)
	default:
		found = m.alternative(f)
	}
	if found {
		packet.Positions = r.positions[:]
		if string(event) == "help me" && packet.Reply == nil {
			packet.Reply = []byte("**,imei:" + c.id + ",E;")
		}
	}
	return packet, nil
}

// isKind tells whether b says how a report was made: F with satellites, L
// without.
func isKind(b []byte) bool { return len(b) == 1 && (b[0] == 'F' || b[0] == 'L') }

// regular reads a report: event, local time, phone or card, F or L, time,
// validity, latitude, longitude, speed, course, altitude, ignition, door, fuel
// twice, temperature.
func (m *message) regular(f fields.List, event []byte) bool {
	p := m.at
	m.event(event)
	local := localTime(f.At(2))
	if f[4][0] == 'L' {
		p.Outdated = true
		p.DeviceTime = m.utc(local)
		lac, ok1 := fields.HexNumber(f.At(7))
		cell, ok2 := fields.HexNumber(f.At(9))
		if ok1 && ok2 && lac > 0 && lac <= 0xFFFF && cell <= 0xFFFFFFF {
			m.out.towers[0] = data.CellTower{LAC: int(lac), CellID: int64(cell)}
			m.out.network.CellTowers = m.out.towers[:]
			p.Network = &m.out.network
		}
		m.owner(f.At(3), event)
		return true
	}
	p.DeviceTime = m.reportTime(local, f.At(5))
	latitude, ok1 := coordinate(f.At(7), f.At(8))
	longitude, ok2 := coordinate(f.At(9), f.At(10))
	if p.Outdated = !ok1 || !ok2; !p.Outdated {
		p.Valid = string(f.At(6)) == "A"
		protocol.SetPlace(p, latitude, longitude)
	}
	if v, ok := fields.Number(f.At(11)); ok && v >= 0 {
		p.SpeedKnots = v
	}
	if v, ok := fields.Number(f.At(12)); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := fields.Number(f.At(13)); ok {
		p.AltitudeM = v
	}
	m.owner(f.At(3), event)
	if p.Attributes.Get("ignition").Kind() == data.KindNone { // an event knows better
		flag(p, "ignition", f.At(14))
	}
	flag(p, "door", f.At(15))
	share(p, "fuel1", f.At(16))
	share(p, "fuel2", f.At(17))
	if p.Attributes.Get("temp1").Kind() == data.KindNone {
		quantity(p, "temp1", f.At(18))
	}
	return true
}

// owner reads the field of the phone number.
func (m *message) owner(b, event []byte) {
	b = bytes.TrimSpace(b)
	if string(event) == "rfid" {
		m.at.Attributes.SetString("driverUniqueId", protocol.Text(b))
		return
	}
	if digits, ok := bytes.CutSuffix(b, []byte{'%'}); ok {
		if level, ok := fields.Number(digits); ok && level >= 0 && level <= 100 {
			m.at.Attributes.SetInt("batteryLevel", int64(level))
		}
	}
}

// obd reads a report of the engine: time, odometer, fuel now, fuel on average,
// hours, speed, load, temperature, throttle, rpm, voltage, trouble codes.
func (m *message) obd(f fields.List) bool {
	p := m.at
	speed, ok1 := fields.Integer(f.At(7))
	voltage, ok2 := fields.Number(f.At(12))
	if !ok1 || !ok2 {
		return false
	}
	p.Outdated = true
	p.DeviceTime = m.utc(localTime(f.At(2)))
	quantity(p, "odometer", f.At(3))
	quantity(p, "fuelConsumption", f.At(5))
	if hours, ok := fields.Number(f.At(6)); ok && hours >= 0 {
		p.Attributes.SetInt("hours", int64(hours*3600e3+0.5))
	}
	p.Attributes.SetInt("obdSpeed", speed)
	p.Attributes.SetString("engineLoad", protocol.Text(f.At(8)))
	quantity(p, "coolantTemp", f.At(9))
	p.Attributes.SetString("throttle", protocol.Text(f.At(10)))
	quantity(p, "rpm", f.At(11))
	p.Attributes.SetFloat("battery", voltage)
	var codes []byte
	for _, code := range f.From(13) {
		if code = bytes.TrimSpace(code); len(code) > 0 {
			codes = append(append(codes, code...), ' ')
		}
	}
	p.Attributes.SetString("dtcs", protocol.Text(codes))
	return true
}

// alternative reads the report that ends with a star: name, event, sensor,
// voltage, hhmmss, ddmmyy, signal, state of the fix, latitude, longitude,
// speed, course, altitude, HDOP, satellites, ignition, charge, error.
func (m *message) alternative(f fields.List) bool {
	p := m.at
	latitude, ok1 := fields.Number(f.At(9))
	longitude, ok2 := fields.Number(f.At(10))
	p.DeviceTime = fields.Moment(f.At(6), f.At(5))
	if p.Outdated = !ok1 || !ok2; p.Outdated && p.DeviceTime.IsZero() {
		return false
	}
	if state, ok := fields.Integer(f.At(8)); !p.Outdated {
		p.Valid = ok && state > 0
		protocol.SetPlace(p, latitude, longitude)
	}
	if v, ok := fields.Number(f.At(11)); ok && v >= 0 {
		p.SpeedKnots = v / 1.852
	}
	if v, ok := fields.Number(f.At(12)); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := fields.Number(f.At(13)); ok {
		p.AltitudeM = v
	}
	m.event(undashed(f.At(2)))
	p.Attributes.SetString("sensorId", protocol.Text(undashed(f.At(3))))
	quantity(p, "sensorVoltage", f.At(4))
	quantity(p, "rssi", f.At(7))
	quantity(p, "hdop", f.At(14))
	quantity(p, "sat", f.At(15))
	flag(p, "ignition", f.At(16))
	flag(p, "charge", f.At(17))
	p.Attributes.SetString("error", protocol.Text(undashed(f.At(18))))
	return true
}

// undashed empties a field of dashes.
func undashed(b []byte) []byte {
	if len(bytes.Trim(b, "- ")) == 0 {
		return nil
	}
	return b
}
