package ruptela

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// reading says how the value of an element becomes an attribute.
type reading uint8

const (
	asNumber reading = iota // multiplied, if a factor is given
	asSigned                // the same, with a sign
	asFlag                  // true unless 0
	asAlarm                 // the name is a kind of alarm, raised unless 0
	asAlarm0                // raised at 0
	asAlarm1                // raised at 1
	asHex                   // the bytes in hex
	asFirst                 // the first half of a text or of hex digits
	asSecond                // the second half
	asFirst16
	asSecond16
)

// meaning is what an element with a standard name holds.
type meaning struct {
	name string
	as   reading
	// times and per scale numbers; 0 for 1.
	times, per float64
}

var meanings = map[int]meaning{
	2: {name: "in1"}, 3: {name: "in2"}, 4: {name: "in3"}, 5: {name: "in4"},
	13:  {name: "motion", as: asFlag},
	20:  {name: "adc3"},
	21:  {name: "adc4"},
	22:  {name: "adc1"},
	23:  {name: "adc2"},
	29:  {name: "power", per: 1000},
	30:  {name: "battery", per: 1000},
	32:  {name: "deviceTemp", as: asSigned},
	34:  {name: "driverUniqueId", as: asHex},
	39:  {name: "engineLoad"},
	65:  {name: "odometer"},
	74:  {name: "temp3", as: asSigned, per: 10},
	78:  {name: "temp0", as: asSigned, per: 10},
	79:  {name: "temp1", as: asSigned, per: 10},
	80:  {name: "temp2", as: asSigned, per: 10},
	88:  {name: "jamming", as: asAlarm},
	94:  {name: "rpm", per: 4},
	95:  {name: "obdSpeed"},
	98:  {name: "fuel", times: 100, per: 255},
	100: {name: "fuelConsumption", per: 20},
	126: {name: "driverUniqueId", as: asFirst},
	127: {name: "driverUniqueId", as: asSecond},
	134: {name: "hardBraking", as: asAlarm},
	136: {name: "hardAcceleration", as: asAlarm},
	150: {name: "operator"},
	155: {name: "driverUniqueId", as: asFirst},
	156: {name: "driverUniqueId", as: asSecond},
	163: {name: "odometer", times: 5},
	164: {name: "tripOdometer", times: 5},
	165: {name: "obdSpeed", per: 256},
	166: {name: "rpm", per: 8},
	170: {name: "charge", as: asFlag},
	173: {name: "motion", as: asFlag},
	197: {name: "rpm", per: 8},
	205: {name: "fuel"},
	207: {name: "fuelLevel", times: 2, per: 5},
	208: {name: "fuelUsed", per: 2},
	251: {name: "ignition", as: asFlag},
	409: {name: "ignition", as: asFlag},
	410: {name: "tow", as: asAlarm},
	411: {name: "accident", as: asAlarm},
	415: {name: "gpsAntennaCut", as: asAlarm0},
	645: {name: "obdOdometer", times: 1000},
	758: {name: "tampering", as: asAlarm1},
	760: {name: "tagId", as: asFirst16},
	761: {name: "tagId", as: asSecond16},
}

// knownIDs is meanings as a table; the rest keeps its number as a name.
var knownIDs, ioNames = func() (table [1024]*meaning, names [1024]string) {
	for id, m := range meanings {
		table[id] = &m
	}
	for id := range names {
		names[id] = "io" + strconv.Itoa(id)
	}
	return table, names
}()

// halves are the two halves of 16 bytes that two elements carry.
type halves struct {
	text, tag  [16]byte
	seen, tags int
}

// readElements reads the groups of elements of 1, 2, 4 and 8 bytes.
func readElements(r *reader, p *data.Position, extended bool) {
	var h halves
	for size := 1; size <= 8; size *= 2 {
		for range r.U8() {
			id := 0
			if extended {
				id = int(r.U16())
			} else {
				id = int(r.U8())
			}
			v := r.Uint(size)
			if !r.OK() {
				return
			}
			readElement(&p.Attributes, &h, id, v, size)
		}
	}
	if h.seen != 0 {
		if id := protocol.Text(h.text[:]); id != "" {
			p.Attributes.SetString("driverUniqueId", id)
		}
	}
	if h.tags == 3 {
		p.Attributes.SetString("tagId", hex.EncodeToString(h.tag[:]))
	}
}

func readElement(a *data.Attributes, h *halves, id int, v uint64, size int) {
	if id >= len(knownIDs) {
		a.SetInt("io"+strconv.Itoa(id), int64(v))
		return
	}
	m := knownIDs[id]
	if m == nil {
		a.SetInt(ioNames[id], int64(v))
		return
	}
	switch m.as {
	case asFlag:
		a.SetBool(m.name, v != 0)
	case asAlarm:
		alarm(a, m.name, v != 0)
	case asAlarm0:
		alarm(a, m.name, v == 0)
	case asAlarm1:
		alarm(a, m.name, v == 1)
	case asHex:
		if v != 0 {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], v)
			a.SetString(m.name, hex.EncodeToString(b[8-size:]))
		}
	case asFirst, asSecond:
		half := int(m.as - asFirst)
		binary.BigEndian.PutUint64(h.text[8*half:], v)
		h.seen |= 1 << half
	case asFirst16, asSecond16:
		half := int(m.as - asFirst16)
		binary.BigEndian.PutUint64(h.tag[8*half:], v)
		h.tags |= 1 << half
	default:
		a.Set(m.name, m.number(v, size))
	}
}

func alarm(a *data.Attributes, kind string, raised bool) {
	if raised {
		a.AddAlarm(kind)
	}
}

func (m *meaning) number(v uint64, size int) data.Value {
	n := int64(v)
	if m.as == asSigned {
		n = converters.SignExtend(v, size)
	}
	if m.times == 0 && m.per == 0 {
		return data.Int(n)
	}
	f := float64(n)
	if m.times != 0 {
		f *= m.times
	}
	if m.per != 0 {
		f /= m.per
	}
	return data.Float(f)
}
