package gt06

import (
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// gpsSize is the size of a GPS block in bytes.
const gpsSize = 18

// date reads six plain numbers, in the zone of the device's clock.
func (m *message) date() time.Time {
	b := m.body.Bytes(6)
	if b == nil {
		return time.Time{}
	}
	t := protocol.Date(2000+int(b[0]), int(b[1]), int(b[2]), int(b[3]), int(b[4]), int(b[5]))
	if t.IsZero() {
		return t
	}
	return t.Add(-m.ahead)
}

// fix is the place in a message as sent.
type fix struct {
	satellites uint8
	// latitude and longitude are 1/30000 of a minute.
	latitude, longitude uint32
	kmh                 uint16
	// flags: bits 0 to 9 course in degrees, bit 10 north, bit 11 west, bit 12
	// the fix is good, bit 14 that bit 15 is the ignition.
	flags uint16
}

// gps reads a GPS block. It tells whether the block was whole.
func (m *message) gps() bool {
	t := m.date()
	if m.at.DeviceTime.IsZero() {
		m.at.DeviceTime = t
	}
	m.at.FixTime = t
	return m.afterDate(m.body.U8())
}

// afterDate reads what follows date and satellites in a GPS block.
func (m *message) afterDate(satellites uint8) bool {
	r := &m.body
	f := fix{satellites: satellites & 0x0F, latitude: r.U32(), longitude: r.U32(), kmh: uint16(r.U8()), flags: r.U16()}
	m.place(f)
	return r.OK()
}

// place stores a fix, if all of it was there.
func (m *message) place(f fix) {
	if !m.body.OK() {
		return
	}
	a, has := &m.at.Attributes, func(bit int) bool { return f.flags&(1<<bit) != 0 }
	a.SetInt("sat", int64(f.satellites))
	if has(14) {
		a.SetBool("ignition", has(15))
	}
	latitude, longitude := float64(f.latitude)/1800000, float64(f.longitude)/1800000
	if !has(10) {
		latitude = -latitude
	}
	if has(11) {
		longitude = -longitude
	}
	m.at.Valid = has(12)
	protocol.SetPlace(m.at, latitude, longitude)
	if m.placed = !m.at.Outdated; m.placed {
		m.at.SpeedKnots = converters.KnotsFromKmh(float64(f.kmh))
		m.at.CourseDeg = protocol.Course(float64(f.flags & 0x3FF))
	}
}

// cellShape says how wide the fields of a cell are.
type cellShape struct {
	lac, id int  // bytes
	longMNC bool // two bytes even if the MCC does not say so
	sized   bool // a length stands in front
	maybe   bool // a length may stand in front; no country begins with its byte
}

// cell reads one cell. The length in front of a sized one counts itself in
// most devices and is right in few: it tells only whether there is a cell, and
// a wide one from a narrow one.
func (m *message) cell(s cellShape) {
	if rest := m.body.Rest(); s.maybe && len(rest) > 0 && (rest[0] == 8 || rest[0] == 9) {
		s.sized = true
	}
	if s.sized {
		switch length := m.body.U8(); length {
		case 0:
			m.skipFiller()
			return
		case 15, 16, 17:
			s.lac, s.id = 4, 8
		}
	} else if s.lac == 4 && m.body.Len() < 2+1+s.lac+s.id {
		s.lac, s.id = 2, 3 // a device of 2G that sends types of 4G
	}
	tower := m.tower(s)
	if m.body.OK() && (tower.MCC != 0 || tower.LAC != 0 || tower.CellID != 0) {
		m.out.towers[0] = tower
		m.out.network.CellTowers = m.out.towers[:]
		m.at.Network = &m.out.network
	}
}

// skipFiller leaves out zeros in place of a cell. The status behind them may
// begin with zeros of its own, but its size is known.
func (m *message) skipFiller() {
	size := statusSize
	if m.kind == 0x27 || m.kind == 0xA4 {
		size++ // the number of a geofence
	}
	if fill := m.body.Len() - size; fill > 0 && allZero(m.body.Rest()[:fill]) {
		m.body.Skip(fill)
	}
}

// tower reads country, network, area and cell.
func (m *message) tower(s cellShape) data.CellTower {
	tower := m.network(s.longMNC)
	tower.LAC = int(m.body.Uint(s.lac))
	tower.CellID = int64(m.body.Uint(s.id))
	return tower
}

// network reads country and network. Bit 15 of the country says that the
// network has two bytes.
func (m *message) network(longMNC bool) (tower data.CellTower) {
	mcc := m.body.U16()
	tower.MCC = int(mcc &^ 0x8000)
	if longMNC || mcc&0x8000 != 0 {
		tower.MNC = int(m.body.U16())
	} else {
		tower.MNC = int(m.body.U8())
	}
	return tower
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
