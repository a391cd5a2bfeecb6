package teltonika

import (
	"math/bits"
	"strconv"

	"github.com/waymark-gps/waymark/util/converters"
)

// form is how the value of an element becomes an attribute.
type form uint8

const (
	asInt form = iota + 1
	asSigned
	asBool
	asFraction       // divided by scale
	asSignedFraction // the same of a signed number
	asDecimalText
)

// families say for which models a meaning holds.
type families uint8

const (
	every families = iota
	fmb
	fmb003
)

func (f families) holds(m *model) bool {
	switch f {
	case every:
		return true
	case fmb:
		return m.fmb
	case fmb003:
		return m.fmb003
	}
	return false
}

// meaning is what an element is for some models.
type meaning struct {
	id     int
	name   string
	form   form
	scale  float64
	models families
}

// meanings are the elements that have a standard name. What is not here stays
// "io" and the id.
var meanings = []meaning{
	{1, "in1", asBool, 0, every},
	{2, "in2", asBool, 0, every},
	{3, "in3", asBool, 0, every},
	{4, "in4", asBool, 0, every},
	{9, "adc1", asFraction, 1000, fmb},
	{10, "adc2", asFraction, 1000, fmb},
	{11, "iccid", asDecimalText, 0, fmb},
	{12, "fuelUsed", asFraction, 1000, fmb},
	{13, "fuelConsumption", asFraction, 100, fmb},
	{16, "odometer", asInt, 0, every},
	{17, "axisX", asSigned, 0, every},
	{18, "axisY", asSigned, 0, every},
	{19, "axisZ", asSigned, 0, every},
	{21, "rssi", asInt, 0, every},
	{25, "bleTemp1", asSignedFraction, 100, every},
	{26, "bleTemp2", asSignedFraction, 100, every},
	{27, "bleTemp3", asSignedFraction, 100, every},
	{28, "bleTemp4", asSignedFraction, 100, every},
	{30, "faultCount", asInt, 0, fmb},
	{31, "engineLoad", asInt, 0, fmb},
	{32, "coolantTemp", asSigned, 0, fmb},
	{36, "rpm", asInt, 0, fmb},
	{66, "power", asFraction, 1000, every},
	{67, "battery", asFraction, 1000, every},
	{68, "batteryCurrent", asFraction, 1000, fmb},
	{72, "temp1", asSignedFraction, 10, fmb},
	{73, "temp2", asSignedFraction, 10, fmb},
	{74, "temp3", asSignedFraction, 10, fmb},
	{75, "temp4", asSignedFraction, 10, fmb},
	{80, "dataMode", asInt, 0, fmb},
	{81, "obdSpeed", asInt, 0, fmb},
	{82, "throttle", asInt, 0, fmb},
	{83, "fuelUsed", asFraction, 10, fmb},
	{84, "fuel", asFraction, 10, fmb},
	{85, "rpm", asInt, 0, fmb},
	{87, "obdOdometer", asInt, 0, fmb},
	{89, "fuelLevel", asInt, 0, fmb},
	{107, "fuelUsed", asFraction, 10, fmb},
	{110, "fuelConsumption", asFraction, 10, fmb},
	{113, "batteryLevel", asInt, 0, fmb},
	{115, "engineTemp", asSignedFraction, 10, fmb},
	{179, "out1", asBool, 0, every},
	{180, "out2", asBool, 0, every},
	{181, "pdop", asFraction, 10, every},
	{182, "hdop", asFraction, 10, every},
	{199, "tripOdometer", asInt, 0, every},
	{200, "sleepMode", asInt, 0, fmb},
	{239, "ignition", asBool, 0, every},
	{240, "motion", asBool, 0, every},
	{241, "operator", asInt, 0, every},
	{389, "obdOdometer", asInt, 1000, fmb003},
	{662, "door", asBool, 0, fmb},
	{10800, "eyeTemp1", asSignedFraction, 100, fmb},
	{10801, "eyeTemp2", asSignedFraction, 100, fmb},
	{10802, "eyeTemp3", asSignedFraction, 100, fmb},
	{10803, "eyeTemp4", asSignedFraction, 100, fmb},
}

// byID finds meanings: a table for the ids that fit into a byte, which are
// nearly all of the traffic, a map for the rest.
var byID, byWideID = func() (small [256]*meaning, wide map[int]*meaning) {
	wide = map[int]*meaning{}
	for i := range meanings {
		if m := &meanings[i]; m.id < len(small) {
			small[m.id] = m
		} else {
			wide[m.id] = m
		}
	}
	return small, wide
}()

// ioNames are the names of elements without a meaning, made once.
var ioNames = func() (names [1024]string) {
	for i := range names {
		names[i] = "io" + strconv.Itoa(i)
	}
	return names
}()

func ioName(id int) string {
	if id < len(ioNames) {
		return ioNames[id]
	}
	return "io" + strconv.Itoa(id)
}

// element stores one element of size bytes.
func (d *record) element(id, size int, v uint64) {
	if d.special(id, size, v) {
		return
	}
	var m *meaning
	if id < len(byID) {
		m = byID[id]
	} else {
		m = byWideID[id]
	}
	a := &d.at.Attributes
	if m == nil || !m.models.holds(&d.codec.model) {
		a.SetInt(ioName(id), int64(v))
		return
	}
	switch m.form {
	case asInt:
		if m.scale != 0 {
			v *= uint64(m.scale)
		}
		a.SetInt(m.name, int64(v))
	case asSigned:
		a.SetInt(m.name, converters.SignExtend(v, size))
	case asBool:
		a.SetBool(m.name, v > 0)
	case asFraction:
		a.SetFloat(m.name, float64(v)/m.scale)
	case asSignedFraction:
		a.SetFloat(m.name, float64(converters.SignExtend(v, size))/m.scale)
	case asDecimalText:
		a.SetString(m.name, strconv.FormatUint(v, 10))
	}
}

// special handles the elements that are no simple attribute. It tells whether
// it did.
func (d *record) special(id, size int, v uint64) bool {
	a, model, c := &d.at.Attributes, &d.codec.model, &d.cell
	switch id {
	case 78: // the number of an iButton, its bytes reversed
		if size == 8 {
			v = bits.ReverseBytes64(v)
		}
		if v != 0 {
			a.SetString("driverUniqueId", upperHex(v))
		}
		return true
	case 236:
		if v > 0 {
			a.AddAlarm("general")
		}
		return true
	case 253:
		if v <= 3 {
			a.AddAlarm([4]string{"", "hardAcceleration", "hardBraking", "hardCornering"}[v])
		}
		return true
	case 241:
		c.operator = int64(v)
		return false
	}
	if model.fm6 && (id == 195 || id == 196) {
		d.driver[id-195] = v
		return true
	}
	if !model.fmb {
		return false
	}
	switch id {
	case 24:
		d.at.SpeedKnots = converters.KnotsFromKmh(float64(v & 0xFFFF))
	case 205:
		c.id2G, c.has2G = int64(v), true
	case 206:
		c.lac, c.hasLAC = int64(v), true
	case 636:
		c.id4G, c.has4G = int64(v), true
	case 175:
		if v > 0 {
			a.AddAlarm("geofenceEnter")
		} else {
			a.AddAlarm("geofenceExit")
		}
	case 246, 247, 249, 251, 252:
		if v > 0 {
			a.AddAlarm(map[int]string{246: "tow", 247: "accident", 249: "jamming", 251: "idle", 252: "powerCut"}[id])
		}
	default:
		return false
	}
	return true
}

func upperHex(v uint64) string {
	const digits = "0123456789ABCDEF"
	var b [16]byte
	for i := range b {
		b[i] = digits[v>>(60-4*i)&15]
	}
	return string(b[:])
}
