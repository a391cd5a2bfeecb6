package gl200

import (
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// voltage reads the field after the name of a periodic report: the supply in
// mV. Small numbers there are something else. Some models put a temperature
// and the battery level between the number of points and the first one.
func (m *message) voltage() {
	a := &m.at.Attributes
	end := m.sent
	if m.first > 4 {
		end = m.first - 4
	}
	if m.head >= end {
		return
	}
	setVolts(a, "power", m.f[m.head])
	if m.first == 0 || end-m.head < 5 || !hasPoint(m.f[end-2]) {
		return
	}
	if v, ok := percent(m.f[end-1]); ok {
		a.SetInt("batteryLevel", v)
	}
	if v, ok := fields.Number(m.f[end-2]); ok {
		a.SetFloat("temp1", v)
	}
}

// afterCell returns the first field after the cell of the last location.
func (m *message) afterCell() int { return m.last + 7 }

// appended reads the append mask after a cell: bit 0 announces satellites, bit
// 1 what triggered the report. It returns the next field.
func (m *message) appended(i int) int {
	mask := m.field(i)
	if i >= m.sent || hasPoint(mask) {
		return i // an odometer already
	}
	i++
	if len(mask) != 2 || mask[0] != '0' || mask[1] < '1' || mask[1] > '3' {
		return i
	}
	if mask[1]&1 != 0 {
		if v, ok := fields.Integer(m.field(i)); ok && i < m.sent {
			m.at.Attributes.SetInt("sat", int64(v))
		}
		i++
	}
	if mask[1]&2 != 0 {
		i++
	}
	return i
}

// tail reads what follows the last location of a periodic report, and returns
// the field after the status word (0 if there is none).
func (m *message) tail(extended bool) int {
	if m.last == 0 {
		return 0
	}
	i := m.afterCell()
	status := 0
	for k := i + 2; k < m.sent; k++ {
		if isStatus(m.f[k]) {
			status = k
			break
		}
	}
	if status == 0 && !extended && m.handheld(i) {
		return 0
	}
	i = m.appended(i)
	m.odometer(i)
	m.hours(i + 1)
	battery := i + 4
	if status > 0 {
		battery = status - 1
	}
	for n := 1; n <= 3 && i+1+n < battery && i+1+n < m.sent; n++ {
		if n == 2 && m.model.noADC2 || n == 3 && !m.model.adc3 {
			continue
		}
		m.adc(n, m.f[i+1+n])
	}
	if battery < m.sent && battery > i {
		if v, ok := percent(m.f[battery]); ok {
			m.at.Attributes.SetInt("batteryLevel", v)
		}
	}
	if status == 0 {
		return 0
	}
	m.status(m.f[status])
	if !extended {
		a := &m.at.Attributes
		if v, ok := fields.Integer(m.field(status + 1)); ok && status+1 < m.sent {
			a.SetInt("rpm", int64(v))
		}
		for k, name := range [...]string{"fuelConsumption", "fuel"} {
			if v, ok := fields.Number(m.field(status + 2 + k)); ok && status+2+k < m.sent {
				a.SetFloat(name, v)
			}
		}
	}
	return status + 1
}

// handheld reads the tails of the GL series, which have no status word: a
// reserved field or odometer, then the battery level, perhaps with the signal
// in between; or report type, battery mV, level, mode, motion, temperature.
func (m *message) handheld(i int) bool {
	a := &m.at.Attributes
	rest := m.f[min(i, m.sent):m.sent]
	switch {
	case len(rest) >= 6 && len(rest[1]) >= 1 && len(rest[1]) <= 2 && fields.AllDigits(rest[1]) && isFlag(rest[4]) && isFlag(rest[5]):
		if v, ok := fields.Integer(rest[2]); ok {
			a.SetFloat("battery", float64(v)/1000)
		}
		if v, ok := percent(rest[3]); ok {
			a.SetInt("batteryLevel", v)
		}
		if len(rest[5]) == 1 {
			a.SetBool("motion", rest[5][0] == '1')
		}
		if len(rest) > 6 && hasPoint(rest[6]) {
			v, _ := fields.Number(rest[6])
			a.SetFloat("temp1", v)
		}
	case len(rest) == 2:
		m.odometer(i)
		if hasPoint(rest[1]) {
			m.odometer(i + 1)
		} else if v, ok := percent(rest[1]); ok {
			a.SetInt("batteryLevel", v)
		}
	case len(rest) == 3:
		v, ok := percent(rest[2])
		if !ok {
			return false
		}
		a.SetInt("batteryLevel", v)
		m.odometer(i)
		if hasPoint(rest[1]) {
			m.odometer(i + 1)
			return true
		}
		m.signal(rest)
	default:
		return false
	}
	return true
}

// signal reads the signal in front of the battery level; then the report type
// tells motion and charging.
func (m *message) signal(rest [][]byte) {
	a := &m.at.Attributes
	rssi, ok := fields.Integer(rest[1])
	if ok && rssi < 0 { // the error rate, unknown
		rssi, ok = fields.Integer(rest[0])
	}
	if !ok {
		return
	}
	a.SetInt("rssi", int64(rssi))
	if m.first <= 6 {
		return
	}
	if kind, ok := fields.Integer(m.f[m.first-6]); ok {
		a.SetBool("motion", kind&1 != 0)
		a.SetBool("charge", kind&2 != 0)
	}
}

func isFlag(b []byte) bool { return len(b) == 0 || len(b) == 1 && (b[0] == '0' || b[0] == '1') }

// shortTail reads what follows the location of other reports: an odometer, a
// hour meter, or the battery level as the only further number.
func (m *message) shortTail() {
	i := m.appended(m.afterCell())
	if i+1 == m.sent && !hasPoint(m.f[i]) {
		if v, ok := percent(m.f[i]); ok {
			m.at.Attributes.SetInt("batteryLevel", v)
		}
		return
	}
	for ; i < m.sent; i++ {
		if hasPoint(m.f[i]) {
			m.odometer(i)
			return
		}
		m.hours(i)
	}
}

// odometer reads kilometres.
func (m *message) odometer(i int) {
	if i < m.sent && hasPoint(m.field(i)) {
		if v, ok := fields.Number(m.f[i]); ok {
			m.at.Attributes.SetFloat("odometer", math.Round(v*1e6)/1e3)
		}
	}
}

// hours reads an hour meter, hhhhh:mm:ss.
func (m *message) hours(i int) {
	b := m.field(i)
	n := len(b)
	if i >= m.sent || n < 7 || b[n-3] != ':' || b[n-6] != ':' {
		return
	}
	h, ok1 := fields.Integer(b[:n-6])
	minutes, ok2 := fields.Integer(b[n-5 : n-3])
	s, ok3 := fields.Integer(b[n-2:])
	if ok1 && ok2 && ok3 && h >= 0 && h < 1<<24 {
		m.at.Attributes.SetInt("hours", int64(h*3600+minutes*60+s)*1000)
	}
}

var (
	adcNames  = [...]string{"", "adc1", "adc2", "adc3"}
	fuelNames = [...]string{"", "fuel1", "fuel2", "fuel3"}
)

// adc reads an analog input: mV, which some models write in hex, or F and the
// level of a fuel sensor.
func (m *message) adc(n int, b []byte) {
	if len(b) == 0 {
		return
	}
	if b[0] == 'F' {
		if v, ok := fields.Number(b[1:]); ok {
			m.at.Attributes.SetFloat(fuelNames[n], v)
			return
		}
	}
	if v, ok := fields.Integer(b); ok {
		m.at.Attributes.SetFloat(adcNames[n], float64(v)/1000)
	} else if v, ok := fields.HexNumber(b); ok && len(b) <= 4 {
		m.at.Attributes.SetFloat(adcNames[n], float64(v)/1000)
	}
}

// status reads the status word: vehicle state, inputs and outputs.
func (m *message) status(b []byte) {
	a := &m.at.Attributes
	v, _ := fields.HexNumber(b)
	if v&0x100000 != 0 {
		a.SetBool("ignition", false)
	} else if v&0x200000 != 0 {
		a.SetBool("ignition", true)
	}
	setInputs(a, int(v>>8)&0xFF)
	setOutputs(a, int(v)&0xFF)
}

func setInputs(a *data.Attributes, v int) {
	a.SetInt("input", int64(v))
	a.SetBool("in1", v&2 != 0)
	a.SetBool("in2", v&4 != 0)
}

func setOutputs(a *data.Attributes, v int) {
	a.SetInt("output", int64(v))
	a.SetBool("out1", v&1 != 0)
	a.SetBool("out2", v&2 != 0)
}

// extended reads what ERI adds: a mask in front, and its data at the end.
func (m *message) extended() {
	a := &m.at.Attributes
	mask64, ok := fields.HexNumber(m.field(m.head))
	mask := uint32(mask64)
	if !ok {
		return
	}
	if m.head+1 < m.sent && m.head+1 != m.first-4 {
		setVolts(a, "power", m.f[m.head+1])
	}
	if m.last == 0 {
		return
	}
	i := m.afterCell()
	switch {
	case m.model.gl5:
		i = m.appended(i + 2)
		if v, ok := percent(m.field(i)); ok && i < m.sent {
			a.SetInt("batteryLevel", v)
		}
		if v := m.field(i + 2); i+2 < m.sent && len(v) == 1 {
			a.SetBool("motion", v[0] == '1')
		}
		return
	case m.model.gl320m:
		m.odometer(i)
		if v, ok := percent(m.field(i + 1)); ok && i+1 < m.sent {
			a.SetInt("batteryLevel", v)
		}
		if v, ok := percent(m.field(i + 2)); ok && i+2 < m.sent && mask&(1<<7) != 0 {
			a.SetInt("battery2Level", v)
		}
		return
	case m.model.gv200:
		i = m.appended(i)
		m.odometer(i)
		m.hours(i + 1)
		for n := 1; n <= 3 && i+1+n < m.sent; n++ {
			m.adc(n, m.f[i+1+n])
		}
		if v, ok := fields.HexNumber(m.field(i + 5)); ok && i+5 < m.sent {
			setInputs(a, int(v)&0xFF)
		}
		if v, ok := fields.HexNumber(m.field(i + 6)); ok && i+6 < m.sent {
			setOutputs(a, int(v)&0xFF)
		}
		m.masked(mask, i+8)
		return
	}
	if next := m.tail(true); next > 0 {
		m.masked(mask, next+1) // after the type of the serial port
	}
}

// masked reads the data that the mask of ERI announces.
func (m *message) masked(mask uint32, i int) {
	a := &m.at.Attributes
	take := func() []byte {
		i++
		if i > m.sent {
			return nil
		}
		return m.f[i-1]
	}
	if mask&1 != 0 {
		if v, ok := fields.HexNumber(take()); ok {
			a.SetInt("fuel", int64(v))
		}
	}
	if mask&2 != 0 {
		count, _ := fields.Integer(take())
		for n := 1; n <= int(count) && i+3 <= m.sent; n++ {
			take() // id
			take() // type
			value := take()
			if v, ok := fields.HexNumber(value); ok && len(value) == 4 {
				a.SetFloat("temp"+decimal(n), float64(int16(v))*0.0625)
			}
		}
	}
	if mask&4 != 0 {
		i = m.can(i)
	}
	if mask&(1<<3|1<<4) != 0 {
		i = m.fuelSensors(mask, i)
	}
	if mask&(1<<8) != 0 {
		m.bluetooth(i)
	}
}

// fuelSensors reads the count, and per sensor its id, type, level and volume
// as the mask says.
func (m *message) fuelSensors(mask uint32, i int) int {
	if i >= m.sent {
		return i
	}
	count, _ := fields.Integer(m.f[i])
	i++
	for n := 1; n <= int(count) && i+2 <= m.sent; n++ {
		i += 2 // id and type
		if mask&(1<<3) != 0 {
			if v, ok := fields.Number(m.field(i)); ok && i < m.sent {
				m.at.Attributes.SetFloat(numbered("fuel", "", n), v)
			}
			i++
		}
		if mask&(1<<4) != 0 {
			if v, ok := fields.Number(m.field(i)); ok && i < m.sent {
				m.at.Attributes.SetFloat(numbered("fuel", "Volume", n), v)
			}
			i++
		}
	}
	return i
}

func numbered(front, back string, n int) string { return front + decimal(n) + back }

func decimal(n int) string {
	if n < 10 {
		return "0123456789"[n : n+1]
	}
	return decimal(n/10) + decimal(n%10)
}
