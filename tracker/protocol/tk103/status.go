package tk103

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// cellList reads cells in braces, one to a line, and the odometer.
func (m *message) cellList(b []byte) bool {
	for len(m.out.network.CellTowers) < fields.MaxFields {
		start := bytes.IndexByte(b, '{')
		end := bytes.IndexByte(b, '}')
		if start < 0 || end < start {
			break
		}
		var room [4][]byte
		f := fields.Split(room[:0], b[start+1:end], ',')
		m.cell(f.At(0), f.At(1), f.At(2), f.At(3), 10, nil)
		b = b[end+1:]
	}
	if odometer, ok := fields.HexNumber(bytes.Trim(b, ",\r\n ")); ok && odometer <= 1<<32 {
		m.at.Attributes.SetInt("odometer", int64(odometer))
	}
	return m.inNetwork()
}

// cells reads BZ00: MCC, MNC, and LAC, cell and signal of each.
func (m *message) cells() bool {
	var room [fields.MaxFields][]byte
	f := fields.Split(room[:0], m.body, ',')
	for rest := f.From(2); len(rest) >= 2; rest = rest.From(3) {
		m.cell(f[0], f[1], rest[0], rest[1], 16, rest.At(2))
	}
	return m.inNetwork()
}

// cell adds a cell; lac and cell are written to a base.
func (m *message) cell(mcc, mnc, lac, cell []byte, base int, signal []byte) {
	read := func(b []byte) (int64, bool) {
		if base == 16 {
			v, ok := fields.HexNumber(b)
			return int64(v), ok && v < 1<<40
		}
		return fields.Integer(b)
	}
	country, ok1 := fields.Integer(mcc)
	operator, ok2 := fields.Integer(mnc)
	area, ok3 := read(lac)
	id, ok4 := read(cell)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return
	}
	tower := data.CellTower{MCC: int(country), MNC: int(operator), LAC: int(area), CellID: id}
	if v, ok := fields.Integer(signal); ok {
		strength := int(v)
		tower.SignalDBm = &strength
	}
	m.out.network.CellTowers = append(m.out.network.CellTowers, tower)
}

// inNetwork ends a report that has cells or access points only.
func (m *message) inNetwork() bool {
	n := &m.out.network
	if len(n.CellTowers) > 0 || len(n.WifiAccessPoints) > 0 {
		m.at.Network = n
		return m.stay(true)
	}
	return m.stay(len(m.at.Attributes) > 0)
}

// surroundings reads DW5.: MCC, MNC, LAC, cell, a count of access points,
// these, date, time. The stars tell the access points, counts are wrong at times.
func (m *message) surroundings() bool {
	var room [fields.MaxFields][]byte
	f := fields.Split(room[:0], m.body, ',')
	if len(f) < 5 || !fields.AllDigits(f[4]) {
		return false
	}
	m.cell(f[0], f[1], f[2], f[3], 10, nil)
	rest := f.From(5)
	for len(rest) > 0 && bytes.IndexByte(rest[0], '*') >= 0 {
		m.wifi(rest[0])
		rest = rest[1:]
	}
	m.at.DeviceTime = m.moment(rest.At(0), rest.At(1))
	return m.inNetwork()
}

// wifi adds an access point: MAC, signal and channel joined by stars.
func (m *message) wifi(b []byte) {
	const macSize = 17
	var room [3][]byte
	f := fields.Split(room[:0], b, '*')
	if len(f[0]) != macSize {
		return
	}
	point := data.WifiAccessPoint{MAC: string(bytes.ToLower(f[0]))}
	if v, ok := fields.Integer(f.At(1)); ok {
		strength := int(v)
		point.SignalDBm = &strength
	}
	if v, ok := fields.Integer(f.At(2)); ok {
		point.Channel = int(v)
	}
	m.out.network.WifiAccessPoints = append(m.out.network.WifiAccessPoints, point)
}

// result reads ZC03: date, time and free text between dollar signs.
func (m *message) result() bool {
	s := scanner{m.body}
	date, clock := s.field(), s.field()
	m.at.DeviceTime = m.moment(date, clock)
	m.at.Attributes.SetString("result", protocol.Text(bytes.Trim(s.rest, "$")))
	return m.stay(true)
}

// percentOf are the battery levels of ZC20.
var percentOf = map[int64]int64{6: 100, 5: 80, 4: 50, 3: 20, 2: 10}

// voltages reads ZC20: date, time, battery level, voltages of the battery and
// of the vehicle, whether it is installed.
func (m *message) voltages() bool {
	const unknown, unknownInstalled = 65535, 255
	var room [8][]byte
	f := fields.Split(room[:0], m.body, ',')
	a := &m.at.Attributes
	m.at.DeviceTime = m.moment(f.At(0), f.At(1))
	if level, ok := fields.Integer(f.At(2)); ok {
		if percent, ok := percentOf[level]; ok {
			a.SetInt("batteryLevel", percent)
		}
	}
	if v, ok := fields.Integer(f.At(3)); ok && v != unknown {
		a.SetFloat("battery", float64(v)/100)
	}
	if v, ok := fields.Integer(f.At(4)); ok && v != unknown {
		a.SetFloat("power", float64(v)/10)
	}
	if v, ok := fields.Integer(f.At(5)); ok && v != unknownInstalled {
		a.SetInt("installed", v)
	}
	return m.stay(true)
}

// hexBytes reads the hexadecimal digits at the front of b, nil if there are
// none.
func hexBytes(b []byte) []byte {
	size := 0
	for size < len(b) && isHex(b[size]) {
		size++
	}
	out := make([]byte, size/2)
	if _, err := hex.Decode(out, b[:size&^1]); err != nil {
		return nil
	}
	return out
}

// battery reads BS50: after a header of three bytes the number of cells, room
// for the voltages of 24, whether it charges, current, voltage and level,
// little endian.
func (m *message) battery() bool {
	const header, cells = 3, 24
	const fixed = header + 1 + 2*cells
	b := hexBytes(m.body)
	if len(b) < fixed+6 {
		return false
	}
	little := func(i int) float64 { return float64(uint16(b[i]) | uint16(b[i+1])<<8) }
	a := &m.at.Attributes
	for i := range min(int(b[header]), cells) {
		a.SetFloat(fmt.Sprint("battery", i+1), little(header+1+2*i)/1000)
	}
	a.SetBool("charge", b[fixed] == 0)
	a.SetFloat("batteryCurrent", little(fixed+1)/10)
	a.SetFloat("battery", little(fixed+3)/100)
	if len(b) > fixed+5 {
		a.SetInt("batteryLevel", int64(b[fixed+5]))
	}
	return m.stay(true)
}

// batteryGroups reads BS51: groups of a battery management system, each with
// its number in hexadecimal, big endian.
func (m *message) batteryGroups() bool {
	var room [32][]byte
	a := &m.at.Attributes
	for _, group := range fields.Split(room[:0], m.body, ',') {
		name, content, ok := bytes.Cut(group, []byte{':'})
		b := hexBytes(content)
		if !ok || len(b) < 6 {
			continue
		}
		big := func(i int) float64 { return float64(uint16(b[i])<<8 | uint16(b[i+1])) }
		switch string(name) {
		case "90": // voltage, [voltage collected,] current, charge
			rest := 2
			if len(b) >= 8 {
				rest = 4
			}
			a.SetFloat("battery", big(0)/10)
			a.SetFloat("batteryCurrent", (big(rest)-30000)/10)
			a.SetFloat("batteryLevel", big(rest+2)/10)
		case "91": // highest and lowest voltage, each with the number of its cell
			a.SetFloat("batteryCellMax", big(0)/1000)
			a.SetFloat("batteryCellMin", big(3)/1000)
		case "92": // highest and lowest temperature, each with the number of its sensor
			a.SetInt("batteryTempMax", int64(b[0])-40)
			a.SetInt("batteryTempMin", int64(b[2])-40)
		case "96": // a number, then a temperature a byte
			for i, v := range b[1:min(len(b), 8)] {
				if v != 0 {
					a.SetInt(fmt.Sprint("batteryTemp", i+1), int64(v)-40)
				}
			}
		}
	}
	return m.stay(len(*a) > 0)
}
