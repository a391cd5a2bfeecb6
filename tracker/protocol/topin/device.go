package topin

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendLogin appends the login of an IMEI of 15 digits.
func AppendLogin(b []byte, imei string) []byte {
	content := converters.AppendBCD(make([]byte, 0, loginSize), imei, 8)
	return appendFrame(b, 0x0D, kindLogin, append(content, 1)) // version
}

// AppendPosition appends a position of type 10 with the number of satellites
// from the attribute sat. Times are written in UTC, to the second.
func AppendPosition(b []byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	t = t.UTC()
	satellites, _ := p.Attributes.Get("sat").Int()
	var room [gpsSize]byte
	c := append(room[:0], byte(t.Year()-2000), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()))
	c = append(c, 0x90|byte(min(satellites, 15)))
	flags := uint16(converters.Clamp(p.CourseDeg, 0, 360))
	if p.Valid {
		flags |= 1 << 12
	}
	latitude, longitude := p.Latitude, p.Longitude
	if latitude >= 0 {
		flags |= 1 << 10
	} else {
		latitude = -latitude
	}
	if longitude < 0 {
		flags |= 1 << 11
		longitude = -longitude
	}
	c = binary.BigEndian.AppendUint32(c, uint32(converters.Clamp(latitude*1800000, 0, 90*1800000)))
	c = binary.BigEndian.AppendUint32(c, uint32(converters.Clamp(longitude*1800000, 0, 180*1800000)))
	c = append(c, byte(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots), 0, 255)))
	return appendFrame(b, gpsSize, kindGPS, binary.BigEndian.AppendUint16(c, flags))
}
