package egts

import (
	"encoding/hex"
	"math"
	"math/bits"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// epoch is 2010-01-01 in seconds since 1970, from which times count.
const epoch = 1262304000

// fewAttributes is room for the attributes of an ordinary record.
const fewAttributes = 16

// teledata reads a record of teledata. It is kept if it has a valid place.
func (d *decoder) teledata(b []byte) {
	p := data.Position{Protocol: "egts"}
	for {
		kind, content, rest, ok := next(b)
		if !ok {
			break
		}
		b = rest
		r := converters.NewReader(content)
		switch kind {
		case positionData:
			readPosition(&r, &p)
		case extPosition:
			readPrecision(&r, &p.Attributes)
		case adSensors:
			readSensors(&r, &p.Attributes)
		case liquidLevel:
			readLevel(&r, &p.Attributes)
		}
	}
	if p.Valid && !p.Outdated {
		device := d.device()
		device.Positions = append(device.Positions, p)
	}
}

// The flags of a place.
const (
	flagValid    = 1 << 0
	flagStored   = 1 << 3
	flagMoving   = 1 << 4
	flagSouth    = 1 << 5
	flagWest     = 1 << 6
	flagAltitude = 1 << 7
)

// readPosition reads time, place and movement. Both coordinates are positive
// shares of 90 and 180 degrees, the halves of the earth are flags.
func readPosition(r *converters.Reader, p *data.Position) {
	t := protocol.UnixMilli((int64(r.U32LE()) + epoch) * 1000)
	latitude := float64(r.U32LE()) * 90 / math.MaxUint32
	longitude := float64(r.U32LE()) * 180 / math.MaxUint32
	flags := r.U8()
	speed, course := r.U16LE(), uint16(r.U8())
	odometer, input, source := r.U24LE(), r.U8(), r.U8()
	if !r.OK() {
		return
	}
	if flags&flagSouth != 0 {
		latitude = -latitude
	}
	if flags&flagWest != 0 {
		longitude = -longitude
	}
	p.DeviceTime, p.FixTime = t, t
	p.Valid = flags&flagValid != 0
	protocol.SetPlace(p, latitude, longitude)
	p.SpeedKnots = converters.KnotsFromKmh(float64(speed&0x3FFF) / 10)
	p.CourseDeg = protocol.Course(float64(course | speed>>15<<8))
	if flags&flagAltitude != 0 {
		altitude := float64(r.U24LE())
		if r.OK() {
			if speed&0x4000 != 0 {
				altitude = -altitude
			}
			p.AltitudeM = altitude
		}
	}
	a := &p.Attributes
	if *a == nil {
		*a = make(data.Attributes, 0, fewAttributes)
	}
	a.SetInt("odometer", int64(odometer)*100)
	a.SetInt("input", int64(input))
	a.SetInt("event", int64(source))
	a.SetBool("motion", flags&flagMoving != 0)
	if flags&flagStored != 0 {
		a.SetBool("archive", true)
	}
}

// readPrecision reads what the mask says of precision and satellites. The
// dilutions of precision are hundredths.
func readPrecision(r *converters.Reader, a *data.Attributes) {
	mask := r.U8()
	for bit, key := range [...]string{"vdop", "hdop", "pdop"} {
		if mask&(1<<bit) == 0 {
			continue
		}
		if v := r.U16LE(); r.OK() {
			a.SetFloat(key, float64(v)/100)
		}
	}
	if mask&(1<<3) != 0 {
		if v := r.U8(); r.OK() {
			a.SetInt("sat", int64(v))
		}
	}
}

var adcNames = [...]string{"adc1", "adc2", "adc3", "adc4", "adc5", "adc6", "adc7", "adc8"}

// readSensors reads the groups of digital inputs, the outputs and the analog
// sensors.
func readSensors(r *converters.Reader, a *data.Attributes) {
	inputs, outputs, analog := r.U8(), r.U8(), r.U8()
	if !r.OK() {
		return
	}
	a.SetInt("output", int64(outputs))
	r.Skip(bits.OnesCount8(inputs)) // one byte for each group of eight
	for i, key := range adcNames {
		if analog&(1<<i) == 0 {
			continue
		}
		if v := r.U24LE(); r.OK() {
			a.SetInt(key, int64(v))
		}
	}
}

// readLevel reads a sensor of liquid: its flags, address and value, a number or
// what the sensor said.
func readLevel(r *converters.Reader, a *data.Attributes) {
	flags := r.U8()
	r.Skip(2)
	if flags&(1<<3) != 0 {
		if rest := r.Rest(); r.OK() && len(rest) > 0 {
			a.SetString("liquidRaw", hex.EncodeToString(rest))
		}
		return
	}
	if v := r.U32LE(); r.OK() {
		a.SetInt("liquid", int64(v))
	}
}
