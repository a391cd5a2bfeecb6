package arnavi

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The tags with a reading of their own.
const (
	tagVoltages  = 1
	tagDriver    = 2
	tagLatitude  = 3
	tagLongitude = 4
	tagMotion    = 5
	tagInputs    = 6
	tagCell      = 7
	tagOperator  = 8
	tagLoads     = 69
)

// tagSize is a number and a value.
const tagSize = 1 + 4

// reading says which part of a value is read.
type reading uint8

const (
	none     reading = iota
	asLong           // all four bytes
	asSigned         // the same, with a sign
	asShort          // the lower two
	asCelsius
	asFuel // level and temperature of a sensor
)

// meaning is what a tag becomes.
type meaning struct {
	name string
	// second is the name of the upper half, where it means something.
	second string
	as     reading
	// times and per scale numbers; 0 for 1.
	times int64
	per   float64
}

var meanings = func() (t [256]meaning) {
	t[9] = meaning{name: "status", as: asLong}
	for i := range 8 {
		t[30+i] = meaning{name: "adc" + strconv.Itoa(1+i), as: asShort, per: 1000}
	}
	for i := range 10 {
		t[40+i] = meaning{name: "temp" + strconv.Itoa(1+i), as: asCelsius, per: 100}
	}
	t[51] = meaning{name: "canStatus", as: asLong}
	t[52] = meaning{name: "hours", as: asLong, times: 36000}
	t[53] = meaning{name: "odometer", as: asLong, times: 10}
	t[54] = meaning{name: "fuelUsed", as: asLong, per: 10}
	t[55] = meaning{name: "fuelLevel", as: asShort, per: 10}
	t[56] = meaning{name: "fuel", as: asLong}
	t[57] = meaning{name: "rpm", as: asShort}
	t[58] = meaning{name: "engineTemp", as: asSigned}
	t[59] = meaning{name: "obdSpeed", as: asLong}
	for i := range 5 {
		t[60+i] = meaning{name: "axleLoad" + strconv.Itoa(1+i), as: asLong}
	}
	t[67] = meaning{name: "adBlueLevel", as: asShort, per: 10}
	for i := range 9 {
		t[71+i] = meaning{name: "llsLevel" + strconv.Itoa(1+i), second: "llsTemp" + strconv.Itoa(1+i), as: asFuel}
	}
	t[100] = meaning{name: "tachographOdometer", as: asLong, times: 10}
	t[102] = meaning{name: "tachographPower", as: asLong, per: 1000}
	t[151] = meaning{name: "hdop", as: asShort, per: 100}
	return t
}()

// tags reads one packet of tags.
type tags struct {
	at                  *data.Position
	latitude, longitude float64
	hasLat, hasLon      bool
	tower               data.CellTower
	hasCell, hasMCC     bool
}

// readTags reads the tags of one packet, which is one position.
func readTags(p *data.Position, unix uint32, b []byte) {
	p.DeviceTime = protocol.UnixMilli(int64(unix) * 1000)
	p.Attributes = make(data.Attributes, 0, 4+len(b)/tagSize)
	t := tags{at: p}
	for ; len(b) >= tagSize; b = b[tagSize:] {
		t.tag(b[0], b[1:tagSize:tagSize])
	}
	if t.hasCell && t.hasMCC {
		p.Network = &data.Network{CellTowers: []data.CellTower{t.tower}}
	}
	if !t.hasLat || !t.hasLon {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(p, t.latitude, t.longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

func float(b []byte) float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func (t *tags) tag(id byte, b []byte) {
	p, a := t.at, &t.at.Attributes
	low, high := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	switch id {
	case tagVoltages:
		volts(a, "battery", low)
		volts(a, "power", high)
	case tagDriver:
		if v := binary.LittleEndian.Uint32(b); v != 0 {
			a.SetString("driverUniqueId", strconv.FormatUint(uint64(v), 10))
		}
	case tagLatitude:
		t.latitude, t.hasLat = float(b), true
	case tagLongitude:
		t.longitude, t.hasLon = float(b), true
	case tagMotion:
		p.CourseDeg = protocol.Course(float64(b[0]) * 2)
		p.AltitudeM = float64(b[1]) * 10
		// Two numbers of satellites, GPS and GLONASS, or a word for none.
		if p.Valid = b[2] < 0xFE; p.Valid {
			a.SetInt("sat", int64(b[2]&0x0F)+int64(b[2]>>4))
		}
		p.SpeedKnots = float64(b[3])
	case tagInputs:
		inputs(a, b)
	case tagCell:
		t.tower.CellID, t.tower.LAC, t.hasCell = int64(low), int(high), true
	case tagOperator:
		a.SetInt("rssi", int64(b[0]))
		t.tower.MCC, t.tower.MNC = int(binary.LittleEndian.Uint16(b[1:])), int(b[3])
		t.hasMCC = true
	case tagLoads:
		a.SetInt("engineLoad", int64(b[0]))
		a.SetInt("throttle", int64(b[1]))
		a.SetInt("motionStatus", int64(high))
	default:
		meanings[id].set(a, b)
	}
}

// volts sets a voltage in millivolts; 0 and all bits mean none.
func volts(a *data.Attributes, key string, v uint16) {
	if v != 0 && v != math.MaxUint16 {
		a.SetFloat(key, float64(v)/1000)
	}
}

// inputs reads the tag of inputs: its kind, then flags and the inputs, or the
// number of an input and its value.
func inputs(a *data.Attributes, b []byte) {
	v := binary.LittleEndian.Uint16(b[2:])
	switch number := strconv.Itoa(int(b[1])); b[0] {
	case 1:
		a.SetBool("ignition", b[1]&1 != 0)
		a.SetBool("callButton", b[1]&2 != 0)
		a.SetInt("input", int64(v))
	case 6:
		a.SetInt("pulses"+number, int64(v))
	case 7:
		a.SetInt("freq"+number, int64(v))
	case 8:
		a.SetFloat("adc"+number, float64(v)/1000)
	}
}

func (m *meaning) set(a *data.Attributes, b []byte) {
	v := int64(binary.LittleEndian.Uint32(b))
	switch m.as {
	case none:
		return
	case asSigned:
		v = converters.SignExtend(uint64(v), 4)
	case asShort:
		v &= 0xFFFF
	case asCelsius:
		v = converters.SignExtend(uint64(v), 2)
	case asFuel:
		a.SetInt(m.name, v&0xFFFF)
		a.SetFloat(m.second, float64(v>>16-100)/10)
		return
	}
	switch {
	case m.times != 0:
		a.SetInt(m.name, v*m.times)
	case m.per != 0:
		a.SetFloat(m.name, float64(v)/m.per)
	default:
		a.SetInt(m.name, v)
	}
}
