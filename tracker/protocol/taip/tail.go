package taip

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// longTail is the size of the shortest tail of the second form.
const longTail = 2 + 2 + 3 + 8 + 1

// tail reads what follows the place: one of two forms that its size tells
// apart.
func (m *message) tail(s string, commas bool) {
	s, list, _ := strings.Cut(s, ",")
	c := cursor{s}
	if len(s) >= longTail {
		m.longTail(&c)
		return
	}
	a := &m.at.Attributes
	if fix := c.take(1); fix != "" {
		m.valid(fix)
	}
	c.take(2) // age
	m.input(c.take(2))
	if commas {
		m.machine(list)
		return
	}
	m.eventCode(c.take(2))
	if v, ok := number(c.take(2)); ok {
		a.SetInt("hdop", v)
	}
}

// cursor takes characters from the front of a text.
type cursor struct{ rest string }

// take returns the next n characters, "" if there are not that many.
func (c *cursor) take(n int) string {
	if len(c.rest) < n {
		c.rest = ""
		return ""
	}
	s := c.rest[:n]
	c.rest = c.rest[n:]
	return s
}

func (m *message) valid(fix string) { m.at.Valid = fix != "0" && !m.at.Outdated }

// input reads the inputs, of which the highest is the ignition.
func (m *message) input(s string) {
	if v := hexValue(s); v >= 0 {
		m.at.Attributes.SetInt("input", v)
		m.at.Attributes.SetBool("ignition", v&0x80 != 0)
	}
}

// longTail reads the form with voltage and odometer, which may have a report of
// the receiver, of the modem and two temperatures behind.
func (m *message) longTail(c *cursor) {
	a := &m.at.Attributes
	m.input(c.take(2))
	setHex(a, "output", c.take(2))
	if v, ok := number(c.take(3)); ok {
		a.SetFloat("battery", float64(v)/100)
	}
	setHex(a, "odometer", c.take(8))
	a.SetBool("gps", c.take(1) == "1")
	if fix := c.take(1); fix != "" {
		m.valid(fix)
	}
	setNumber(a, "pdop", c.take(2))
	setNumber(a, "sat", c.take(2))
	c.take(4 + 1 + 1) // age, state of modem and network
	setNumber(a, "rssi", c.take(2))
	for _, key := range [...]string{"temp1", "temp2"} {
		if v, ok := signed(c.take(4)); ok {
			a.SetFloat(key, float64(v)/100)
		}
		c.take(2) // age
	}
}

// setNumber sets a whole number, which may have a sign.
func setNumber(a *data.Attributes, key, s string) {
	if v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
		a.SetInt(key, v)
	}
}

// machine reads the list of RUS messages: flow, odometer, voltages, engine
// speed, perhaps two temperatures, and last the event.
func (m *message) machine(list string) {
	a := &m.at.Attributes
	f := strings.SplitN(list, ",", 16)
	if len(f) < 5 {
		return
	}
	setNumber(a, "odometer", f[1])
	m.voltages(f[2], "power", "battery")
	setNumber(a, "rpm", f[3])
	if len(f) >= 7 {
		setNumber(a, "temp1", f[4])
		setNumber(a, "temp2", f[5])
	}
	if v := hexValue(f[len(f)-1]); v >= 0 {
		m.event(v, true)
	}
}

// voltages reads two voltages of four digits in 1/100 V.
func (m *message) voltages(s, first, second string) {
	if len(s) == 8 && isNumber(s) {
		m.at.Attributes.SetFloat(first, float64(decimal(s[:4]))/100)
		m.at.Attributes.SetFloat(second, float64(decimal(s[4:]))/100)
	}
}

// akrozAlarms are the events of RUV messages.
var akrozAlarms = map[int64]string{
	104: "overspeed", 106: "overspeed", 109: "highRpm", 111: "idle", 119: "temperature", 120: "hardAcceleration",
	121: "hardBraking", 122: "hardCornering", 127: "powerCut", 128: "powerRestored", 129: "lowBattery",
}

// readAkroz reads RUV: type and event, model, time and place, which may be
// missing, and values that the type tells.
func (m *message) readAkroz(s string) bool {
	f := strings.SplitN(s, ",", 32)
	if len(f) < 3 || len(f[0]) < 7 || len(f[2]) < 12 || !isNumber(f[2][:12]) {
		return false
	}
	p, a := &m.at, &m.at.Attributes
	if event, ok := number(f[0][len(f[0])-3:]); ok {
		a.SetInt("event", event)
		a.AddAlarm(akrozAlarms[event])
	}
	p.DeviceTime = dateTime(f[2])
	if _, ok := m.place(f[2][12:], converters.KnotsFromKmh(1)); !ok {
		p.Outdated, p.Valid = true, false
	}
	values := f[3:]
	value := func(i int) string {
		if i < len(values) {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	switch f[0][3:5] {
	case "00":
		m.voltages(value(0), "battery", "power")
		a.SetString("serial", value(1))
		a.SetString("versionFw", value(2))
		a.SetString("versionHw", value(3))
	case "01":
		m.voltages(value(0), "battery", "power")
		if minutes, ok := number(value(4)); ok && minutes < 1<<40 {
			a.SetInt("hours", minutes*60000)
		}
		for i, key := range [...]string{"odometer", "rpm", "coolantTemp", "oilPressure", "fuelLevel"} {
			setNumber(a, key, value(5+i))
		}
		a.SetString("driverUniqueId", value(13))
	case "02":
		setNumber(a, "tripTime", value(8))
		setNumber(a, "tripDistance", value(9))
		if v, ok := number(value(10)); ok {
			a.SetFloat("fuelUsed", float64(v)/10)
		}
	}
	return true
}
