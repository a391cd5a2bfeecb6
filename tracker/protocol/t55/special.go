package t55

import (
	"bytes"
	"strconv"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// trccr reads yyyymmddhhmmss, validity, latitude, longitude, speed, course,
// altitude, battery.
func (m *message) trccr(f fields.List) bool {
	p := m.at
	latitude, ok1 := fields.Number(f.At(3))
	longitude, ok2 := fields.Number(f.At(4))
	if !ok1 || !ok2 {
		return false
	}
	p.Valid = isOneOf(f.At(2), 'A')
	protocol.SetPlace(p, latitude, longitude)
	m.motion(f.At(5), f.At(6))
	if v, ok := fields.Number(f.At(7)); ok {
		p.AltitudeM = v
	}
	if t := f.At(1); len(t) >= 14 && t[0] == '2' && t[1] == '0' {
		date := [6]byte{t[6], t[7], t[4], t[5], t[2], t[3]}
		p.DeviceTime = fields.Moment(date[:], t[8:])
	}
	m.quantity("battery", f.At(8))
	return true
}

var adcNames = [...]string{"adc1", "adc2", "adc3", "adc4"}

// iop reads inputs and outputs in binary, four voltages, that of the vehicle
// and that of the battery.
func (m *message) iop(f fields.List) bool {
	a := &m.at.Attributes
	for i, name := range [...]string{"input", "output"} {
		if v, err := strconv.ParseUint(string(f.At(i+1)), 2, 32); err == nil {
			a.SetInt(name, int64(v))
		}
	}
	for i, name := range adcNames {
		m.quantity(name, f.At(i+3))
	}
	m.quantity("power", f.At(7))
	m.quantity("battery", f.At(8))
	m.at.Outdated = true
	return len(*a) > 0
}

// net reads the mobile network: id, operator, signal, MCC and MNC.
func (m *message) net(f fields.List) bool {
	a := &m.at.Attributes
	if m.id == "" { // the id of the login is the better one
		m.known(f.At(2))
	}
	a.SetString("operator", protocol.Text(f.At(3)))
	m.quantity("rssi", f.At(4))
	mcc, mnc, _ := bytes.Cut(bytes.TrimSpace(f.At(5)), []byte{' '})
	m.quantity("mcc", mcc)
	m.quantity("mnc", mnc)
	m.at.Outdated = true
	return len(*a) > 0
}

// qze reads IMEI, event, ddmmyyyy, hhmmss, latitude, longitude, speed in km/h,
// course, validity, ignition.
func (m *message) qze(f fields.List) bool {
	p := m.at
	latitude, ok1 := fields.Number(f.At(4))
	longitude, ok2 := fields.Number(f.At(5))
	if !m.known(f.At(0)) || !ok1 || !ok2 {
		return false
	}
	if date := f.At(2); len(date) == 8 && date[4] == '2' && date[5] == '0' {
		short := [6]byte{date[0], date[1], date[2], date[3], date[6], date[7]}
		p.DeviceTime = fields.Moment(short[:], f.At(3))
	}
	p.Valid = isOneOf(f.At(8), 'A')
	protocol.SetPlace(p, latitude, longitude)
	m.motion(nil, f.At(7))
	if v, ok := fields.Number(f.At(6)); ok && v >= 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if _, ok := fields.Number(f.At(1)); ok {
		m.quantity("event", f.At(1))
	} else {
		p.Attributes.SetString("event", protocol.Text(f.At(1)))
	}
	flag(p, "ignition", f.At(9))
	return true
}

// wmcs reads IMEI and groups of a name and its values.
func (m *message) wmcs(f fields.List) bool {
	p := m.at
	if !m.known(f.At(1)) {
		return false
	}
	var date, clock []byte
	var latitude, longitude float64
	var hasLatitude, hasLongitude bool
	for i := 2; i < len(f); i++ {
		value := f.At(i + 1)
		switch name := string(f[i]); name {
		case "ALARM":
			p.Attributes.SetString("alarm", protocol.Text(value))
		case "GPSE":
			// The kind of fix and its validity; some leave one of them out.
			p.Valid = isOneOf(value, 'A') || isOneOf(f.At(i+2), 'A')
		case "D":
			date = value
		case "T":
			clock = value
		case "S":
			visible, used, _ := bytes.Cut(value, []byte{':'})
			m.quantity("satVisible", visible)
			m.quantity("sat", used)
		case "La":
			latitude, hasLatitude = fields.Number(value)
			if isOneOf(f.At(i+2), 'S') {
				latitude = -latitude
			}
			i++
		case "Lo":
			longitude, hasLongitude = fields.Number(value)
			if isOneOf(f.At(i+2), 'W') {
				longitude = -longitude
			}
			i++
		case "H":
			m.motion(nil, value)
		case "V":
			if v, ok := fields.Number(value); ok && v >= 0 {
				p.SpeedKnots = converters.KnotsFromKmh(v)
			}
		case "DD":
			m.quantity("totalDistance", value)
		default:
			if len(name) > 4 && name[:4] == "GPSE" {
				p.Valid = isOneOf(value, 'A')
				break
			}
			continue
		}
		i++ // the value
	}
	p.DeviceTime = fields.Moment(date, clock)
	if hasLatitude && hasLongitude {
		protocol.SetPlace(p, latitude, longitude)
		return true
	}
	p.Outdated, p.Valid = true, false
	return len(p.Attributes) > 0
}
