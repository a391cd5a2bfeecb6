package h02

import (
	"bytes"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// ioNames are the names of the first fields of a tail.
var ioNames = [...]string{
	"io1", "io2", "io3", "io4", "io5", "io6", "io7", "io8", "io9", "io10", "io11", "io12", "io13", "io14", "io15", "io16",
}

// position reads a sentence with a place: [result,] time, validity, latitude,
// N or S, longitude, E or W, speed, course, [battery,] date, status, tail.
func (m *message) position(p *data.Position) bool {
	north := m.findHemisphere()
	if north < 2 {
		return false
	}
	f := m.fields
	latitude, ok1 := coordinate(f[north-1])
	longitude, ok2 := coordinate(f.At(north + 1))
	if !ok1 || !ok2 {
		return false
	}
	if m.kind == "V4" && north > 3 {
		// A command was carried out: its name and parameters, and its time.
		p.Attributes.SetString("result", protocol.Text(bytes.Join(f[:north-3], []byte{','})))
	}
	rest := f.From(north + 3)
	if speed, ok := fields.Number(rest.At(0)); ok && speed >= 0 {
		p.SpeedKnots = speed
	}
	if course, ok := fields.Number(rest.At(1)); ok {
		p.CourseDeg = protocol.Course(course)
	}
	rest = rest.From(2)
	if !isDate(rest.At(0)) && isDate(rest.At(1)) {
		if level, ok := fields.Integer(rest[0]); ok {
			setBattery(p, level)
		}
		rest = rest.From(1)
	}
	var date []byte
	if _, isStatus := statusOf(rest.At(0)); !isStatus {
		date = rest.At(0)
		rest = rest.From(1)
	}
	p.DeviceTime = fields.Moment(date, f.At(north-3))
	validity := f[north-2]
	p.Valid = len(validity) == 1 && validity[0] == 'A' || fields.AllDigits(validity)
	protocol.SetPlace(p, signed(latitude, f[north]), signed(longitude, f[north+2]))
	m.tail(p, rest)
	return true
}

// findHemisphere returns the index of N or S, -1 if there is no place.
func (m *message) findHemisphere() int {
	for i := 1; i+2 < len(m.fields); i++ {
		if isOneOf(m.fields[i], 'N', 'S') && isOneOf(m.fields[i+2], 'E', 'W') {
			return i
		}
	}
	return -1
}

// tail reads the status word and what follows it: odometer, temperature, fuel,
// altitude and cell, or fields without a name.
func (m *message) tail(p *data.Position, f fields.List) {
	status, ok := statusOf(f.At(0))
	switch {
	case ok:
		f = f.From(1)
	case len(f) > 0:
		if status, ok = statusOf(f[len(f)-1]); ok {
			f = f[:len(f)-1]
		}
	}
	if ok {
		setStatus(p, status)
	}
	if m.measurements(p, f) {
		return
	}
	for i := range min(len(f), len(ioNames)) {
		name := ioNames[i]
		if m.kind == "V6" && i == 4 && len(f[i]) >= 18 {
			name = "iccid"
		}
		p.Attributes.SetString(name, protocol.Text(f[i]))
	}
}

func (m *message) measurements(p *data.Position, f fields.List) bool {
	if len(f) != 6 || bytes.IndexByte(f[2], '.') < 0 {
		return false
	}
	odometer, ok1 := fields.Integer(f[0])
	temperature, ok2 := fields.Integer(f[1])
	fuel, ok3 := fields.Number(f[2])
	altitude, ok4 := fields.Number(f[3])
	lac, ok5 := fields.HexNumber(f[4])
	cell, ok6 := fields.HexNumber(f[5])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || lac > 0xFFFF || cell > 0xFFFFFFF {
		return false
	}
	p.Attributes.SetInt("odometer", odometer)
	p.Attributes.SetInt("temp1", temperature)
	p.Attributes.SetFloat("fuel", fuel)
	p.AltitudeM = altitude
	p.Network = &data.Network{CellTowers: []data.CellTower{{LAC: int(lac), CellID: int64(cell)}}}
	return true
}

// heartbeat reads HTBT: the battery in per cent.
func (m *message) heartbeat(p *data.Position) bool {
	level, ok := fields.Integer(m.fields.At(0))
	if !ok || level < 0 || level > 100 {
		return false
	}
	p.Outdated = true
	p.Attributes.SetInt("batteryLevel", level)
	return true
}

// cells reads NBR: time, MCC, MNC, delay, count, cells, date, status.
func (m *message) cells(r *report, p *data.Position) bool {
	f := m.fields
	mcc, ok1 := fields.Integer(f.At(1))
	mnc, ok2 := fields.Integer(f.At(2))
	count, ok3 := fields.Integer(f.At(4))
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	rest := f.From(5)
	for ; count > 0 && len(rest) >= 3; count-- {
		lac, okLAC := fields.Integer(rest[0])
		cell, okCell := fields.Integer(rest[1])
		if okLAC && okCell {
			r.network.CellTowers = append(r.network.CellTowers, tower(mcc, mnc, lac, cell, rest[2]))
		}
		rest = rest[3:]
	}
	m.outdated(r, p, rest, f[0])
	return true
}

// cellsV3 reads V3: time, MCC with MNC, count, cells of five fields, battery,
// restarts, X, date, status.
func (m *message) cellsV3(r *report, p *data.Position) bool {
	f := m.fields
	operator := f.At(1)
	count, ok := fields.Integer(f.At(2))
	if !ok || len(operator) < 5 || !fields.AllDigits(operator) {
		return false
	}
	mcc, _ := fields.Integer(operator[:3])
	mnc, _ := fields.Integer(operator[3:])
	rest := f.From(3)
	for ; count > 0 && len(rest) >= 4; count-- {
		lac, okLAC := fields.Integer(rest[0])
		cell, okCell := fields.Integer(rest[1])
		if okLAC && okCell {
			r.network.CellTowers = append(r.network.CellTowers, tower(mcc, mnc, lac, cell, rest[3]))
		}
		rest = rest[4:]
	}
	for len(rest) > 0 && len(rest[0]) == 0 {
		rest = rest[1:]
	}
	if battery, ok := fields.HexNumber(rest.At(0)); ok && len(rest[0]) == 4 {
		p.Attributes.SetInt("batteryRaw", int64(battery))
	}
	m.outdated(r, p, rest.From(3), f[0])
	return true
}

// outdated ends a sentence without a place: f is date and status.
func (m *message) outdated(r *report, p *data.Position, f fields.List, clock []byte) {
	p.Outdated = true
	p.DeviceTime = fields.Moment(f.At(0), clock)
	if len(r.network.CellTowers) > 0 {
		p.Network = &r.network
	}
	if status, ok := statusOf(f.At(1)); ok {
		setStatus(p, status)
	}
}

func tower(mcc, mnc, lac, cell int64, signal []byte) data.CellTower {
	t := data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell}
	if v, ok := fields.Integer(signal); ok {
		strength := int(v)
		t.SignalDBm = &strength
	}
	return t
}

// link reads LINK: time, signal, satellites, battery, steps, turnovers, date,
// status.
func (m *message) link(p *data.Position) bool {
	f := m.fields
	if len(f) < 6 {
		return false
	}
	for i, name := range [...]string{"rssi", "sat", "batteryLevel", "steps", "turnovers"} {
		if v, ok := fields.Integer(f[i+1]); ok {
			p.Attributes.SetInt(name, v)
		}
	}
	p.Outdated = true
	p.DeviceTime = fields.Moment(f.At(6), f[0])
	if status, ok := statusOf(f.At(7)); ok {
		setStatus(p, status)
	}
	return true
}

// coarse reads VP1: a place without a clock, or cells joined by Y.
func (m *message) coarse(r *report, p *data.Position) bool {
	f := m.fields
	if isOneOf(f.At(0), 'A', 'B') {
		north := m.findHemisphere()
		if north < 1 {
			return false
		}
		latitude, ok1 := coordinate(f[north-1])
		longitude, ok2 := coordinate(f[north+1])
		if !ok1 || !ok2 {
			return false
		}
		if speed, ok := fields.Number(f.At(north + 3)); ok && speed >= 0 {
			p.SpeedKnots = speed
		}
		if course, ok := fields.Number(f.At(north + 4)); ok {
			p.CourseDeg = protocol.Course(course)
		}
		// There is no clock: a report of today is of now.
		if day := fields.Moment(f.At(north+5), []byte("000000")); !day.IsZero() && m.now.UTC().Sub(day).Abs() > 24*time.Hour {
			p.DeviceTime = day
		}
		p.Valid = f[0][0] == 'A'
		protocol.SetPlace(p, signed(latitude, f[north]), signed(longitude, f[north+2]))
		return true
	}
	mcc, ok1 := fields.Integer(f.At(1))
	mnc, ok2 := fields.Integer(f.At(2))
	if !ok1 || !ok2 {
		return false
	}
	var cells [fields.MaxFields][]byte
	for _, cell := range fields.Split(cells[:0], bytes.Join(f.From(3), []byte{','}), 'Y') {
		var parts [4][]byte
		c := fields.List(fields.Split(parts[:0], cell, ','))
		lac, okLAC := fields.Integer(c.At(0))
		id, okID := fields.Integer(c.At(1))
		if okLAC && okID {
			r.network.CellTowers = append(r.network.CellTowers, tower(mcc, mnc, lac, id, c.At(2)))
		}
	}
	if len(r.network.CellTowers) == 0 {
		return false
	}
	p.Outdated, p.Network = true, &r.network
	return true
}

// coordinate reads ddmm.mmmm, ddmmmmmm (four of the digits are decimals) or
// -dd-mm.mmmm.
func coordinate(b []byte) (float64, bool) {
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte{'-'})
	if whole, minutes, ok := bytes.Cut(b, []byte{'-'}); ok {
		d, ok1 := fields.Number(whole)
		m, ok2 := fields.Number(minutes)
		return d + m/60, ok1 && ok2 && d >= 0 && m >= 0
	}
	if bytes.IndexByte(b, '.') < 0 && len(b) > 6 {
		whole, ok1 := fields.Number(b[:len(b)-6])
		minutes, ok2 := fields.Number(b[len(b)-6:])
		return whole + minutes/1e4/60, ok1 && ok2 && whole >= 0
	}
	return fields.Degrees(b)
}

// signed puts a coordinate on its side of the equator or of Greenwich.
func signed(v float64, hemisphere []byte) float64 {
	if isOneOf(hemisphere, 'S', 'W') {
		return -v
	}
	return v
}

func isOneOf(b []byte, x, y byte) bool { return len(b) == 1 && (b[0] == x || b[0] == y) }

func isDate(b []byte) bool { return len(b) == 6 && fields.AllDigits(b) }
