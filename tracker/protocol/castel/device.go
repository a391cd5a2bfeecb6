package castel

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendPosition appends a GPS message (4001) of an OBD dongle: the place and,
// from the attributes, sat, odometer and ignition. An id has up to 20
// characters.
func AppendPosition(b []byte, id string, p *data.Position) []byte {
	h := header{version: 4}
	copy(h.id[:], id)
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	t = t.UTC()
	odometer, _ := p.Attributes.Get("odometer").Float()
	satellites, _ := p.Attributes.Get("sat").Int()
	state := uint32(0)
	if on, _ := p.Attributes.Get("ignition").Bool(); on {
		state |= 1 << 18
	}
	var room [1 + statSize + 1 + itemSize]byte
	c := append(room[:0], 0) // not from memory
	c = binary.LittleEndian.AppendUint32(c, uint32(t.Unix()))
	c = binary.LittleEndian.AppendUint32(c, uint32(t.Unix()))
	c = binary.LittleEndian.AppendUint32(c, uint32(converters.Clamp(odometer, 0, 1<<32-1)))
	c = append(c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // trip, fuel
	c = binary.LittleEndian.AppendUint32(c, state)
	c = append(c, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	c = append(c, byte(t.Day()), byte(t.Month()), byte(t.Year()-2000), byte(t.Hour()), byte(t.Minute()), byte(t.Second()))
	flags := byte(min(satellites, 15)) << 4
	if p.Valid {
		flags |= 3 << 2
	}
	latitude, longitude := p.Latitude, p.Longitude
	if longitude >= 0 {
		flags |= 1 << 0
	} else {
		longitude = -longitude
	}
	if latitude >= 0 {
		flags |= 1 << 1
	} else {
		latitude = -latitude
	}
	const unitsPerDegree = 3600000
	c = binary.LittleEndian.AppendUint32(c, uint32(converters.Clamp(latitude*unitsPerDegree, 0, 90*unitsPerDegree)))
	c = binary.LittleEndian.AppendUint32(c, uint32(converters.Clamp(longitude*unitsPerDegree, 0, 180*unitsPerDegree)))
	c = binary.LittleEndian.AppendUint16(c, uint16(converters.Clamp(p.SpeedKnots*1852/36, 0, 65535)))
	c = binary.LittleEndian.AppendUint16(c, uint16(converters.Clamp(p.CourseDeg*10, 0, 3600)))
	return h.appendFrame(b, obdGPS, append(c, flags))
}
