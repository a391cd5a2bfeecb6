package cellocator

import (
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The modules of type 11.
const (
	moduleCAN  = 2
	moduleGPS  = 6
	moduleTime = 7
)

// modular reads type 11 and tells whether it is a report.
func modular(p *data.Position, frame []byte) bool {
	r := converters.NewReader(frame[:len(frame)-1]) // the checksum
	r.Skip(headerSize + 2 + 1 + 1)                  // control, number, control
	size := int(r.U16LE())
	if size < r.Len() {
		r = converters.NewReader(r.Bytes(size))
	}
	r.Skip(2 + 2) // reserved
	found := false
	var latitude, longitude float64
	placed := false
	for r.Len() >= 3 {
		kind, size := r.U8(), int(r.U16LE())
		m := converters.NewReader(r.Bytes(min(size, r.Len())))
		switch kind {
		case moduleCAN:
			found = canModule(p, &m) || found
		case moduleGPS:
			hdop := m.U8()
			m.Skip(1 + 1) // modes
			satellites := m.U8()
			lon, lat := float64(int32(m.U32LE()))/1e8, float64(int32(m.U32LE()))/1e8
			altitude := float64(int32(m.U32LE())) / 100
			speed, course := m.U8(), float64(m.U16LE())/1000
			if !m.OK() {
				break
			}
			p.Attributes.SetInt("hdop", int64(hdop))
			p.Attributes.SetInt("sat", int64(satellites))
			latitude, longitude, placed = degrees(lat), degrees(lon), true
			p.AltitudeM = altitude
			p.SpeedKnots = converters.KnotsFromKmh(float64(speed))
			p.CourseDeg = protocol.Course(degrees(course))
		case moduleTime:
			m.Skip(1) // valid
			second, minute, hour := int(m.U8()), int(m.U8()), int(m.U8())
			day, month, year := int(m.U8()), int(m.U8()), int(m.U8())
			if m.OK() {
				p.DeviceTime = protocol.Date(2000+year, month, day, hour, minute, second)
			}
		}
	}
	if placed {
		place(p, latitude, longitude)
	}
	return placed || found
}

// canModule reads values of the vehicle's bus.
func canModule(p *data.Position, m *converters.Reader) bool {
	m.Skip(2 + 4) // operator, signature
	found := false
	for count := m.U8(); count > 0 && m.Len() >= 7; count-- {
		id := m.U16LE()
		m.Skip(1) // how many bytes of the value count
		p.Attributes.SetInt("io"+strconv.Itoa(int(id)), int64(m.U32LE()))
		found = true
	}
	return found
}
