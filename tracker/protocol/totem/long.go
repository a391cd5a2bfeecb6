package totem

import (
	"bytes"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// Form 4: digits in fixed widths. The front differs by model, so that it is
// read from both ends.

const (
	latitudeSize  = len("ddmm.mmmmN")
	longitudeSize = len("dddmm.mmmmE")
	// motionSize is satellites, signal, course, speed, hdop and odometer.
	motionSize = 2 + 2 + 3 + 3 + 4 + 7
	// frontSize is the status and the time.
	frontSize = 8 + 12
)

// longAlarm is the alarm of a type of form 4.
func longAlarm(kind string) string {
	switch kind {
	case "01":
		return "sos"
	case "02":
		return "overspeed"
	case "04":
		return "geofenceExit"
	case "05":
		return "geofenceEnter"
	case "06":
		return "tow"
	case "07":
		return "gpsAntennaCut"
	case "10":
		return "powerCut"
	case "11":
		return "powerRestored"
	case "12":
		return "lowPower"
	case "13":
		return "lowBattery"
	case "40":
		return "vibration"
	case "41":
		return "idle"
	case "42":
		return "hardAcceleration"
	case "43":
		return "hardBraking"
	}
	return ""
}

// readLong reads form 4 and tells whether it is a report.
func (out *report) readLong(kind, content []byte) (bool, error) {
	switch string(kind) {
	case "E2", "E5":
		return out.readList(kind, content)
	}
	p := &out.positions[0]
	// From the end: checksum, serial number, perhaps a temperature, the place.
	end, extra := len(content)-tailSize, []byte(nil)
	if end > 4 && !isHemisphere(content[end-1], 'E', 'W') && isHemisphere(content[end-5], 'E', 'W') {
		end, extra = end-4, content[end-4:end]
	}
	place := end - latitudeSize - longitudeSize
	front := place - motionSize
	if front < frontSize || !isHemisphere(content[end-1], 'E', 'W') {
		return false, fmt.Errorf("decode form 4: no place where it should be: %w", data.ErrInvalid)
	}
	latitude, ok1 := fields.Coordinate(content[place:place+latitudeSize-1], content[place+latitudeSize-1:place+latitudeSize])
	longitude, ok2 := fields.Coordinate(content[place+latitudeSize:end-1], content[end-1:end])
	status, ok3 := fields.HexNumber(content[:8])
	if !ok1 || !ok2 || !ok3 {
		return false, fmt.Errorf("decode form 4: status or place is unreadable: %w", data.ErrInvalid)
	}
	p.DeviceTime = fields.Stamp(content[8:frontSize])
	if p.DeviceTime.IsZero() {
		return false, fmt.Errorf("decode form 4: %q is no time: %w", content[8:frontSize], data.ErrInvalid)
	}
	a := &p.Attributes
	if alarm := longAlarm(string(kind)); alarm != "" {
		a.AddAlarm(alarm)
	}
	motion := content[front:place]
	signal, _ := fields.Integer(motion[2:4])
	secondTemperature := out.readFront(content[frontSize:front], int(signal))
	gpsBit := 18
	if secondTemperature {
		gpsBit = 20
	}
	p.Valid = bit(status, gpsBit)
	out.setPlace(latitude, longitude)
	out.status(status)
	if v, ok := fields.Integer(motion[:2]); ok {
		a.SetInt("sat", int64(v))
	}
	a.SetInt("rssi", int64(signal))
	if v, ok := fields.Number(motion[4:7]); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := fields.Integer(motion[7:10]); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(float64(v))
	}
	if v, ok := fields.Number(motion[10:14]); ok {
		a.SetFloat("hdop", v)
	}
	if v, ok := fields.Integer(motion[14:21]); ok {
		a.SetInt("odometer", int64(v)*1000)
	}
	if v, ok := fields.Number(extra); ok {
		a.SetFloat("temp1", v/10)
	}
	return true, nil
}

func isHemisphere(c, one, other byte) bool { return c == one || c == other }

// bit reads bit n of the status, counted from the left, the highest is 1.
func bit(status uint64, n int) bool { return status>>(32-n)&1 != 0 }

// status reads the status bits.
func (out *report) status(v uint64) {
	a := &out.positions[0].Attributes
	a.SetInt("status", int64(v))
	for _, s := range [...]struct {
		bit   int
		alarm string
	}{{1, "sos"}, {3, "overspeed"}, {5, "geofenceExit"}, {6, "geofenceEnter"}, {7, "gpsAntennaCut"}} {
		if bit(v, s.bit) {
			a.AddAlarm(s.alarm)
		}
	}
	a.SetBool("ignition", bit(v, 2))
	a.SetBool("charge", bit(v, 4))
	a.SetBool("out1", bit(v, 9))
	a.SetBool("out2", bit(v, 10))
	a.SetBool("out3", bit(v, 11))
}

// readFront reads what stands between the time and the satellites, and tells
// whether a second temperature is there. The size tells which fields are:
// battery and power (2+2 digits) or battery (3), adc1 or adc1 to adc4, two
// temperatures or none, area and cell, MNC and MCC or none.
func (out *report) readFront(b []byte, signal int) (secondTemperature bool) {
	const cells, network = 8, 5
	a := &out.positions[0].Attributes
	battery, operator := 4, 0
	switch len(b) % 4 {
	case 1:
		operator = network
	case 3:
		battery = 3
	case 0:
		if (len(b) == 20 || len(b) == 28 || len(b) == 40) && isMCC(b[len(b)-3:]) {
			battery, operator = 3, network
		}
	}
	words := (len(b) - battery - operator - cells) / 4
	if words < 0 {
		return false
	}
	if battery == 4 {
		if v, ok := fields.Integer(b[:2]); ok {
			a.SetFloat("battery", float64(v)/10)
		}
		if v, ok := fields.Integer(b[2:4]); ok {
			a.SetInt("power", int64(v))
		}
	} else if v, ok := fields.Integer(b[:3]); ok {
		a.SetFloat("battery", float64(v)/100)
	}
	b = b[battery:]
	inputs, temperatures := words, 0
	switch words {
	case 3, 6:
		inputs, temperatures = words-2, 2
	case 2, 5:
		inputs, temperatures = words-1, 1
	}
	for i, name := range [...]string{"adc1", "adc2", "adc3", "adc4"} {
		if i < inputs {
			a.SetString(name, protocol.Text(b[:4]))
			b = b[4:]
		}
	}
	for i, name := range [...]string{"temp1", "temp2"} {
		if i < temperatures {
			if v, ok := fields.Integer(b[:4]); ok && v != 0 {
				a.SetFloat(name, float64(v)/10)
			}
			b = b[4:]
		}
	}
	if operator > 0 && len(b) >= cells+network {
		lac, ok1 := fields.HexNumber(b[:4])
		cell, ok2 := fields.HexNumber(b[4:8])
		mnc, ok3 := fields.Integer(b[8:10])
		mcc, ok4 := fields.Integer(b[10:13])
		if ok1 && ok2 && ok3 && ok4 && mcc > 0 {
			out.setTower(int(mcc), int(mnc), lac, cell, signal)
		}
	}
	return temperatures == 2
}

func isMCC(b []byte) bool {
	v, ok := fields.Integer(b)
	return ok && v >= 200 && v < 800
}

// readList reads the forms with commas: E2, a card, whose longitude comes
// first, and E5, the engine, whose latitude does.
func (out *report) readList(kind, content []byte) (bool, error) {
	var f [24][]byte
	body := content
	if bar := bytes.LastIndexByte(body, '|'); bar >= 0 {
		body = body[:bar]
	}
	fields.Split(f[:0], body, ',')
	p := &out.positions[0]
	p.DeviceTime = fields.Stamp(f[0])
	longitude, ok1 := fields.Number(f[1])
	latitude, ok2 := fields.Number(f[2])
	if p.DeviceTime.IsZero() || !ok1 || !ok2 {
		return false, fmt.Errorf("decode %s: time or place is unreadable: %w", kind, data.ErrInvalid)
	}
	if string(kind) == "E5" {
		latitude, longitude = longitude, latitude
	}
	if latitude > 90 || latitude < -90 {
		latitude, longitude = longitude, latitude
	}
	p.Valid = true
	out.setPlace(latitude, longitude)
	a := &p.Attributes
	if string(kind) == "E2" {
		a.SetString("driverUniqueId", protocol.Text(f[3]))
		return true, nil
	}
	a.SetString("versionFw", protocol.Text(f[3]))
	for i, e := range engine {
		v, ok := fields.Number(f[4+i])
		if !ok || e.name == "" {
			continue
		}
		if e.whole {
			a.SetInt(e.name, converters.Clamp(v, -1<<31, 1<<53))
		} else {
			a.SetFloat(e.name, v*e.factor)
		}
	}
	return true, nil
}

// engine are the fields of E5 behind the version.
var engine = [...]struct {
	name   string
	factor float64
	whole  bool
}{
	{name: "odometer", factor: 1000},
	{name: "fuelUsed", factor: 1},
	{name: "fuelConsumption", factor: 1},
	{name: "power", factor: 0.001},
	{name: "rpm", whole: true},
	{name: "obdSpeed", whole: true},
	{name: "intakeFlow", factor: 1},
	{name: "intakePressure", factor: 1},
	{name: "coolantTemp", whole: true},
	{name: "intakeTemp", whole: true},
	{name: "engineLoad", whole: true},
	{name: "throttle", whole: true},
	{name: "fuel", factor: 1},
}
