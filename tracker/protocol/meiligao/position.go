package meiligao

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// timestamp reads ddmmyy and hhmmss.sss. Digits in front of the last six of
// the whole seconds are something else.
func timestamp(date, clock []byte) time.Time {
	whole, fraction, _ := bytes.Cut(clock, []byte("."))
	if len(whole) > 6 {
		whole = whole[len(whole)-6:]
	}
	t := fields.Moment(date, whole)
	if n := len(fraction); n > 0 && n <= 9 && !t.IsZero() {
		if v, ok := fields.Integer(fraction); ok && v > 0 {
			t = t.Add(time.Duration(math.Round(float64(v)/math.Pow10(n)*1000)) * time.Millisecond)
		}
	}
	return t
}

// setPlace puts the coordinates and their time into p.
func setPlace(p *data.Position, latitude, longitude float64) {
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

// position reads the text of a position: the fields of an RMC sentence, then
// parts between bars, which may stop anywhere.
func (c *codec) position(text []byte, code byte, archive bool, p *data.Position, out *report) error {
	sentence, rest, _ := bytes.Cut(text, []byte("|"))
	if star := bytes.IndexByte(sentence, '*'); star >= 0 {
		sentence = sentence[:star]
	}
	var f [9][]byte
	if n := len(fields.Split(f[:0], sentence, ',')); n < len(f) {
		return fmt.Errorf("%d fields are too few for a position: %w", n, data.ErrInvalid)
	}
	*p = data.Position{Protocol: "meiligao", DeviceTime: timestamp(bytes.TrimSpace(f[8]), f[0]), Attributes: out.attributes[:0]}
	latitude, ok1 := fields.Coordinate(f[2], f[3])
	longitude, ok2 := fields.Coordinate(f[4], f[5])
	switch fix := !p.DeviceTime.IsZero() && ok1 && ok2; {
	case fix:
		p.Valid = string(f[1]) == "A"
		setPlace(p, latitude, longitude)
		if v, ok := fields.Number(f[6]); ok && v > 0 {
			p.SpeedKnots = v
		}
		if v, ok := fields.Number(f[7]); ok {
			p.CourseDeg = protocol.Course(v)
		}
	case alarms[code] != "" || c.tk218 && tk218Alarms[code] != "": // no fix is no reason to lose it
		p.Outdated = true
	default:
		return fmt.Errorf("time or place is unreadable, there is no fix yet: %w", data.ErrInvalid)
	}
	if archive {
		p.Attributes.SetBool("archive", true)
	}
	out.parts(p, rest)
	if code != 0 {
		c.alarm(&p.Attributes, code)
	}
	return nil
}

const (
	lowestM  = -12262
	highestM = 18000
)

// parts reads hdop|altitude|state|inputs and what follows, which is told apart
// by its size: a cell of 16 or 20 hex digits, then signal, odometer,
// satellites, driver; or an odometer in decimal, then a card.
func (out *report) parts(p *data.Position, rest []byte) {
	if len(rest) == 0 {
		return
	}
	var f [12][]byte
	n := len(fields.Split(f[:0], rest, '|'))
	a := &p.Attributes
	if v, ok := fields.Number(f[0]); ok {
		a.SetFloat("hdop", v)
	}
	if v, ok := fields.Number(f[1]); ok && v >= lowestM && v <= highestM {
		p.AltitudeM = v
	}
	if v, ok := fields.HexNumber(f[2]); ok && len(f[2]) == 4 {
		out.state(a, v)
	}
	i := 3
	for i < n && bytes.IndexByte(f[i], ',') < 0 && len(f[i]) < 9 && i < 5 {
		i++ // what some models put in between
	}
	if i < n && bytes.IndexByte(f[i], ',') >= 0 {
		var values [8][]byte
		for k, value := range fields.Split(values[:0], f[i], ',') {
			if v, ok := fields.HexNumber(value); ok {
				a.SetInt(adcNames[k], int64(v))
			}
		}
		i++
	}
	if i >= n {
		return
	}
	if len(f[i]) >= 16 && len(f[i]) <= 20 {
		out.cellParts(p, f[i:n])
		return
	}
	if v, ok := fields.Integer(f[i]); ok && len(f[i]) >= 9 && v >= 0 {
		a.SetInt("odometer", int64(v))
		if i+1 < n {
			out.card(a, f[i+1])
		}
	}
}

var adcNames = [...]string{"adc1", "adc2", "adc3", "adc4", "adc5", "adc6", "adc7", "adc8"}

func (out *report) card(a *data.Attributes, b []byte) {
	if card := protocol.Text(b); card != "" && len(bytes.Trim(b, "0")) > 0 {
		a.SetString("card", card)
	}
}

// cellParts reads the cell and what follows it.
func (out *report) cellParts(p *data.Position, f [][]byte) {
	part := func(i int) []byte {
		if i < len(f) {
			return f[i]
		}
		return nil
	}
	a := &p.Attributes
	mcc, ok1 := fields.HexNumber(f[0][:4])
	mnc, ok2 := fields.HexNumber(f[0][4:8])
	lac, ok3 := fields.HexNumber(f[0][8:12])
	cell, ok4 := fields.HexNumber(f[0][12:])
	rssi, hasSignal := fields.HexNumber(part(1))
	if ok1 && ok2 && ok3 && ok4 && mcc > 0 && mcc <= 999 && mnc <= 999 {
		out.towers[0] = data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: int64(cell)}
		out.network.CellTowers = out.towers[:]
		p.Network = &out.network
	}
	if hasSignal && rssi <= 0xFF {
		a.SetInt("rssi", int64(rssi))
	}
	if v, ok := fields.HexNumber(part(2)); ok && v <= math.MaxUint32 {
		a.SetInt("odometer", int64(v))
	}
	if v, ok := fields.HexNumber(part(3)); ok && v <= 0xFF {
		a.SetInt("sat", int64(v))
	}
	out.card(a, part(4))
}

// state reads the outputs (bits 0 to 4) and the inputs (bits 8 to 12).
func (out *report) state(a *data.Attributes, v uint64) {
	a.SetInt("status", int64(v))
	for i, name := range [...]string{"out1", "out2", "out3", "out4", "out5"} {
		a.SetBool(name, v>>i&1 != 0)
	}
	for i, name := range [...]string{"in1", "in2", "in3", "in4", "in5"} {
		a.SetBool(name, v>>(8+i)&1 != 0)
	}
}

// alarm reads the code of an alarm. Inputs that change are no alarm.
func (c *codec) alarm(a *data.Attributes, code byte) {
	a.SetInt("event", int64(code))
	if c.tk218 {
		if alarm := tk218Alarms[code]; alarm != "" {
			a.AddAlarm(alarm)
			return
		}
	}
	switch {
	case code >= 0x02 && code <= 0x05:
		a.SetInt(inputNames[code&15], 1)
	case code >= 0x32 && code <= 0x35:
		a.SetInt(inputNames[code&15], 0)
	default:
		a.AddAlarm(alarms[code])
	}
}

var inputNames = [...]string{2: "in2", 3: "in3", 4: "in4", 5: "in5"}

var alarms = map[byte]string{
	0x01: "sos", 0x10: "lowBattery", 0x11: "overspeed", 0x12: "movement", 0x13: "geofenceEnter", 0x14: "accident", 0x50: "powerOff",
	0x53: "gpsAntennaCut", 0x72: "hardBraking", 0x73: "hardAcceleration",
}

// tk218Alarms are the codes that mean something else in the TK218.
var tk218Alarms = map[byte]string{
	0x13: "geofence", 0x60: "fatigueDriving", 0x71: "hardBraking", 0x72: "hardAcceleration", 0x73: "accident", 0x74: "idle",
}
