package jt808

import (
	"strconv"

	"github.com/waymark-gps/waymark/util/converters"
)

// seals reads the sub locks of an e-lock.
func (r *reader) seals(v []byte) {
	a := &r.p.Attributes
	for i := 1; len(v) >= 11; i++ {
		lock := "lock" + strconv.Itoa(i)
		r.hexID(lock+"Id", v[:6])
		a.SetFloat(lock+"Battery", float64(number(v[6:8]))/1000)
		a.SetBool(lock+"Seal", v[8] == 0x31)
		v = v[11:]
	}
}

// locks reads a count and the locks with the card that opened them.
func (r *reader) locks(v []byte) {
	const size = 5 + 5 + 1 + 2
	a := &r.p.Attributes
	count := int(v[0])
	v = v[1:]
	for i := 1; i <= count && len(v) >= size; i++ {
		lock := "lock" + strconv.Itoa(i)
		r.hexID(lock+"Id", v[:5])
		r.hexID(lock+"Card", v[5:10])
		a.SetInt(lock+"Battery", int64(v[10]))
		a.SetBool(lock+"Locked", number(v[11:13])>>5&1 == 0)
		v = v[size:]
	}
}

func (r *reader) tyres(v []byte) {
	a := &r.p.Attributes
	for ; len(v) >= 8; v = v[8:] {
		tyre := "tire" + strconv.Itoa(int(v[0]))
		r.hexID(tyre+"SensorId", v[1:4])
		a.SetFloat(tyre+"Pressure", float64(number(v[4:6])&0x3FF)/40)
		a.SetInt(tyre+"Temp", int64(v[6])-50)
	}
}

// climate reads sensors of temperature and humidity, or the text of an OBD
// reader.
func (r *reader) climate(v []byte) {
	if len(v) > 0 && v[0] == '$' {
		r.obdText(string(v))
		return
	}
	if len(v)%11 != 0 {
		return
	}
	// A signed whole byte and 255ths.
	value := func(v []byte) float64 { return float64(int8(v[0])) + float64(v[1])/255 }
	for ; len(v) >= 11; v = v[11:] {
		tag := "tag" + strconv.Itoa(int(v[0]))
		r.p.Attributes.SetString(tag+"Mac", mac(v[1:7]))
		r.p.Attributes.SetFloat(tag+"Temp", value(v[7:9]))
		r.p.Attributes.SetFloat(tag+"Humidity", value(v[9:11]))
	}
}

// sensors reads item F6 of the AOVX.
func (r *reader) sensors(v []byte) {
	a := &r.p.Attributes
	switch len(v) {
	case 0, 1:
		return
	case 2:
		a.SetInt("airPressure", int64(number(v)))
		return
	case 8:
		a.SetString("imei", converters.BCDDigits(v))
		return
	}
	event, mask := v[0], v[1]
	b := converters.NewReader(v[2:])
	a.SetInt("event", int64(event))
	if event == 2 {
		a.SetBool("motion", true)
	}
	// In some firmware one bit stands for temperature and humidity: the size
	// tells.
	sizes := []int{2, 2, 2, 6, 10, 2}
	names := []string{"lightSensor", "temp1", "humidity", "gSensor", "", "airPressure"}
	if masked(sizes, mask) != b.Len() {
		if together := []int{2, 4, 6, 10, 2}; masked(together, mask) == b.Len() {
			sizes, names = together, []string{"lightSensor", "climate", "gSensor", "", "airPressure"}
		}
	}
	for bit, size := range sizes {
		if mask>>bit&1 != 0 {
			r.sensor(names[bit], b.Bytes(size))
		}
	}
}

// masked is the size of the fields whose bits are set.
func masked(sizes []int, mask byte) (n int) {
	for bit, size := range sizes {
		if mask>>bit&1 != 0 {
			n += size
		}
	}
	return n
}

// sensor stores what a sensor measured; nothing if v is empty.
func (r *reader) sensor(name string, v []byte) {
	a := &r.p.Attributes
	switch {
	case len(v) == 0:
	case name == "lightSensor", name == "airPressure":
		a.SetInt(name, int64(number(v)))
	case name == "temp1", name == "temp3", name == "deviceTemp", name == "humidity":
		a.SetFloat(name, float64(int16(number(v)))/10)
	case name == "climate":
		r.sensor("temp1", v[:2])
		r.sensor("humidity", v[2:])
	case name == "gSensor", name == "acceleration":
		a.SetString(name, axes(v))
	}
}

// axes writes three signed numbers as [x,y,z].
func axes(v []byte) string {
	b := []byte{'['}
	for i := range 3 {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(int16(number(v[2*i:2*i+2]))), 10)
	}
	return string(append(b, ']'))
}

var cameraKinds = map[uint16]string{
	0x0400: "hardAcceleration", 0x0412: "hardAcceleration", 0x0401: "hardBraking", 0x0413: "hardBraking",
	0x0402: "hardCornering", 0x0414: "hardCornering", 0x0403: "overspeed", 0x0405: "accident", 0x0416: "accident",
	0x0417: "accident", 0x0406: "vibration", 0x0407: "tow", 0x0408: "geofenceEnter", 0x0409: "geofenceExit", 0x040C: "door",
	0x0415: "laneChange", 0x0C01: "sos", 0x0C02: "lowPower", 0x0C0E: "powerCut", 0x0C0F: "lowBattery", 0x0C10: "powerOff",
	0x0C12: "tampering",
}

// camera reads item E8 of the JC cameras: type, length and value as often as
// they come.
func (r *reader) camera(v []byte) {
	a := &r.p.Attributes
	b := converters.NewReader(v)
	for b.Len() >= 2 {
		kind := b.U16()
		var content converters.Reader
		if b.Len() > 0 {
			content = converters.NewReader(b.Bytes(min(int(b.U8()), b.Len())))
		}
		switch {
		case kind == 0x2003 && content.Len() >= 7:
			a.SetBool("charge", content.U8() != 0)
			a.SetInt("batteryLevel", int64(content.U8())*100/6)
			a.SetFloat("battery", float64(content.U16())/100)
			a.SetInt("rssi", int64(content.U8()))
			a.SetFloat("power", float64(content.U16())/100)
		case kind == 0x2005:
			r.cameraItems(content)
		case kind == 0x0C03, kind == 0x0C04:
			a.SetBool("ignition", kind == 0x0C03)
		default:
			a.AddAlarm(cameraKinds[kind])
		}
	}
}

func (r *reader) cameraItems(b converters.Reader) {
	a := &r.p.Attributes
	for b.Len() >= 3 {
		id := b.U16()
		v := b.Bytes(min(int(b.U8()), b.Len()))
		if len(v) == 0 {
			continue
		}
		switch id {
		case 1:
			a.SetFloat("battery", float64(number(v))/100)
		case 3:
			a.SetInt("batteryLevel", int64(number(v)&0xFFFF))
		case 4:
			a.SetBool("charge", number(v) == 0)
		case 5:
			a.SetString("iccid", iccid(v))
		case 7:
			a.SetFloat("hdop", float64(number(v))/10)
		case 0x2001:
			a.SetFloat("power", float64(number(v))/10)
		}
	}
}

// iccid reads the number of a SIM, as packed digits or as text.
func iccid(v []byte) string {
	if len(v) <= 10 {
		return converters.BCDDigits(v)
	}
	return printable(v)
}
