package jt808

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// locationSize is alarm, status, place, altitude, speed, course and time.
const locationSize = 28

// location reads message 0200; false if it is too short.
func (r *reader) location(content []byte) bool {
	b := converters.NewReader(content)
	if b.Len() < locationSize {
		return false
	}
	alarm, status := b.U32(), b.U32()
	latitude, longitude := b.U32(), b.U32()
	p, a := r.p, &r.p.Attributes
	r.place(status, latitude, longitude)
	p.AltitudeM = float64(int16(b.U16()))
	p.SpeedKnots = converters.KnotsFromKmh(float64(b.U16()) / 10)
	p.CourseDeg = protocol.Course(float64(b.U16()))
	p.DeviceTime = r.m.time(b.Bytes(6))
	r.fixed()
	a.SetBool("ignition", status&1 != 0)
	a.SetBool("blocked", status>>10&1 != 0)
	a.SetBool("charge", status>>26&1 != 0)
	r.alarms(alarm)
	if rest := b.Rest(); len(rest) == 18 && !areItems(rest) {
		r.old(rest)
	} else {
		r.items(rest)
	}
	return true
}

// place stores 1e-6 degrees with the signs and the validity of the status.
func (r *reader) place(status, latitude, longitude uint32) {
	lat, lon := float64(latitude)/1e6, float64(longitude)/1e6
	if status>>2&1 != 0 && lat != 0 { // a zero has no sign
		lat = -lat
	}
	if status>>3&1 != 0 && lon != 0 {
		lon = -lon
	}
	r.p.Valid = status>>1&1 != 0
	protocol.SetPlace(r.p, lat, lon)
}

// fixed gives a place the time of the report.
func (r *reader) fixed() {
	if !r.p.Outdated {
		r.p.FixTime = r.p.DeviceTime
	}
}

// kinds lists alarms by their bit.
type kinds []struct {
	bit  int
	kind string
}

var (
	alarmKinds = kinds{
		{0, "sos"},
		{1, "overspeed"},
		{2, "fatigueDriving"},
		{4, "fault"},
		{5, "gpsAntennaCut"},
		{6, "gpsAntennaCut"},
		{7, "lowBattery"},
		{8, "powerOff"},
		{9, "fault"},
		{10, "fault"},
		{11, "fault"},
		{15, "vibration"},
		{16, "tampering"},
		{17, "tampering"},
		{18, "lowBattery"},
		{19, "parking"},
		{20, "geofence"},
		{26, "general"},
		{28, "movement"},
		{29, "accident"},
		{30, "accident"},
	}
	padlockKinds = kinds{{0, "removing"}, {1, "tampering"}, {4, "removing"}}
)

// set adds the alarms whose bits are set.
func (k kinds) set(a *data.Attributes, bits uint32) {
	for _, kind := range k {
		if bits>>kind.bit&1 != 0 {
			a.AddAlarm(kind.kind)
		}
	}
}

// alarms reads the bits of the standard as the model means them.
func (r *reader) alarms(bits uint32) {
	a := &r.p.Attributes
	switch {
	case bits == 0:
		return
	case r.m.model.padlock:
		padlockKinds.set(a, bits)
		bits &^= 1<<0 | 1<<1 | 1<<4
	case r.m.model.aovx:
		if bits>>16&1 != 0 {
			a.AddAlarm("movement")
		}
		bits &^= 1 << 16
	case r.m.model.vl300:
		bits &^= 1<<29 | 1<<30
	}
	alarmKinds.set(a, bits)
}

// old reads the 18 bytes behind the time that came before there were items.
func (r *reader) old(v []byte) {
	b := converters.NewReader(v)
	b.Skip(4)
	a := &r.p.Attributes
	a.SetInt("odometer", int64(b.U32())*1000)
	a.SetFloat("battery", float64(b.U16())/10)
	b.Skip(4) // area
	a.SetInt("rssi", int64(b.U8()))
}

// areItems tells whether items fill b to its end.
func areItems(b []byte) bool {
	for len(b) >= 2 {
		size := 2 + int(b[1])
		if size > len(b) {
			return false
		}
		b = b[size:]
	}
	return len(b) == 0
}
