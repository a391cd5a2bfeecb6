package gl200

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// Bluetooth accessories announce their fields by a mask of four hex digits.

// accessoryWidths says how many fields each bit of the mask stands for.
var accessoryWidths = [16]int{
	1, // 0 name
	1, // 1 address
	1, // 2 status
	1, // 3 battery, mV
	1, // 4 temperature
	1, // 5 humidity
	1, // 6 reserved
	2, // 7 outputs and inputs
	3, // 8 event: kind, state, value
	1, // 9 tyre pressure
	1, // 10 time
	1, // 11 finer temperature
	3, // 12 magnet: id, count, state
	1, // 13 battery, per cent
	2, // 14 relay
	1, // 15 reserved
}

// accessoryNames are the names of the attributes by bit.
type accessoryNames [16]string

// bluetooth reads the accessories of ERI: a count, and per accessory index,
// type, model, raw data, mask and what it announces.
func (m *message) bluetooth(i int) {
	if i >= m.sent {
		return
	}
	count, _ := fields.Integer(m.f[i])
	i++
	for n := 1; n <= int(count) && i < m.sent; n++ {
		mask := m.maskField(i+3, 3)
		if mask == 0 {
			return
		}
		tag := "tag" + decimal(n)
		i = m.accessoryFields(mask, accessoryNames{
			0: tag + "Name", 1: tag + "Id", 3: tag + "Voltage", 4: tag + "Temp", 5: tag + "Humidity", 13: tag + "Battery",
		})
	}
}

// accessory reads BAA and BID: some numbers, the mask and what it announces.
func (m *message) accessory() {
	if mask := m.maskField(m.head, 6); mask > 0 {
		m.accessoryFields(mask, accessoryNames{
			0: "accessoryName", 1: "accessoryMac", 2: "accessoryStatus", 3: "accessoryVoltage", 4: "accessoryTemp",
			5: "accessoryHumidity", 13: "accessoryBattery",
		})
	}
}

// maskField finds the mask among the next fields, 0 if there is none.
func (m *message) maskField(i, within int) int {
	for k := i; k < i+within && k < m.sent; k++ {
		if len(m.f[k]) == 4 && fields.AllHexDigits(m.f[k]) {
			return k
		}
	}
	return 0
}

// accessoryFields reads what the mask in field i announces and returns the
// field after it.
func (m *message) accessoryFields(i int, names accessoryNames) int {
	mask, _ := fields.HexNumber(m.f[i])
	i++
	for bit, width := range accessoryWidths {
		if mask>>bit&1 == 0 {
			continue
		}
		if i >= m.sent {
			return i
		}
		if names[bit] != "" && len(m.f[i]) > 0 {
			setAccessory(&m.at.Attributes, names[bit], bit, m.f[i])
		}
		i += width
	}
	return i
}

func setAccessory(a *data.Attributes, name string, bit int, b []byte) {
	switch bit {
	case 0, 1:
		a.SetString(name, protocol.Text(b))
	case 2, 13:
		if v, ok := fields.Integer(b); ok {
			a.SetInt(name, int64(v))
		}
	case 3:
		if v, ok := fields.Integer(b); ok {
			a.SetFloat(name, float64(v)/1000)
		}
	default:
		if v, ok := fields.Number(b); ok {
			a.SetFloat(name, v)
		}
	}
}
