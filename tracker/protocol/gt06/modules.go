package gt06

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// Modules are a list: id of two bytes, length, data.

// listFits tells whether b is such a list to its end.
func listFits(b []byte, lengthSize int) bool {
	r := converters.NewReader(b)
	for r.Len() > 0 {
		r.Skip(2)
		r.Skip(int(r.Uint(lengthSize)))
	}
	return r.OK()
}

// eachModule calls read for each module of a list, until one is torn.
func eachModule(r converters.Reader, lengthSize int, read func(id uint16, b []byte)) {
	for r.Len() >= 2+lengthSize {
		id, size := r.U16(), int(r.Uint(lengthSize))
		b := r.Bytes(size)
		if !r.OK() {
			return
		}
		read(id, b)
	}
}

// unsigned reads up to eight bytes as one number; ok is false for none and for
// more.
func unsigned(b []byte) (v int64, ok bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	r := converters.NewReader(b)
	return int64(r.Uint(len(b))), true
}

// modules reads the list at the end of types 0x36, 0x37 and 0x39.
func (m *message) modules() {
	a := &m.at.Attributes
	eachModule(m.body, 1, func(id uint16, b []byte) {
		v, ok := unsigned(b)
		if !ok {
			return
		}
		switch id {
		case 0x0018:
			a.SetFloat("battery", float64(v)/100)
		case 0x002E:
			a.SetInt("odometer", v)
		case 0x006A:
			a.SetInt("batteryLevel", v)
		}
	})
}

// statusAndModules reads types 0x36 and 0x39: a status and modules, with or
// without a place, and a cell, in front. Only the lengths of the modules tell
// which.
func (m *message) statusAndModules() bool {
	trx16 := m.kind == 0x36 && m.length == 0x35
	if m.body.Len() >= gpsSize && !m.statusFollows(0) {
		if !m.gps() {
			return false
		}
		switch {
		case trx16:
			m.cell(cell2GSized)
		case m.statusFollows(0):
		case m.statusFollows(cellSize(m.body.Rest())):
			m.cell(cell2G)
		default:
			m.cell(cell2GSized)
		}
	}
	m.status()
	if trx16 {
		m.cardAtEnd()
		return true
	}
	m.modules()
	return m.placed || m.body.OK()
}

// statusFollows tells whether a status and a list of modules to the end follow
// after so many bytes.
func (m *message) statusFollows(after int) bool {
	rest := m.body.Rest()
	return len(rest) >= after+statusSize && listFits(rest[after+statusSize:], 1)
}

// cellSize is the size of a cell without a length in front of it.
func cellSize(b []byte) int {
	if len(b) > 0 && b[0]&0x80 != 0 {
		return 2 + 2 + 2 + 3
	}
	return 2 + 1 + 2 + 3
}

// modular reads type 0x70, which is nothing but modules.
func (m *message) modular() bool {
	a := &m.at.Attributes
	eachModule(m.body, 2, func(id uint16, b []byte) {
		switch id {
		case 0x0003:
			a.SetString("iccid", converters.BCDDigits(b))
		case 0x0018:
			if v, ok := unsigned(b); ok {
				a.SetFloat("battery", float64(v)/100)
			}
		case 0x002A:
			if len(b) > 0 {
				a.SetBool("door", b[0]&1 != 0)
			}
		case 0x002E: // the only number with its lowest byte in front
			if len(b) == 4 {
				a.SetInt("odometer", int64(binary.LittleEndian.Uint32(b)))
			}
		case 0x0033:
			m.modularPlace(b)
		case 0x0034:
			if len(b) > 0 {
				m.modularEvent(b[0])
			}
		}
	})
	return true
}

func (m *message) modularEvent(code byte) {
	m.at.Attributes.SetInt("event", int64(code))
	if code == 0x12 {
		m.at.Attributes.AddAlarm("removing")
	}
}

func (m *message) modularPlace(b []byte) {
	m.body = converters.NewReader(b)
	r := &m.body
	t := m.unix()
	satellites, altitude := r.U8(), int16(r.U16())
	f := fix{satellites: satellites, latitude: r.U32(), longitude: r.U32(), kmh: uint16(r.U8()), flags: r.U16()}
	if !r.OK() {
		return
	}
	m.at.DeviceTime, m.at.FixTime = t, t
	if m.place(f); m.placed {
		m.at.AltitudeM = float64(altitude)
	}
}

// states reads types 0xF1 and 0xF2: a time and a list whose lengths have one
// byte or two.
func (m *message) states() bool {
	m.at.DeviceTime = m.unix()
	if !m.body.OK() {
		return false
	}
	lengthSize := 1
	if rest := m.body.Rest(); !listFits(rest, 1) && listFits(rest, 2) {
		lengthSize = 2
	}
	a := &m.at.Attributes
	eachModule(m.body, lengthSize, func(id uint16, b []byte) {
		v, ok := unsigned(b)
		switch {
		case !ok:
		case m.kind == 0xF1 && id == 0x0005:
			a.SetFloat("power", float64(v)/100)
		default:
			a.Set("io"+decimal(uint64(id)), data.Int(v))
		}
	})
	return true
}
