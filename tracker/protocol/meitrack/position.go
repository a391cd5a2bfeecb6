package meitrack

import (
	"bytes"
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// The fields of a text position.
const (
	fieldEvent = iota
	fieldLatitude
	fieldLongitude
	fieldTime
	fieldValid
	fieldSatellites
	fieldSignal
	fieldSpeed
	fieldCourse
	fieldHDOP
	fieldAltitude
	fieldOdometer
	fieldRuntime
	fieldCell
	fieldPorts
	fieldADC
	fieldEventData
	fieldCustom
	fieldProtocol
	fieldFuel
	fieldTemperatures
	maxFields
)

const eventRFID = 37

// decodeText reads a position as text, AAA.
func (c *codec) decodeText(content []byte) ([]data.Position, error) {
	var f [maxFields][]byte
	n := len(fields.Split(f[:0], content, ','))
	if n <= fieldValid {
		return nil, fmt.Errorf("%d fields are too few for a position: %w", n, data.ErrInvalid)
	}
	latitude, ok1 := fields.Number(f[fieldLatitude])
	longitude, ok2 := fields.Number(f[fieldLongitude])
	placeless := len(f[fieldLatitude])+len(f[fieldLongitude]) == 0
	if !placeless && (!ok1 || !ok2) {
		return nil, fmt.Errorf("latitude %.20q or longitude %.20q is no number: %w", f[fieldLatitude], f[fieldLongitude], data.ErrInvalid)
	}
	out := &report{}
	p := &out.positions[0]
	*p = data.Position{Protocol: "meitrack", DeviceTime: fields.Stamp(f[fieldTime]), Attributes: out.attributes[:0]}
	if p.Outdated = placeless; !placeless {
		p.Valid = string(f[fieldValid]) == "A"
		setPlace(p, latitude, longitude)
	}
	if v, ok := fields.Number(f[fieldSpeed]); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := fields.Number(f[fieldCourse]); ok {
		p.CourseDeg = protocol.Course(v)
	}
	p.AltitudeM, _ = fields.Number(f[fieldAltitude])
	a := &p.Attributes
	event, ok := fields.Integer(f[fieldEvent])
	if ok {
		setEvent(a, int(event))
	}
	if v, ok := fields.Integer(f[fieldSatellites]); ok {
		a.SetInt("sat", int64(v))
	}
	if v, ok := fields.Number(f[fieldHDOP]); ok {
		a.SetFloat("hdop", v)
	}
	if v, ok := fields.Number(f[fieldOdometer]); ok {
		a.SetInt("odometer", converters.Clamp(v, 0, math.MaxInt64/2))
	}
	a.SetString("runtime", string(bytes.TrimSpace(f[fieldRuntime])))
	out.cell(f[fieldCell], f[fieldSignal])
	if ports := f[fieldPorts]; len(ports) == 4 {
		if v, ok := fields.HexNumber(ports); ok {
			a.SetInt("input", int64(v>>8))
			a.SetInt("output", int64(v&0xFF))
		}
	}
	c.analog(a, f[fieldADC])
	if event == eventRFID {
		a.SetString("driverUniqueId", protocol.Text(f[fieldEventData]))
	} else {
		a.SetString("eventData", protocol.Text(f[fieldEventData]))
	}
	if fuel := f[fieldFuel]; len(fuel) == 4 {
		if v, ok := fields.HexNumber(fuel); ok {
			a.SetFloat("fuel", float64(v>>8)+float64(v&0xFF)/100)
		}
	}
	form, _ := fields.Integer(f[fieldProtocol])
	temperatures(a, f[fieldTemperatures], form >= 3)
	return out.positions[:], nil
}

// setPlace puts the coordinates and their time into p.
func setPlace(p *data.Position, latitude, longitude float64) {
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

// cell reads mcc|mnc|lac|cell, the last two in hex.
func (out *report) cell(b, signal []byte) {
	p := &out.positions[0]
	var part [4][]byte
	fields.Split(part[:0], b, '|')
	mcc, ok1 := fields.Integer(part[0])
	mnc, ok2 := fields.Integer(part[1])
	lac, ok3 := fields.HexNumber(part[2])
	cell, ok4 := fields.HexNumber(part[3])
	rssi, hasSignal := fields.Integer(signal)
	if !ok1 || !ok2 || !ok3 || !ok4 || mcc <= 0 || mcc > 999 || mnc < 0 || mnc > 999 || lac > 0xFFFFFF || cell > 1<<36 {
		if hasSignal {
			p.Attributes.SetInt("rssi", int64(rssi))
		}
		return
	}
	out.towers[0] = data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: int64(cell)}
	if hasSignal {
		out.signal = int(rssi)
		out.towers[0].SignalDBm = &out.signal
	}
	out.network.CellTowers = out.towers[:]
	p.Network = &out.network
}

var adcNames = [...]string{"adc1", "adc2", "adc3"}

// analog reads adc1|adc2|adc3|battery|power in hex, or battery|power|.. in
// volts.
func (c *codec) analog(a *data.Attributes, b []byte) {
	decimal := bytes.IndexByte(b, '.') >= 0
	for i := 0; len(b) > 0; i++ {
		var part []byte
		part, b, _ = bytes.Cut(b, []byte("|"))
		if decimal {
			if v, ok := fields.Number(part); ok && i < 2 {
				a.SetFloat([...]string{"battery", "power"}[i], v)
			}
			continue
		}
		v, ok := fields.HexNumber(part)
		switch {
		case !ok:
		case i < len(adcNames):
			a.SetInt(adcNames[i], int64(v))
		case i == 3:
			a.SetFloat("battery", c.volts.of(v, c.volts.battery))
		case i == 4:
			a.SetFloat("power", c.volts.of(v, c.volts.power))
		}
	}
}

// temperatures reads NNxxxx|..: the number of a sensor and its value in
// hundredths of a degree; older devices send whole degrees and hundredths.
func temperatures(a *data.Attributes, b []byte, hundredths bool) {
	for len(b) > 0 {
		var part []byte
		part, b, _ = bytes.Cut(b, []byte("|"))
		v, ok := fields.HexNumber(part)
		if !ok || len(part) != 6 {
			continue
		}
		value := float64(int16(v)) / 100
		if !hundredths {
			whole, rest := float64(int8(v>>8)), float64(v&0xFF)/100
			if value = whole + rest; whole < 0 {
				value = whole - rest
			}
		}
		a.SetFloat(temperatureName(int(v>>16)), value)
	}
}

func temperatureName(n int) string {
	if n < len(temperatureNames) {
		return temperatureNames[n]
	}
	return fmt.Sprintf("temp%d", n)
}

var temperatureNames = [...]string{"temp0", "temp1", "temp2", "temp3", "temp4", "temp5", "temp6", "temp7", "temp8"}
