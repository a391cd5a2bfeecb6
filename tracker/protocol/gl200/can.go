package gl200

import (
	"math"

	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// canOrder are the bits of the mask in the order in which their fields are
// sent: bit 5 comes before bit 4.
var canOrder = [...]int{0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}

// canField reads the field of a bit.
func (m *message) canField(bit int, b []byte) {
	switch bit {
	case 0:
		m.at.Attributes.SetString("vin", string(b))
	case 1:
		if v, ok := fields.Integer(b); ok {
			m.at.Attributes.SetBool("ignition", v > 0)
		}
	case 2:
		m.whole("obdOdometer", afterLetters(b))
	case 3:
		m.float("fuelUsed", b)
	case 4:
		m.whole("obdSpeed", b)
	case 5:
		m.whole("rpm", b)
	case 6:
		m.whole("coolantTemp", b)
	case 7:
		if b[0] == 'L' || b[0] == 'H' {
			m.float("fuelConsumption", afterLetters(b))
		}
	case 8:
		m.float("fuel", afterLetters(b))
	case 10:
		m.whole("throttle", b)
	case 11:
		if v, ok := fields.Number(b); ok && v >= 0 {
			m.at.Attributes.SetInt("hours", converters.Clamp(v*3600000, 0, math.MaxInt64/2))
		}
	case 12:
		m.float("drivingTime", b)
	case 15:
		m.whole("axleWeight", b)
	case 19:
		if v, ok := fields.HexNumber(b); ok {
			m.at.Attributes.SetBool("door", v > 0)
		}
	}
}

// can reads CAN data from field i, the report type, and returns the field
// after it. A location is found by itself.
func (m *message) can(i int) int {
	mask, ok := fields.HexNumber(m.field(i + 2))
	if !ok || i+2 >= m.sent {
		return i
	}
	i += 3
	end := m.sent
	if m.first > 4 && m.first-4 > i {
		end = m.first - 4
	}
	for _, bit := range canOrder {
		if mask>>bit&1 == 0 {
			continue
		}
		if i >= end {
			return i
		}
		if len(m.f[i]) > 0 {
			m.canField(bit, m.f[i])
		}
		i++
	}
	return i
}

// obdField reads the field of a bit.
func (m *message) obdField(bit int, b []byte) {
	switch bit {
	case 0:
		m.at.Attributes.SetString("vin", string(b))
	case 2:
		setVolts(&m.at.Attributes, "power", b)
	case 4:
		m.whole("rpm", b)
	case 5:
		m.whole("obdSpeed", b)
	case 6:
		m.whole("coolantTemp", b)
	case 7:
		m.float("fuelConsumption", b)
	case 12:
		m.at.Attributes.SetString("dtcs", string(b))
	case 13:
		m.whole("throttle", b)
	case 14:
		m.whole("engineLoad", b)
	case 15:
		m.float("fuelLevel", b)
	case 19:
		if v, ok := fields.Number(b); ok && v >= 0 {
			m.at.Attributes.SetFloat("obdOdometer", v*1000)
		}
	}
}

// obd reads OBD data: after the name the report type and the mask. The last
// bits are the location and the cell.
func (m *message) obd() {
	const place = 21
	i := m.head
	mask, ok := fields.HexNumber(m.field(i + 1))
	if !ok || i+1 >= m.sent {
		return
	}
	i += 2
	end := m.sent
	if m.first > 4 && m.first-4 > i {
		end = m.first - 4
	}
	for bit := range place {
		if mask>>bit&1 == 0 {
			continue
		}
		if i >= end {
			return
		}
		if len(m.f[i]) > 0 {
			m.obdField(bit, m.f[i])
		}
		i++
	}
}

func (m *message) whole(name string, b []byte) {
	if v, ok := fields.Number(b); ok {
		m.at.Attributes.SetInt(name, converters.Clamp(v, math.MinInt32, 1<<53))
	}
}

func (m *message) float(name string, b []byte) {
	if v, ok := fields.Number(b); ok {
		m.at.Attributes.SetFloat(name, v)
	}
}

// afterLetters leaves out the unit in front of a number: H123, L/H1.5.
func afterLetters(b []byte) []byte {
	for len(b) > 0 && (b[0] < '0' || b[0] > '9') {
		b = b[1:]
	}
	return b
}
