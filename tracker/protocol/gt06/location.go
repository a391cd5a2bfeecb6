package gt06

import (
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// built reads a message that has a layout. It tells whether it is a report.
func (m *message) built(l *layout) bool {
	r := &m.body
	if m.model.nt && (m.kind == 0x22 || m.kind == 0x25) {
		r.Skip(1 + 8) // source of the place, IMEI
		m.at.DeviceTime = m.date()
	}
	if l.gps && !m.gps() {
		return false
	}
	if l.cell.id > 0 && (r.Len() > 0 || !l.gps) {
		m.cell(l.cell)
	}
	if l.tail != nil {
		l.tail(m)
	}
	return l.gps || r.OK() // a place is worth keeping without what follows
}

// reason reads the usual end of a position: ignition, why it was sent, whether
// it was kept, and the odometer of some devices.
func (m *message) reason() {
	if m.body.Len() < 3 {
		return
	}
	m.ignitionReasonArchive()
	m.integer("odometer", 4, 1)
}

func (m *message) ignitionReasonArchive() {
	m.flag("ignition")
	m.integer("event", 1, 1)
	m.archive()
}

// reasonAndModules is reason with modules in place of the odometer.
func (m *message) reasonAndModules() {
	if m.body.Len() >= 3 {
		m.ignitionReasonArchive()
		m.modules()
	}
}

// reasonSL4X is reason with the altitude in place of the odometer.
func (m *message) reasonSL4X() {
	if m.body.Len() >= 3 {
		m.ignitionReasonArchive()
		m.altitude()
	}
}

func (m *message) statusSL4X() {
	m.status()
	m.altitude()
}

func (m *message) altitude() {
	if m.body.Len() >= 2 {
		m.at.AltitudeM = float64(int16(m.body.U16()))
	}
}

// archive says that a report was kept and is sent late.
func (m *message) archive() {
	if m.body.Len() > 0 && m.body.U8() > 0 {
		m.at.Attributes.SetBool("archive", true)
	}
}

// card reads the 8 bytes of an RFID card, of which no card is all zeros: its
// number, or text.
func (m *message) card() {
	if id := m.body.Bytes(8); id != nil && !allZero(id) {
		m.at.Attributes.SetString("driverUniqueId", printable(id))
	}
}

// cardAtEnd reads a card from the end of the content.
func (m *message) cardAtEnd() {
	if m.body.Len() >= 8 {
		m.body.Skip(m.body.Len() - 8)
		m.card()
	}
}

// cardText reads the text of a card with its length in front.
func (m *message) cardText() {
	if m.body.Len() > 0 {
		m.at.Attributes.SetString("card", protocol.Text(m.body.Bytes(int(m.body.U8()))))
	}
}

// cardLong reads the end of type 0x12 of card readers.
func (m *message) cardLong() {
	m.integer("odometer", 4, 1)
	m.cardText()
}

// cardWetrust reads the end of type 0x12 of WETRUST. What the state of the
// card may be is not known.
func (m *message) cardWetrust() {
	m.integer("odometer", 4, 1)
	m.cardText()
	if m.body.Len() < 1+1 {
		return
	}
	m.alarm(int(m.body.U8()))
	m.body.Skip(1)
	m.integer("drivingTime", 2, 1)
}

// inputsBenway reads the end of type 0x12 of BENWAY: inputs and one
// measurement, bits 12 and 13 say of what.
func (m *message) inputsBenway() {
	a, bits := &m.at.Attributes, m.body.U16()
	if !m.body.OK() {
		return
	}
	a.SetBool("ignition", bits&(1<<15) != 0)
	a.SetBool("in2", bits&(1<<14) != 0)
	switch value := bits & 0x3FF; {
	case bits&(1<<12) != 0:
		a.SetInt("temp1", int64(signMagnitude(value, 9)))
	case bits&(1<<13) != 0:
		a.SetInt("adc1", int64(value))
	default:
		a.SetFloat("adc1", float64(value)/10)
	}
}

// climateSeeworld reads the end of type 0x22 of SEEWORLD.
func (m *message) climateSeeworld() {
	m.flag("ignition")
	m.body.Skip(1) // mode
	m.archive()
	m.integer("odometer", 4, 1)
	m.body.Skip(4) // time
	if v := m.body.U16(); m.body.OK() {
		m.at.Attributes.SetFloat("temp1", signMagnitude(v, 15)/100)
	}
	m.number("humidity", 2, 100)
}

// signMagnitude reads a number with a minus sign in the named bit.
func signMagnitude(v uint16, bit int) float64 {
	if v&(1<<bit) != 0 {
		return -float64(v &^ (1 << bit))
	}
	return float64(v)
}

// x1 reads type 0x34 of the X1: four bytes and a GPS block. What follows is
// not known.
func (m *message) x1() bool {
	m.body.Skip(4)
	return m.gps()
}

// camera reads type 0x95: an event and the names of its files. JC400 begins
// with FFFF and has a place, in which the flags come before the speed.
func (m *message) camera() bool {
	r, a := &m.body, &m.at.Attributes
	if rest := r.Rest(); len(rest) >= 2 && rest[0] == 0xFF && rest[1] == 0xFF {
		r.Skip(2 + 1)
		t := m.date()
		m.at.DeviceTime, m.at.FixTime = t, t
		f := fix{satellites: r.U8() & 0x0F, latitude: r.U32(), longitude: r.U32(), flags: r.U16(), kmh: r.U16()}
		r.Skip(2)
		m.place(f)
	} else {
		m.at.DeviceTime = m.date()
	}
	event := r.U8()
	if !r.OK() {
		return false
	}
	if r.Len() > 0 {
		r.Skip(2) // data of the event
		files := r.Bytes(r.Len())
		if !isPrintable(files) {
			return false
		}
		a.SetString("eventFiles", protocol.Text(files))
	}
	a.SetInt("event", int64(event))
	a.AddAlarm(cameraAlarms[event])
	return true
}

var cameraAlarms = map[uint8]string{
	0x01: "sos",
	0x0E: "lowPower",
	0x76: "temperature",
	0x80: "vibration",
	0x87: "overspeed",
	0x88: "powerCut",
	0x90: "hardAcceleration",
	0x91: "hardBraking",
	0x92: "hardCornering",
	0x93: "accident",
}

// unix reads seconds since 1970.
func (m *message) unix() time.Time {
	return protocol.UnixMilli(int64(m.body.U32()) * 1000)
}
