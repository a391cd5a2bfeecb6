package jt808

import (
	"encoding/hex"
	"strconv"

	"github.com/waymark-gps/waymark/util/converters"
)

// number reads a big endian number of any size up to 8 bytes.
func number(v []byte) uint64 {
	b := converters.NewReader(v)
	return b.Uint(min(len(v), 8))
}

// items reads id, length and value as often as they come. What is not known is
// skipped, as is what does not fit.
func (r *reader) items(b []byte) {
	for len(b) >= 2 {
		id, size := b[0], int(b[1])
		b = b[2:]
		if size > len(b) {
			return
		}
		value := b[:size:size]
		b = b[size:]
		if id == 0x80 && r.obd80(value, b) {
			return
		}
		if size > 0 && !r.standard(id, value) {
			r.extra(id, value)
		}
	}
}

// standard reads the items up to 0x60, most of which are of the standard;
// false if the item is none of them.
func (r *reader) standard(id byte, v []byte) bool {
	a := &r.p.Attributes
	n := len(v)
	switch id {
	case 0x01:
		a.SetInt("odometer", int64(number(v))*100)
	case 0x02:
		switch fuel := number(v); {
		case n == 2 && fuel&0x8000 != 0:
			a.SetInt("fuelLevel", int64(fuel&0x7FFF))
		default:
			a.SetFloat("fuel", float64(fuel)/10)
		}
	case 0x06:
		if n == 1 && v[0] <= 100 {
			a.SetInt("batteryLevel", int64(v[0]))
		}
	case 0x0B:
		r.lockCommand(v)
	case 0x14:
		a.SetInt("videoAlarm", int64(number(v)))
	case 0x25:
		a.SetInt("input", int64(number(v)))
	case 0x2B, 0xA7:
		if n >= 4 {
			a.SetFloat("adc1", float64(number(v[:2]))/100)
			a.SetFloat("adc2", float64(number(v[2:4]))/100)
		}
	case 0x30:
		a.SetInt("rssi", int64(number(v)))
	case 0x31:
		a.SetInt("sat", int64(number(v)))
	case 0x33:
		if n == 1 {
			a.SetInt("mode", int64(v[0]))
		} else {
			r.text("mode", v)
		}
	case 0x51:
		if n == 2 || n == 16 {
			r.temperatures(v)
		}
	case 0x56:
		a.SetInt("batteryLevel", int64(v[0])*10)
	case 0x57:
		if n >= 2 {
			kinds{{8, "hardAcceleration"}, {9, "hardBraking"}, {10, "hardCornering"}}.set(a, uint32(number(v[:2])))
		}
	case 0x60:
		r.event(v)
	default:
		return false
	}
	return true
}

// temperatures reads tenths of a degree with a sign in front.
func (r *reader) temperatures(v []byte) {
	for i := 1; len(v) >= 2; i++ {
		bits := number(v[:2])
		v = v[2:]
		if bits == 0xFFFF {
			continue
		}
		t := float64(bits&0x7FFF) / 10
		if bits&0x8000 != 0 {
			t = -t
		}
		r.p.Attributes.SetFloat("temp"+strconv.Itoa(i), t)
	}
}

// event reads an event of an e-lock; 0x61 to 0x66 come with the card.
func (r *reader) event(v []byte) {
	if len(v) < 2 {
		return
	}
	event := number(v[:2])
	r.p.Attributes.SetInt("event", int64(event))
	if event >= 0x61 && event <= 0x66 && len(v) > 8 {
		r.text("driverUniqueId", v[8:min(16, len(v))])
	}
}

// lockCommand reads what a lock was told and by whom; of even length it ends
// with the result.
func (r *reader) lockCommand(v []byte) {
	a := &r.p.Attributes
	a.SetInt("lockCommand", int64(v[0]))
	switch n := len(v); {
	case n >= 7:
		r.text("lockPassword", v[1:7])
	case n >= 5:
		a.SetInt("lockCard", int64(number(v[1:5])))
	}
	if len(v)%2 == 0 {
		a.SetInt("unlockResult", int64(v[len(v)-1]))
	}
}

// extra reads the items that makers added.
func (r *reader) extra(id byte, v []byte) {
	a := &r.p.Attributes
	n := len(v)
	switch id {
	case 0x63:
		r.seals(v)
	case 0x64:
		r.assistant("adasAlarm", v)
	case 0x65:
		r.assistant("dmsAlarm", v)
	case 0x68:
		a.SetFloat("batteryLevel", float64(number(v))/100)
	case 0x69:
		a.SetFloat("battery", float64(number(v))/100)
	case 0x70:
		if n >= 6 {
			a.AddAlarm(map[byte]string{1: "hardAcceleration", 2: "hardBraking", 3: "hardCornering", 0x16: "accident"}[v[5]])
		}
	case 0x77:
		r.tyres(v)
	case 0x82, 0xD3:
		a.SetFloat("power", float64(number(v))/10)
	case 0x91:
		r.obd91(v)
	case 0x94:
		r.text("vin", v)
	case 0xAC:
		a.SetInt("odometer", int64(number(v)&(1<<48-1)))
	case 0xBC:
		a.SetString("driver", gbkText(v))
	case 0xBD:
		r.text("driverUniqueId", v)
	case 0xD0:
		if number(v)&8 != 0 {
			a.AddAlarm("vibration")
		}
	case 0xD5:
		if n == 2 {
			a.SetFloat("battery", float64(number(v))/100)
		} else {
			r.locks(v)
		}
	case 0xD4, 0xE1, 0xE9:
		r.levelOrPower(id, v)
	case 0xE2:
		if n == 4 && !r.m.model.dt800 {
			a.SetFloat("fuel", float64(number(v))/10)
		}
	case 0xE3:
		if n >= 4 {
			a.SetInt("batteryLevel", int64(v[1]))
			a.SetFloat("battery", float64(number(v[2:4]))/100)
		}
	case 0xE4:
		if n == 2 {
			if v[0] == 0 {
				a.SetBool("charge", true)
			}
			a.SetInt("batteryLevel", int64(v[1]))
		}
	case 0xE5:
		if n == 1 {
			a.SetBool("motion", v[0] == 1)
		}
	case 0xE6:
		r.climate(v)
	case 0xE7:
		if n == 8 {
			kinds{{0, "vibration"}, {1, "sos"}, {2, "sos"}, {3, "sos"}}.set(a, uint32(number(v[:2])))
		}
	case 0xE8:
		r.camera(v)
	case 0xEB:
		r.cellOrItems(v)
	case 0xEC, 0xF4:
		r.accessPoints(v)
	case 0xED:
		r.text("card", v)
	case 0xEE:
		if n == 6 {
			a.SetInt("rssi", int64(v[0]))
			a.SetFloat("power", float64(number(v[1:3]))/1000)
			a.SetFloat("battery", float64(number(v[3:5]))/1000)
			a.SetInt("sat", int64(v[5]))
		}
	default:
		r.extraF(id, v)
	}
}

// extraF reads the items from 0xF1.
func (r *reader) extraF(id byte, v []byte) {
	a := &r.p.Attributes
	n := len(v)
	switch id {
	case 0xF1:
		if n == 4 {
			a.SetFloat("power", float64(number(v))/1000)
		}
	case 0xF3:
		r.obdF3(v)
	case 0xF6:
		r.sensors(v)
	case 0xF7:
		switch {
		case n == 2:
			a.SetFloat("humidity", float64(number(v))/10)
		case n >= 4:
			a.SetFloat("battery", float64(number(v[:4]))/1000)
			if n >= 5 && (v[4] == 2 || v[4] == 3) {
				a.SetBool("charge", true)
			}
			if n >= 6 {
				a.SetInt("batteryLevel", int64(v[5]))
			}
		}
	case 0xF8:
		r.f8(v)
	case 0xF9:
		r.f9(v)
	case 0xFC:
		a.SetInt("geofence", int64(number(v)&(1<<48-1)))
	case 0xFE:
		switch {
		case n == 1:
			a.SetInt("batteryLevel", int64(v[0]))
		case n == 2:
			a.SetFloat("power", float64(number(v))/10)
		case v[0] == 0x7C:
			r.behaviour(v[1:])
		case n == 4:
			a.SetInt("odometer", int64(number(v)))
		}
	}
}

// levelOrPower reads the items that mean different things by their length.
func (r *reader) levelOrPower(id byte, v []byte) {
	a := &r.p.Attributes
	n := len(v)
	switch {
	case n == 1 && v[0] == 0xFF:
		a.SetBool("charge", true)
	case n == 1:
		a.SetInt("batteryLevel", int64(v[0]))
	case id == 0xE1 && n == 2:
		a.SetFloat("power", float64(number(v))/10)
	case n == 4:
		a.SetString("driverUniqueId", strconv.FormatUint(number(v), 10))
	case id == 0xE1 && n >= 12 && (n-4)%8 == 0:
		r.cells(v[4:], int(number(v[:2])), int(number(v[2:4])), 3, 4)
	}
}

// assistant reads an alarm of a driver assistant.
func (r *reader) assistant(key string, v []byte) {
	if len(v) < 6 {
		return
	}
	r.p.Attributes.SetInt(key, int64(v[5]))
	if len(v) >= 47 {
		r.p.Attributes.SetString("alarmLabel", hex.EncodeToString(v[len(v)-16:]))
	}
}

// behaviour reads a list of id, length and value; 01 are bits of alarms.
func (r *reader) behaviour(v []byte) {
	for len(v) >= 2 {
		size := min(int(v[1]), len(v)-2)
		if v[0] == 1 {
			kinds{
				{0, "hardAcceleration"}, {1, "hardBraking"}, {2, "hardCornering"}, {3, "accident"}, {4, "tampering"},
			}.set(&r.p.Attributes, uint32(number(v[2:2+size])))
		}
		v = v[2+size:]
	}
}

// f8 means another thing for each family.
func (r *reader) f8(v []byte) {
	a := &r.p.Attributes
	switch {
	case r.m.model.c5:
		a.SetInt("steps", int64(number(v)&0xFFFFFFFF))
	case r.m.model.aovx:
		if len(v) >= 19 {
			a.SetInt("mode", int64(v[0]))
			a.SetString("iccid", converters.BCDDigits(v[9:19]))
		}
	case len(v) == 2:
		a.SetFloat("temp2", float64(number(v))/10-50)
	}
}

// f9 reads the state of the AOVX: a mask says what is there.
func (r *reader) f9(v []byte) {
	b := converters.NewReader(v)
	mask := b.U16()
	for bit, size := range [...]int{4, 4, 2, 6, 0, 8, 2} {
		if mask>>bit&1 == 0 {
			continue
		}
		switch part := b.Bytes(size); {
		case len(part) == 0:
		case bit == 2:
			r.p.Attributes.SetFloat("hdop", float64(number(part))/10)
		case bit == 6:
			r.p.Attributes.SetFloat("temp3", float64(int16(number(part)))/10)
		}
	}
}

// hexID writes an id in hex.
func (r *reader) hexID(key string, v []byte) {
	r.p.Attributes.SetString(key, hex.EncodeToString(v))
}
