package atrack

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// field says how a custom field is written in binary and what it means.
type field struct {
	// size is its bytes in binary, 0 for a text that ends with a zero.
	size int
	// name is the attribute; without one the field is left out or set handles it.
	name string
	// scale makes the attribute's unit of the number; 0 leaves it whole.
	scale float64
	// set handles what is no plain number, text or both.
	set func(rec *custom, n int64)
}

const milesInMetres = 1609.344

// fields are the custom fields by their keys.
var fields = map[string]field{
	"SA": {size: 1, name: "sat"},
	"MV": {size: 2, name: "power", scale: 0.1},
	"BV": {size: 2, name: "battery", scale: 0.1},
	"GQ": {size: 1, set: func(c *custom, n int64) { c.quality, c.hasQuality = n, true }},
	"GS": {size: 1, name: "rssi"},
	"CE": {size: 4, set: func(c *custom, n int64) { c.tower.CellID, c.hasTower = n, true }},
	"LC": {size: 2, set: func(c *custom, n int64) { c.tower.LAC, c.hasTower = int(n), true }},
	"CN": {size: 4, set: (*custom).operator},
	"RL": {size: 1},
	"PC": {size: 4, name: "count1"},
	"AT": {size: 4, set: func(c *custom, n int64) { c.at.AltitudeM = float64(int32(n)) }},
	"RP": {size: 2, name: "rpm"},
	"DT": {size: 1, set: func(c *custom, n int64) {
		if n == 1 {
			c.at.Attributes.SetBool("archive", true)
		}
	}},
	"VN": {name: "vin"},
	"MF": {size: 2, name: "massFlow"},
	"EL": {size: 1, name: "engineLoad"},
	"TR": {size: 1, name: "throttle"},
	"ET": {size: 2, set: func(c *custom, n int64) {
		if c.text {
			c.at.Attributes.SetInt("coolantTemp", n)
		} else {
			c.at.Attributes.SetInt("temp1", int64(int16(n)))
		}
	}},
	"FL":   {size: 1, name: "fuel"},
	"ML":   {size: 1, name: "mil"},
	"FC":   {size: 4, name: "fuelConsumption"},
	"AV1":  {size: 2, name: "adc1"},
	"NC":   {},
	"GL":   {},
	"MA":   {},
	"CD":   {name: "iccid"},
	"SM":   {size: 2},
	"PD":   {size: 1},
	"CM":   {size: 8},
	"GN":   {size: 60},
	"GV":   {size: 6},
	"ME":   {size: 8},
	"IA":   {size: 1},
	"MP":   {size: 1},
	"EO":   {size: 4, name: "odometer", scale: milesInMetres},
	"EH":   {size: 4, set: func(c *custom, n int64) { c.at.Attributes.SetInt("hours", n*360_000) }},
	"IN0":  {size: 1, set: flag("ignition")},
	"IN1":  {size: 1, set: flag("in1")},
	"IN2":  {size: 1, set: flag("in2")},
	"IN3":  {size: 1, set: flag("in3")},
	"MT":   {size: 1, set: flag("motion")},
	"HA":   {size: 1, set: alarm("hardAcceleration")},
	"HB":   {size: 1, set: alarm("hardBraking")},
	"HC":   {size: 1, set: alarm("hardCornering")},
	"JH1":  {size: 2, name: "obdSpeed", scale: 1.0 / 256},
	"JH2":  {size: 2, name: "rpm", scale: 0.125},
	"JO4":  {size: 1, name: "engineLoad"},
	"JO5":  {size: 1, name: "fuel", scale: 0.4},
	"JO11": {size: 1, set: func(c *custom, n int64) { c.at.Attributes.SetInt("coolantTemp", n-40) }},
	"JL1":  {size: 4, name: "fuelUsed", scale: 0.5},
	"JL3":  {size: 4, name: "odometer", scale: 1000},
	"JL4":  {size: 4, name: "fuelUsed", scale: 0.001},
}

func flag(name string) func(*custom, int64) {
	return func(c *custom, n int64) { c.at.Attributes.SetBool(name, n > 0) }
}

func alarm(kind string) func(*custom, int64) {
	return func(c *custom, n int64) {
		if n > 0 {
			c.at.Attributes.AddAlarm(kind)
		}
	}
}

// custom gathers the custom fields of one report.
type custom struct {
	at         *data.Position
	text       bool
	tower      data.CellTower
	hasTower   bool
	quality    int64
	hasQuality bool
}

// operator reads country and network written as one number, 46601 is 466, 01.
func (c *custom) operator(n int64) {
	digits := strconv.FormatInt(n, 10)
	if len(digits) < 4 {
		return
	}
	c.tower.MCC, _ = strconv.Atoi(digits[:3])
	c.tower.MNC, _ = strconv.Atoi(digits[3:])
}

// number sets the meaning of a number.
func (c *custom) number(f field, n int64) {
	switch {
	case f.set != nil:
		f.set(c, n)
	case f.name == "":
	case f.scale == 0.1: // tenths divide without a rest in the last digit
		c.at.Attributes.SetFloat(f.name, float64(n)/10)
	case f.scale == 0.001:
		c.at.Attributes.SetFloat(f.name, float64(n)/1000)
	case f.scale != 0:
		c.at.Attributes.SetFloat(f.name, float64(n)*f.scale)
	default:
		c.at.Attributes.SetInt(f.name, n)
	}
}

// close puts what needs several fields into the report.
func (c *custom) close() {
	if c.hasTower && (c.tower.CellID != 0 || c.tower.LAC != 0) {
		c.at.Network = &data.Network{CellTowers: []data.CellTower{c.tower}}
	}
	if c.hasQuality && c.at.Attributes.Get("rssi").Kind() == data.KindNone {
		c.at.Attributes.SetInt("rssi", c.quality)
	}
}

// keys yields the keys of a format, "%CI%MV%BV" has MV and BV.
func keys(form string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range strings.SplitSeq(form, "%") {
			if key = strings.TrimSpace(key); key == "" || key == "CI" {
				continue
			}
			if !yield(key) {
				return
			}
		}
	}
}

// fields reads the custom fields of a binary record. Behind a key that is not
// known nothing can be found any more.
func (rec *record) fields(form string) {
	c := custom{at: rec.at}
	defer c.close()
	for key := range keys(form) {
		f, ok := fields[key]
		switch {
		case key == "BC":
			rec.beacons(rec.at, rec.text())
		case !ok:
			rec.r.Skip(rec.r.Len() + 1)
			return
		case f.size == 0:
			if text := rec.text(); f.name != "" {
				rec.at.Attributes.SetString(f.name, text)
			}
		case f.size > 8:
			rec.r.Skip(f.size)
		default:
			if n := rec.r.Uint(f.size); rec.r.OK() {
				c.number(f, int64(n))
			}
		}
		if !rec.r.OK() {
			return
		}
	}
}

// textFields reads the custom fields of a text record.
func (c *codec) textFields(p *data.Position, form string, values []string) {
	custom := custom{at: p, text: true}
	defer custom.close()
	for key := range keys(form) {
		if len(values) == 0 {
			return
		}
		value := strings.TrimFunc(values[0], func(r rune) bool { return r <= ' ' })
		values = values[1:]
		f, ok := fields[key]
		switch {
		case key == "BC":
			c.beacons(p, value)
		case !ok || value == "":
		case f.size == 0:
			if f.name != "" {
				p.Attributes.SetString(f.name, value)
			}
		default:
			if n, err := strconv.ParseInt(value, 10, 40); err == nil {
				custom.number(f, n)
			}
		}
	}
}

// beacons reads the beacons around the device: "mode:mask:hex", or with the
// setting frameMask items of length, kind, MAC and data in hex.
func (c *codec) beacons(p *data.Position, text string) {
	if c.frameMask {
		c.beaconItems(p, text[strings.LastIndexByte(text, ':')+1:])
		return
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return
	}
	mask, err := strconv.ParseUint(parts[1], 10, 8)
	b, err2 := hex.DecodeString(parts[2])
	if err != nil || err2 != nil || mask&0x80 == 0 || len(b) < 6 {
		return
	}
	p.Attributes.SetString("tag1Id", hex.EncodeToString(b[:6]))
	if mask == kindTemperature && len(b) == 6+2+2 {
		p.Attributes.SetFloat("tag1Temp", float64(int16(binary.BigEndian.Uint16(b[8:])))/100)
	}
}

// kindTemperature is the kind of beacon that measures the temperature.
const kindTemperature = 0xE0

func (c *codec) beaconItems(p *data.Position, text string) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return
	}
	r := converters.NewReader(b)
	for i := 1; r.Len() > 1; i++ {
		item := converters.NewReader(r.Bytes(min(int(r.U8()), r.Len())))
		kind, mac := item.U8(), item.Bytes(6)
		if !item.OK() {
			return
		}
		tag := "tag" + strconv.Itoa(i)
		p.Attributes.SetString(tag+"Id", hex.EncodeToString(mac))
		if kind == kindTemperature && item.Len() >= 2 {
			p.Attributes.SetFloat(tag+"Temp", float64(int16(item.U16()))/100)
		}
	}
}
