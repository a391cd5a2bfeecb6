package calamp

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendEvent appends an acknowledged event report of an IMEI or another number:
// the place and, from the attributes, sat, rssi, input, event and acc0.
func AppendEvent(b []byte, id string, sequence uint16, p *data.Position) []byte {
	b = append(b, hasOptions|1<<optionID|1<<1)
	size := (len(id) + 1) / 2
	b = append(b, byte(size))
	for i := range size {
		low := byte(0x0F)
		if 2*i+1 < len(id) {
			low = id[2*i+1] - '0'
		}
		b = append(b, (id[2*i]-'0')<<4|low&0x0F)
	}
	b = append(b, 1, 2) // the id is an IMEI
	b = append(b, serviceAcknowledged, messageEvent)
	b = binary.BigEndian.AppendUint16(b, sequence)
	deviceTime, fixTime := p.DeviceTime, p.FixTime
	if deviceTime.IsZero() {
		deviceTime = fixTime
	}
	integer := func(name string) int64 { v, _ := p.Attributes.Get(name).Int(); return v }
	b = binary.BigEndian.AppendUint32(b, seconds(deviceTime))
	b = binary.BigEndian.AppendUint32(b, seconds(fixTime))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Latitude*1e7, -90e7, 90e7))))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Longitude*1e7, -180e7, 180e7))))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.AltitudeM*100, -math.MaxInt32, math.MaxInt32))))
	b = binary.BigEndian.AppendUint32(b, uint32(converters.Clamp(p.SpeedKnots*1852/36, 0, math.MaxInt32)))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(p.CourseDeg, 0, 360)))
	fix := byte(0)
	if !p.Valid {
		fix = 1 << 3
	}
	b = append(b, byte(integer("sat")), fix, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(int16(integer("rssi"))))
	b = append(b, 0, unknownHDOP, byte(integer("input")), 0, 0, byte(integer("event")), 1, 0)
	return binary.BigEndian.AppendUint32(b, uint32(integer("acc0")))
}

func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(t.Unix())
}
