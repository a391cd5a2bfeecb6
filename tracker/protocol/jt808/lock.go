package jt808

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// lock reads messages 5501 and 5502 of e-locks; false if they are too short.
// Times are UTC.
func (r *reader) lock(content []byte) bool {
	b := converters.NewReader(content)
	p, a := r.p, &r.p.Attributes
	t := b.Bytes(6)
	if t != nil { // day, month, year, ..
		p.DeviceTime = bcdTime([]byte{t[2], t[1], t[0], t[3], t[4], t[5]}, 0)
	}
	latitude := packed(b.Bytes(4), 8)
	place := b.Bytes(5)
	longitude := packed(place, 9)
	speed, course := b.U8(), b.U8()
	rssi, satellites := b.U8(), b.U8()
	odometer, battery := b.U32(), b.U8()
	b.Skip(4 + 2) // cell and area, not enough to find it
	product := b.U8()
	status, alarm := b.U16(), b.U16()
	if !b.OK() {
		return false
	}
	lat, lon := minutes(latitude), minutes(longitude)
	if flags := place[4] & 15; flags&2 == 0 {
		lat = -lat
	}
	if place[4]&4 == 0 {
		lon = -lon
	}
	p.Valid = r.m.kind == kindLock
	protocol.SetPlace(p, lat, lon)
	r.fixed()
	if n, ok := converters.FromBCD(speed); ok {
		p.SpeedKnots = float64(n)
	}
	p.CourseDeg = protocol.Course(float64(course) * 2)
	a.SetInt("rssi", int64(rssi))
	a.SetInt("sat", int64(satellites))
	a.SetInt("odometer", int64(odometer)*1000)
	switch {
	case battery <= 100:
		a.SetInt("batteryLevel", int64(battery))
	case battery == 0xAA || battery == 0xAB:
		a.SetBool("charge", true)
	}
	a.SetInt("status", int64(status))
	r.lockAlarm(product, uint32(alarm))
	r.lockItems(b.Rest())
	return true
}

// packed reads the first digits of packed decimals.
func packed(b []byte, digits int) (n int) {
	for i := range digits {
		if i/2 >= len(b) {
			break
		}
		half := b[i/2] >> 4
		if i%2 == 1 {
			half = b[i/2] & 15
		}
		n = n*10 + int(min(half, 9))
	}
	return n
}

// minutes reads degrees, and minutes with four decimals.
func minutes(n int) float64 { return float64(n/1e6) + float64(n%1e6)/1e4/60 }

func (r *reader) lockAlarm(product byte, bits uint32) {
	switch product {
	case 1, 2:
		kinds{{0, "lowPower"}}.set(&r.p.Attributes, bits)
	case 3:
		kinds{
			{0, "overspeed"}, {1, "lowPower"}, {2, "vibration"}, {3, "lowBattery"}, {5, "geofenceEnter"}, {6, "geofenceExit"},
		}.set(&r.p.Attributes, bits)
	}
}

// lockItems reads id, length and value as often as they come.
func (r *reader) lockItems(b []byte) {
	a := &r.p.Attributes
	for len(b) >= 2 {
		id, size := b[0], int(b[1])
		if 2+size > len(b) {
			return
		}
		v := b[2 : 2+size]
		b = b[2+size:]
		switch {
		case id == 0x02 && size >= 2:
			r.p.AltitudeM = float64(int16(number(v[:2])))
		case id == 0x0B && size > 0:
			r.lockCommand(v)
		case id == 0x0C && size >= 6:
			a.SetString("tilt", axes(v))
		case id == 0x10 && size > 0:
			a.SetInt("wakeSource", int64(number(v)&0xFFFFFFFF))
		}
	}
}
