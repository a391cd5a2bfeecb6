package eelink

import (
	"encoding/binary"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendLogin appends the login of an IMEI of 15 digits.
func AppendLogin(b []byte, imei string, serial uint16) []byte {
	body := converters.AppendBCD(make([]byte, 0, 10), imei, imeiSize)
	return appendPackage(b, kindLogin, serial, append(body, 1, 0)) // English, UTC
}

// AppendPosition appends a package of type 12: place, altitude, speed, course,
// the first cell and, from the attributes, sat, ignition, battery and odometer.
func AppendPosition(b []byte, p *data.Position, serial uint16) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	var room [64]byte
	body := binary.BigEndian.AppendUint32(room[:0], unixOf(t))
	mask := byte(0)
	status := uint16(1 << 1)
	if !p.Outdated {
		mask |= 1 << 0
	}
	tower := p.Network != nil && len(p.Network.CellTowers) > 0
	if tower {
		mask |= 1 << 1
	}
	body = append(body, mask)
	if !p.Outdated {
		satellites, _ := p.Attributes.Get("sat").Int()
		body = binary.BigEndian.AppendUint32(body, uint32(int32(converters.Clamp(p.Latitude*unitsPerDegree, -90*unitsPerDegree, 90*unitsPerDegree))))
		body = binary.BigEndian.AppendUint32(body, uint32(int32(converters.Clamp(p.Longitude*unitsPerDegree, -180*unitsPerDegree, 180*unitsPerDegree))))
		body = binary.BigEndian.AppendUint16(body, uint16(int16(converters.Clamp(p.AltitudeM, -32768, 32767))))
		body = binary.BigEndian.AppendUint16(body, uint16(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots), 0, 65535)))
		body = binary.BigEndian.AppendUint16(body, uint16(converters.Clamp(p.CourseDeg, 0, 360)))
		body = append(body, byte(satellites))
	}
	if tower {
		c := p.Network.CellTowers[0]
		body = binary.BigEndian.AppendUint16(body, uint16(c.MCC))
		body = binary.BigEndian.AppendUint16(body, uint16(c.MNC))
		body = binary.BigEndian.AppendUint16(body, uint16(c.LAC))
		body = binary.BigEndian.AppendUint32(body, uint32(c.CellID))
		signal := 0
		if c.SignalDBm != nil {
			signal = *c.SignalDBm
		}
		body = append(body, byte(signal))
	}
	if p.Valid {
		status |= 1
	}
	if on, _ := p.Attributes.Get("ignition").Bool(); on {
		status |= 1 << 2
	}
	battery, _ := p.Attributes.Get("battery").Float()
	odometer, _ := p.Attributes.Get("odometer").Float()
	body = binary.BigEndian.AppendUint16(body, status)
	body = binary.BigEndian.AppendUint16(body, uint16(converters.Clamp(battery*1000, 0, 65535)))
	body = append(body, 0, 0, 0, 0) // inputs
	body = binary.BigEndian.AppendUint32(body, uint32(converters.Clamp(odometer, 0, 1<<32-1)))
	return appendPackage(b, kindNormal, serial, body)
}

// AppendDatagram appends packages as a UDP datagram of an IMEI.
func AppendDatagram(b []byte, imei string, packages []byte) []byte {
	return appendEnvelope(b, imei, packages)
}

func unixOf(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(t.Unix())
}
