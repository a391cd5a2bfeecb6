package gt06

import (
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

const hexDigits = "0123456789abcdef"

func macText(mac []byte) string {
	text := make([]byte, 0, 17)
	for i, b := range mac {
		if i > 0 {
			text = append(text, ':')
		}
		text = append(text, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(text)
}

// accessPoints reads up to count pairs of MAC address and signal. Empty places
// are zeros.
func (m *message) accessPoints(r *converters.Reader, count int) {
	for ; count > 0 && r.Len() >= 6+1; count-- {
		mac := r.Bytes(6)
		signal := int(r.U8())
		if !allZero(mac) {
			ap := data.WifiAccessPoint{MAC: macText(mac), SignalDBm: &signal}
			m.out.network.WifiAccessPoints = append(m.out.network.WifiAccessPoints, ap)
		}
	}
}

// neighbours reads up to count cells of a network, each with a signal. Empty
// places are zeros.
func (m *message) neighbours(r *converters.Reader, network data.CellTower, s cellShape, count int) {
	for ; count > 0 && r.Len() >= s.lac+s.id+1; count-- {
		tower := network
		tower.LAC = int(r.Uint(s.lac))
		tower.CellID = int64(r.Uint(s.id))
		signal := int(r.U8())
		tower.SignalDBm = &signal
		if tower.LAC != 0 || tower.CellID != 0 {
			m.out.network.CellTowers = append(m.out.network.CellTowers, tower)
		}
	}
}

// surroundings puts the network that was read into the report.
func (m *message) surroundings() {
	if n := &m.out.network; len(n.CellTowers)+len(n.WifiAccessPoints) > 0 {
		m.at.Network = n
	}
}

// cellCount is how many places for cells a message has.
const cellCount = 7

// sevenCells reads a network and its cells, as far as they are there.
func (m *message) sevenCells() {
	if m.body.Len() >= 2+1 {
		m.neighbours(&m.body, m.network(false), cell2G, cellCount)
		m.surroundings()
	}
}

// cells reads date, network, up to seven cells and the timing advance; then,
// withWifi, a number of access points.
func (m *message) cells(s cellShape, withWifi bool) bool {
	r := &m.body
	t, network := m.date(), m.network(false)
	if !r.OK() {
		return false
	}
	m.at.DeviceTime = t
	list := converters.NewReader(r.Bytes(min(r.Len(), cellCount*(s.lac+s.id+1))))
	if r.Len() > 0 {
		r.Skip(1)
	}
	m.neighbours(&list, network, s, cellCount)
	if withWifi && r.Len() > 0 {
		m.accessPoints(r, int(r.U8()))
	}
	m.surroundings()
	return true
}

// cellsS20 reads type 0x24 of the Wanway S20: the timing advance comes first
// and the number of cells is told.
func (m *message) cellsS20() bool {
	r := &m.body
	t := m.date()
	r.Skip(1)
	network, count := m.network(false), int(r.U8())
	if !r.OK() {
		return false
	}
	m.at.DeviceTime = t
	m.neighbours(r, network, cell2G, count)
	m.surroundings()
	return true
}

// scan reads types 0x17 and 0x69: a date, access points, cells. They have the
// number of access points in place of the length and end without serial number
// and checksum; so does the answer, which repeats the date.
func (m *message) scan() bool {
	r := converters.NewReader(m.tail)
	when := r.Bytes(6)
	if when == nil {
		return false
	}
	m.at.DeviceTime = bcdDate(when)
	m.accessPoints(&r, m.length)
	m.scannedCells(&r)
	reply := append(make([]byte, 0, 12), markShort, markShort, 0, m.kind)
	reply = append(reply, when...)
	m.give(append(reply, stop...))
	return true
}

// cellQuery reads a sound frame of type 0x17, which asks for the address of a
// cell; the number of the phone that wants to know follows.
func (m *message) cellQuery() bool {
	m.cell(cell2G)
	m.giveAddress()
	return m.body.OK()
}

// scanCounted reads type 0xF3: the same in a sound frame, with the number of
// access points behind the date.
func (m *message) scanCounted() bool {
	r := &m.body
	when, count := r.Bytes(6), int(r.U8())
	if !r.OK() {
		return false
	}
	m.at.DeviceTime = bcdDate(when)
	m.accessPoints(r, count)
	m.scannedCells(r)
	return true
}

func (m *message) scannedCells(r *converters.Reader) {
	if r.Len() >= 1+2+1 {
		count := int(r.U8())
		network := data.CellTower{MCC: int(r.U16()), MNC: int(r.U8())}
		m.neighbours(r, network, cellShape{lac: 2, id: 2}, count)
	}
	m.surroundings()
}

// bcdDate reads six binary coded decimals.
func bcdDate(b []byte) time.Time {
	var f [6]int
	for i := range f {
		n, ok := converters.FromBCD(b[i])
		if !ok {
			return time.Time{}
		}
		f[i] = n
	}
	return protocol.Date(2000+f[0], f[1], f[2], f[3], f[4], f[5])
}

// az735 reads the long types 0x32 and 0x33: date, place, cell, neighbours,
// access points and a status. What is not there is a byte 0; the lists have
// their size in bytes in front.
func (m *message) az735() bool {
	r := &m.body
	t := m.date()
	m.at.DeviceTime = t
	// The byte of the satellites has the length of the place above them.
	if satellites := r.U8(); satellites>>4 != 0 {
		m.at.FixTime = t
		if !m.afterDate(satellites) {
			return false
		}
	} else if satellites != 0 {
		return false // not the form we know
	}
	var network data.CellTower
	if length := int(r.U8()); length > 0 {
		network = m.tower(cell2G)
		signal := int(r.U8())
		network.SignalDBm = &signal
		m.out.towers[0] = network
		m.out.network.CellTowers = m.out.towers[:1]
	}
	towers := converters.NewReader(r.Bytes(int(r.U8())))
	points := converters.NewReader(r.Bytes(int(r.U8())))
	status := r.U8()
	if !r.OK() {
		return false
	}
	m.neighbours(&towers, network, cell2G, towers.Len())
	m.accessPoints(&points, points.Len())
	m.surroundings()
	m.at.Attributes.SetInt("status", int64(status))
	return true
}
