package cellocator

import (
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendStatus appends a status (type 0) of a unit: the place and, from the
// attributes, event, sat, odometer and ignition.
func AppendStatus(b []byte, unit uint32, number byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	t = t.UTC()
	var frame [statusSize]byte
	f := appendHeader(frame[:0], kindStatus, unit)[:statusSize-1]
	event, _ := p.Attributes.Get("event").Int()
	satellites, _ := p.Attributes.Get("sat").Int()
	odometer, _ := p.Attributes.Get("odometer").Float()
	f[11], f[18], f[43] = number, byte(event), byte(satellites)
	if on, _ := p.Attributes.Get("ignition").Bool(); on {
		f[20] = 1 << 5
	}
	metres := converters.Clamp(odometer, 0, 1<<24-1)
	f[29], f[30], f[31] = byte(metres), byte(metres>>8), byte(metres>>16)
	radians := func(degrees float64) uint32 {
		return uint32(int32(converters.Clamp(degrees*math.Pi/180*1e8, -math.MaxInt32, math.MaxInt32)))
	}
	le.PutUint32(f[44:], radians(p.Longitude))
	le.PutUint32(f[48:], radians(p.Latitude))
	le.PutUint32(f[52:], uint32(int32(converters.Clamp(p.AltitudeM*100, -math.MaxInt32, math.MaxInt32))))
	le.PutUint32(f[56:], uint32(converters.Clamp(p.SpeedKnots*1852/36, 0, math.MaxInt32)))
	le.PutUint16(f[60:], uint16(converters.Clamp(p.CourseDeg*math.Pi/180*1000, 0, 6283)))
	f[62], f[63], f[64] = byte(t.Second()), byte(t.Minute()), byte(t.Hour())
	f[65], f[66] = byte(t.Day()), byte(t.Month())
	le.PutUint16(f[67:], uint16(t.Year()))
	return append(b, appendChecksum(f)...)
}
