package navis

import (
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// record reads one FLEX record.
func (c *codec) record(r *converters.Reader, p *data.Position) {
	f := fix{at: p}
	p.Attributes = make(data.Attributes, 0, len(c.fields)+attributesOfBits)
	for _, n := range c.fields {
		size := int(sizes[n])
		if n == 70 {
			sum := int64(0)
			for _, seen := range r.Bytes(size) {
				sum += int64(seen)
			}
			f.int("satVisible", sum)
		} else if size > 8 {
			r.Skip(size)
		} else {
			f.field(n, r.UintLE(size), size)
		}
	}
	f.finish()
}

// attributesOfBits is room for the inputs and outputs of a record.
const attributesOfBits = 24

// place is the coordinates of a record and which of them were there.
type place struct {
	latitude, longitude float64
	hasLat, hasLon      bool
}

// fix collects what makes a position.
type fix struct {
	at *data.Position
	place
	input, output int64
}

// add appends an attribute. The names of the fields differ, so nothing need be
// looked for.
func (f *fix) add(key string, v data.Value) {
	if v.Kind() != data.KindNone {
		f.at.Attributes = append(f.at.Attributes, data.Attribute{Key: key, Value: v})
	}
}

func (f *fix) int(key string, v int64)     { f.add(key, data.Int(v)) }
func (f *fix) float(key string, v float64) { f.add(key, data.Float(v)) }

// finish puts the place in.
func (f *fix) finish() {
	p := f.at
	if !f.hasLat || !f.hasLon {
		p.Outdated, p.Valid = true, false
		p.FixTime = time.Time{}
		return
	}
	if protocol.SetPlace(p, f.latitude, f.longitude); p.Outdated {
		p.FixTime = time.Time{}
	}
}

// bits adds names of one field of inputs or outputs.
func (f *fix) bits(names *[32]string, first int, v uint64, count int) {
	for i := range count {
		f.add(names[first+i], data.Bool(v>>i&1 != 0))
	}
}

// field reads field n, up to 8 bytes.
func (f *fix) field(n uint8, v uint64, size int) {
	p := f.at
	switch {
	case n == 1:
		f.int("index", int64(v))
	case n == 2:
		f.int("event", int64(v))
	case n == 3:
		p.DeviceTime = protocol.UnixMilli(int64(v) * 1000)
	case n == 4:
		f.armed(byte(v))
	case n == 5:
		f.int("status", int64(v))
	case n == 6:
		f.int("status2", int64(v))
	case n == 7:
		f.int("rssi", int64(v))
	case n == 8:
		p.Valid = v&2 != 0
		f.int("sat", int64(v>>2))
	case n == 9:
		p.FixTime = protocol.UnixMilli(int64(v) * 1000)
	case n == 10:
		f.latitude, f.hasLat = minutes(v), true
	case n == 11:
		f.longitude, f.hasLon = minutes(v), true
	case n == 12:
		p.AltitudeM = float64(int32(v)) / 10
	case n == 13:
		f.speed(float(v))
	case n == 14:
		p.CourseDeg = protocol.Course(float64(v))
	case n == 15:
		f.metres("odometer", float(v))
	case n == 16:
		f.metres("distance", float(v))
	case n == 19:
		f.float("power", float64(v)/1000)
	case n == 20:
		f.float("battery", float64(v)/1000)
	case n >= 21 && n <= 28:
		f.int(adcNames[n-21], int64(v))
	case n >= 29 && n <= 32:
		f.digital(n, v)
	case n <= 52:
		f.counter(n, v)
	case n <= 69:
		f.vehicle(n, v)
	default:
		f.extra(n, v, size)
	}
}

// minutes reads a coordinate in 1/10000 minutes.
func minutes(v uint64) float64 { return float64(int32(v)) / 600000 }

func float(v uint64) float64 { return float64(math.Float32frombits(uint32(v))) }

// armed reads the byte of the alarm system.
func (f *fix) armed(v byte) {
	f.add("armed", data.Bool(v&1 != 0))
	if v&2 != 0 {
		f.at.Attributes.AddAlarm("general")
	}
}

func (f *fix) speed(kmh float64) {
	if kmh > 0 && kmh < maxKmh {
		f.at.SpeedKnots = converters.KnotsFromKmh(kmh)
	}
}

// maxKmh is faster than anything that is tracked; beyond is no number.
const maxKmh = 10000

// metres adds a distance sent in kilometres; negative ones mean none.
func (f *fix) metres(key string, km float64) {
	if km >= 0 {
		f.float(key, km*1000)
	}
}

// digital reads inputs 1 to 8 and 9 to 16, outputs the same.
func (f *fix) digital(n uint8, v uint64) {
	key, names, all := "input", &inNames, &f.input
	if n > 30 {
		key, names, all = "output", &outNames, &f.output
	}
	if n == 29 || n == 31 {
		*all = int64(v)
		f.int(key, *all)
		f.bits(names, 0, v, 8)
		return
	}
	*all |= int64(v) << 8
	f.at.Attributes.SetInt(key, *all)
	f.bits(names, 8, v, 8)
}

func names(prefix string) (list [32]string) {
	for i := range list {
		list[i] = prefix + strconv.Itoa(i+1)
	}
	return list
}

var (
	inNames, outNames   = names("in"), names("out")
	adcNames, tempNames = names("adc"), names("temp")
	fuelNames           = names("fuel")
	fuelTempNames       = names("fuelTemp")
	humidityNames       = names("humidity")
	axleNames           = names("axleWeight")
	user1Names          = names("user1Byte")
	user2Names          = names("user2Byte")
	user4Names          = names("user4Byte")
	user8Names          = names("user8Byte")
)
