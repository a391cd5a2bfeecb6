package gl200

import (
	"bytes"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// alarms are the alarms that a message type stands for.
var alarms = map[string]string{
	"SOS": "sos", "SPD": "overspeed", "TOW": "tow", "IDL": "idle", "PNA": "powerOn", "PFA": "powerOff",
	"EPN": "powerRestored", "MPN": "powerRestored", "EPF": "powerCut", "MPF": "powerCut", "BPL": "lowBattery",
	"STT": "movement", "SWG": "geofence", "TMP": "temperature", "TEM": "temperature", "JDR": "jamming", "JDS": "jamming",
}

// attributes reads what a report says beside its places.
func (m *message) attributes() {
	a := &m.at.Attributes
	if m.kind != "FRI" && m.kind != "ERI" {
		a.AddAlarm(alarms[m.kind])
	}
	switch m.kind {
	case "FRI", "RTL", "STR", "CTN", "DOG", "GEO":
		m.voltage()
		m.tail(false)
		return
	case "ERI":
		m.extended()
		return
	case "INF":
		m.information()
		return
	case "VER":
		a.SetString("model", m.text(m.head))
		for i, name := range [...]string{"versionFw", "versionHw"} {
			if v, ok := fields.HexNumber(m.field(m.head + 1 + i)); ok && m.head+1+i < m.sent {
				a.SetInt(name, int64(v))
			}
		}
		return
	case "OBD":
		m.obd()
	case "CAN":
		m.can(m.head)
	case "IGN", "VGN":
		a.SetBool("ignition", true)
	case "IGF", "VGF":
		a.SetBool("ignition", false)
	case "NMR":
		if m.first > 6 {
			a.SetBool("motion", lowNibble(m.f[m.first-6]) == 1)
		}
	case "IGL":
		if m.first > 6 {
			a.SetBool("ignition", lowNibble(m.f[m.first-6]) == 1)
		}
	case "HBM":
		m.harsh()
	case "DIS":
		m.digitalInput()
	case "STT":
		i := m.head
		if m.first > 5 {
			i = m.first - 5
		}
		setState(a, m.field(i))
	case "BPL":
		i := m.head
		if m.first > 5 {
			i = m.first - 5
		}
		if v, ok := fields.Number(m.field(i)); ok && i < m.sent {
			a.SetFloat("battery", v)
		}
	case "IDA":
		i := m.head + 1
		if m.first > 7 {
			i = m.first - 7
		}
		if i < m.sent {
			a.SetString("driverUniqueId", m.text(i))
		}
	case "LSW", "TSW":
		name := "in1"
		if m.kind == "TSW" {
			name = "in2"
		}
		if m.first > 5 {
			a.SetBool(name, string(m.f[m.first-5]) == "1")
		}
	case "DAR":
		m.warning()
	case "DTT":
		m.serialPort()
	case "DAT":
		m.deviceData()
	case "BAA", "BID":
		m.accessory()
	case "WIF":
		if v, ok := percent(m.field(m.sent - 1)); ok {
			a.SetInt("batteryLevel", v)
		}
	}
	if m.last > 0 {
		m.shortTail()
	}
}

func lowNibble(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	d, ok := fields.HexDigit(b[len(b)-1])
	if !ok {
		return -1
	}
	return int(d)
}

func percent(b []byte) (int64, bool) {
	v, ok := fields.Integer(b)
	return int64(v), ok && v >= 0 && v <= 100
}

// setState reads the state of a vehicle: two hex digits.
func setState(a *data.Attributes, state []byte) {
	switch string(state) {
	case "16", "1A", "12":
		a.SetBool("ignition", false)
		a.SetBool("motion", true)
	case "11":
		a.SetBool("ignition", false)
		a.SetBool("motion", false)
	case "21":
		a.SetBool("ignition", true)
		a.SetBool("motion", false)
	case "22":
		a.SetBool("ignition", true)
		a.SetBool("motion", true)
	case "41":
		a.SetBool("motion", false)
	case "42":
		a.SetBool("motion", true)
	}
}

func (m *message) harsh() {
	if m.first <= 6 {
		return
	}
	switch lowNibble(m.f[m.first-6]) {
	case 0, 3:
		m.at.Attributes.AddAlarm("hardBraking")
	case 1, 4:
		m.at.Attributes.AddAlarm("hardAcceleration")
	case 2:
		m.at.Attributes.AddAlarm("hardCornering")
	}
}

// digitalInput reads the number of an input and its state, a hex digit each.
func (m *message) digitalInput() {
	if m.first <= 6 || len(m.f[m.first-6]) != 2 {
		return
	}
	v, ok := fields.HexNumber(m.f[m.first-6])
	if !ok || v>>4 == 0 {
		return
	}
	m.at.Attributes.SetBool("in"+string("0123456789abcdef"[v>>4]), v&15 == 1)
}

// warning reads the warnings of a driver camera.
func (m *message) warning() {
	a := &m.at.Attributes
	kind, ok := fields.Integer(m.field(m.head))
	if !ok {
		return
	}
	if kind != 1 {
		a.SetInt("warningType", int64(kind))
		return
	}
	a.AddAlarm("fatigueDriving")
	if v, ok := fields.Integer(m.field(m.head + 1)); ok {
		a.SetInt("fatigueDegree", int64(v))
	}
}

// serialPort reads what came through the serial port: the longest field of hex
// digits.
func (m *message) serialPort() {
	end := m.sent
	if m.first > 4 {
		end = m.first - 4
	}
	var best []byte
	for i := m.head; i < end; i++ {
		if len(m.f[i])%2 == 0 && len(m.f[i]) > len(best) && fields.AllHexDigits(m.f[i]) {
			best = m.f[i]
		}
	}
	if len(best) < 4 {
		return
	}
	content := make([]byte, len(best)/2)
	for i := range content {
		high, _ := fields.HexDigit(best[2*i])
		low, _ := fields.HexDigit(best[2*i+1])
		content[i] = high<<4 | low
	}
	if rest, ok := bytes.CutPrefix(content, []byte("COMB,")); ok {
		for part := range bytes.SplitSeq(rest, []byte(",")) {
			if hasPoint(part) {
				v, _ := fields.Number(part)
				m.at.Attributes.SetFloat("fuel", v)
				return
			}
		}
	}
	m.at.Attributes.SetString("result", protocol.Text(content))
}

// deviceData reads the text of DAT: after the report type and two reserved
// fields if a location follows, else right after the name.
func (m *message) deviceData() {
	from, to := m.head, m.sent
	if m.first > 4 {
		from, to = m.head+3, m.first-4
	}
	if from < to {
		m.at.Attributes.SetString("data", protocol.Text(bytes.Join(m.f[from:to], []byte(","))))
	}
}

// setVolts sets a voltage sent in millivolts.
func setVolts(a *data.Attributes, name string, b []byte) {
	if v, ok := fields.Integer(b); ok && v > 10 {
		a.SetFloat(name, float64(v)/1000)
	}
}
