package atrack

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendPositions appends a binary message of a unit: the places and, from the
// attributes, type, odometer, hdop and input.
func AppendPositions(b []byte, unit uint64, number uint16, positions []data.Position) []byte {
	start := len(b)
	b = append(b, '@', 'P', 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, number)
	b = binary.BigEndian.AppendUint64(b, unit)
	for i := range positions {
		b = appendRecord(b, &positions[i])
	}
	binary.BigEndian.PutUint16(b[start+4:], uint16(len(b)-start-binaryHeader))
	binary.BigEndian.PutUint16(b[start+2:], converters.CRC16ARC(b[start+4:]))
	return b
}

// AppendKeepAlive appends a keep-alive of a unit.
func AppendKeepAlive(b []byte, unit uint64, number uint16) []byte {
	return appendReply(b, unit, number)
}

func appendRecord(b []byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	number := func(name string, scale float64, high int64) uint32 {
		v, _ := p.Attributes.Get(name).Float()
		return uint32(converters.Clamp(v*scale, 0, high))
	}
	for range 3 {
		b = binary.BigEndian.AppendUint32(b, uint32(t.Unix()))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Longitude*1e6, -180e6, 180e6))))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Latitude*1e6, -90e6, 90e6))))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(p.CourseDeg, 0, 360)))
	b = append(b, byte(number("type", 1, 255)))
	b = binary.BigEndian.AppendUint32(b, number("odometer", 0.01, 1<<32-1))
	b = binary.BigEndian.AppendUint16(b, uint16(number("hdop", 10, 65535)))
	b = append(b, byte(number("input", 1, 255)))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots), 0, 65535)))
	b = append(b, 0)    // outputs
	b = append(b, 0, 0) // analogue input
	b = append(b, 0)    // driver
	b = binary.BigEndian.AppendUint16(b, noTemperature)
	b = binary.BigEndian.AppendUint16(b, noTemperature)
	return append(b, 0) // text
}
