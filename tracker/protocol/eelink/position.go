package eelink

import (
	"encoding/hex"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// unitsPerDegree: coordinates are signed numbers of 1/30000 minute.
const unitsPerDegree = 60 * 30000

// oldPosition reads types 02, 04, 05 and 06.
func (m *message) oldPosition() bool {
	r := &m.body
	at := m.at
	at.DeviceTime = m.unix()
	latitude, longitude := int32(r.U32()), int32(r.U32())
	at.SpeedKnots = converters.KnotsFromKmh(float64(r.U8()))
	at.CourseDeg = protocol.Course(float64(r.U16()))
	m.tower(data.CellTower{MCC: int(r.U16()), MNC: int(r.U16()), LAC: int(r.U16()), CellID: int64(r.U24())}, -1)
	at.Valid = r.U8()&1 != 0
	if !r.OK() {
		return false
	}
	m.place(float64(latitude)/unitsPerDegree, float64(longitude)/unitsPerDegree)
	switch m.kind {
	case kindOldGPS:
		m.status()
		if r.Len() >= 8 {
			m.fraction("battery", 2, 1000)
			m.integer("rssi", 2)
			m.integer("adc1", 2)
			m.integer("adc2", 2)
		}
	case kindOldAlarm:
		m.alarm()
	case kindOldEvent:
		if r.Len() == 0 {
			break
		}
		event := r.U8()
		at.Attributes.SetInt("event", int64(event))
		if event >= 1 && event <= 3 && r.Len() >= 4 {
			r.Skip(4) // when it happened
			m.status()
		}
	}
	return true
}

// place puts a place measured at the time of the report into it.
func (m *message) place(latitude, longitude float64) {
	if protocol.SetPlace(m.at, latitude, longitude); !m.at.Outdated {
		m.at.FixTime = m.at.DeviceTime
	}
}

// newPosition reads types 12 and 14 to 19: a mask says which parts follow.
func (m *message) newPosition() bool {
	r := &m.body
	at := m.at
	at.DeviceTime = m.unix()
	mask := r.U8()
	if !r.OK() {
		return false
	}
	placed := mask&1 != 0
	if placed {
		latitude, longitude := int32(r.U32()), int32(r.U32())
		at.AltitudeM = float64(int16(r.U16()))
		at.SpeedKnots = converters.KnotsFromKmh(float64(r.U16()))
		at.CourseDeg = protocol.Course(float64(r.U16()))
		satellites := r.U8()
		if !r.OK() {
			return false
		}
		at.Attributes.SetInt("sat", int64(satellites))
		at.Valid = true
		m.place(float64(latitude)/unitsPerDegree, float64(longitude)/unitsPerDegree)
	}
	m.surroundings(mask)
	if !r.OK() {
		return placed
	}
	switch m.kind {
	case kindWarning:
		m.alarm()
	case kindReport:
		m.integer("type", 1)
	}
	if m.kind == kindNormal || m.kind == kindWarning || m.kind == kindReport {
		if status, ok := m.status(); ok && status&1 == 0 {
			at.Valid = false
		}
	}
	if m.kind == kindNormal {
		m.sensors()
	}
	return true
}

// surroundings reads the cells and access points that bits 1 to 7 announce.
func (m *message) surroundings(mask uint8) {
	r := &m.body
	var serving data.CellTower
	if mask&(1<<1) != 0 {
		serving = data.CellTower{MCC: int(r.U16()), MNC: int(r.U16()), LAC: int(r.U16()), CellID: int64(r.U32())}
		m.tower(serving, int(r.U8()))
	}
	for bit := 2; bit <= 3; bit++ {
		if mask&(1<<bit) != 0 {
			m.tower(data.CellTower{MCC: serving.MCC, MNC: serving.MNC, LAC: int(r.U16()), CellID: int64(r.U32())}, int(r.U8()))
		}
	}
	for bit := 4; bit <= 6; bit++ {
		if mask&(1<<bit) == 0 {
			continue
		}
		mac, signal := r.Bytes(6), int(r.U8())
		if r.OK() {
			network := m.network()
			network.WifiAccessPoints = append(network.WifiAccessPoints, data.WifiAccessPoint{MAC: converters.MACText(mac), SignalDBm: &signal})
		}
	}
	if mask&(1<<7) == 0 {
		return
	}
	r.Skip(1) // radio
	count := int(r.U8())
	if count == 0 {
		return
	}
	tower := data.CellTower{RadioType: "lte", MCC: int(r.U16()), MNC: int(r.U16()), LAC: int(r.U16())}
	if tac := int(r.U16()); tower.LAC == 0 {
		tower.LAC = tac
	}
	tower.CellID = int64(r.U32())
	r.Skip(2) // timing advance
	signal := -1
	for i := range count {
		r.Skip(2 + 2) // physical cell, channel
		if v := int(r.U8()); i == 0 {
			signal = v
		}
	}
	m.tower(tower, signal)
}

// tower adds a cell to the report; signal is negative if there is none.
func (m *message) tower(t data.CellTower, signal int) {
	if !m.body.OK() || t.CellID == 0 && t.LAC == 0 {
		return
	}
	network := m.network()
	first := len(network.CellTowers) == 0
	if signal >= 0 {
		t.SignalDBm = &m.out.signals[0]
		if !first {
			t.SignalDBm = new(int)
		}
		*t.SignalDBm = signal
	}
	if first {
		network.CellTowers = m.out.towers[:0]
	}
	network.CellTowers = append(network.CellTowers, t)
}

// network puts the surroundings into the report.
func (m *message) network() *data.Network {
	m.at.Network = &m.out.network
	return &m.out.network
}

// sensors reads the tail of type 12, which ends anywhere.
func (m *message) sensors() {
	r, a := &m.body, &m.at.Attributes
	m.fraction("battery", 2, 1000)
	m.integer("adc0", 2)
	m.integer("adc1", 2)
	m.integer("odometer", 4)
	r.Skip(min(2+2, r.Len())) // counters of GSM and GPS
	m.integer("steps", 2)
	r.Skip(min(2, r.Len())) // walking time
	if r.Len() >= 12 {
		a.SetFloat("temp1", float64(int16(r.U16()))/256)
		m.fraction("humidity", 2, 10)
		m.fraction("illuminance", 4, 256)
		m.integer("co2", 4)
	}
	if r.Len() >= 2 {
		a.SetFloat("temp2", float64(int16(r.U16()))/16)
	}
	if r.Len() < 2 {
		return
	}
	count := int(r.U8())
	r.Skip(1) // id of the list
	const tagSize = 16
	for i := 1; i <= count && r.Len() >= tagSize; i++ {
		tag := "tag" + strconv.Itoa(i)
		id, signal := r.Bytes(6), int8(r.U8())
		r.Skip(1 + 1 + 1) // reserved, model, version
		// The names differ within a package: no need to look for earlier ones.
		*a = append(*a,
			data.Attribute{Key: tag + "Id", Value: data.String(hex.EncodeToString(id))},
			data.Attribute{Key: tag + "Rssi", Value: data.Int(int64(signal))},
			data.Attribute{Key: tag + "Battery", Value: data.Float(float64(r.U16()) / 1000)},
			data.Attribute{Key: tag + "Temp", Value: data.Float(float64(int16(r.U16())) / 256)})
		r.Skip(2) // data of the model's own
	}
}
