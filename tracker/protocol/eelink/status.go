package eelink

import (
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

var alarms = map[uint8]string{
	0x01: "powerOff",
	0x02: "sos",
	0x03: "lowBattery",
	0x04: "vibration",
	0x08: "gpsAntennaCut",
	0x09: "gpsAntennaCut",
	0x25: "removing",
	0x81: "lowspeed",
	0x82: "overspeed",
	0x83: "geofenceEnter",
	0x84: "geofenceExit",
	0x85: "accident",
	0x86: "fallDown",
}

func (m *message) alarm() {
	if m.body.Len() > 0 {
		m.at.Attributes.AddAlarm(alarms[m.body.U8()])
	}
}

// status reads the bits that every report has; ok is false if there are none.
// Of most things one bit says whether the device knows and the next one what.
func (m *message) status() (status uint16, ok bool) {
	if m.body.Len() < 2 {
		return 0, false
	}
	status = m.body.U16()
	a := &m.at.Attributes
	a.SetInt("status", int64(status))
	bit := func(n int) bool { return status&(1<<n) != 0 }
	if bit(1) {
		a.SetBool("ignition", bit(2))
	}
	if bit(3) {
		a.SetBool("armed", bit(4))
	}
	if bit(5) {
		// The relay of older firmware is on while the engine may run.
		inverted := m.kind == kindOldGPS || m.kind == kindHeartbeat
		a.SetBool("blocked", bit(6) != inverted)
	}
	if bit(7) {
		a.SetBool("charge", bit(8))
	}
	if m.kind >= kindNormal {
		a.SetBool("motion", bit(9))
	}
	a.SetBool("gps", bit(10))
	return status, true
}

func (m *message) heartbeat() bool {
	_, ok := m.status()
	return ok
}

// obd reads type 07: values of the engine by number, or a bare status.
func (m *message) obd() bool {
	r, a := &m.body, &m.at.Attributes
	if r.Len() == 2 {
		return m.heartbeat()
	}
	m.at.DeviceTime = m.unix()
	if !r.OK() {
		return false
	}
	for r.Len() >= 5 {
		id, value := r.U8(), r.U32()
		switch {
		case value == 0xFFFFFFFF: // not known
		case id == 0x89:
			a.SetInt("fuelConsumption", int64(value))
		case id == 0x8A:
			a.SetInt("odometer", int64(value)*1000)
		case id == 0x8B:
			a.SetFloat("fuel", float64(value)/10)
		default:
			a.SetInt("io"+strconv.Itoa(int(id)), int64(value))
		}
	}
	return true
}

// answer reads type 80, the answer to a command: a text, some with a place.
func (m *message) answer() bool {
	r := &m.body
	r.Skip(1 + 4) // type, number of the server
	if !r.OK() {
		return false
	}
	text := protocol.Text(r.Rest())
	m.at.Attributes.SetString("result", text)
	m.placeText(text)
	return true
}

// placeText reads "Lat:N31.8,Lon:E82.6,Course:0.00,Speed:0.00km/h,DateTime:
// 2017-12-02 11:29:43"; other texts leave the report as it is.
func (m *message) placeText(text string) {
	start := strings.Index(text, "Lat:")
	if start < 0 {
		return
	}
	at := m.at
	var latitude, longitude float64
	var hasLat, hasLon bool
	for field := range strings.SplitSeq(text[start:], ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), ":")
		value = strings.TrimRight(strings.TrimSpace(value), "#;")
		switch key {
		case "Lat":
			latitude, hasLat = hemisphere(value, 'N', 'S')
		case "Lon":
			longitude, hasLon = hemisphere(value, 'E', 'W')
		case "Course":
			v, _ := strconv.ParseFloat(value, 64)
			at.CourseDeg = protocol.Course(v)
		case "Speed":
			if v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToLower(value), "km/h")), 64); err == nil && v > 0 && v < 10000 {
				at.SpeedKnots = converters.KnotsFromKmh(v)
			}
		case "DateTime":
			if t, err := time.Parse(time.DateTime, value); err == nil {
				at.DeviceTime = protocol.UnixMilli(t.UnixMilli())
			}
		}
	}
	if !hasLat || !hasLon {
		return
	}
	at.Valid = true
	m.place(latitude, longitude)
}

// hemisphere reads degrees behind a letter.
func hemisphere(text string, positive, negative byte) (degrees float64, ok bool) {
	if text == "" {
		return 0, false
	}
	sign := 1.0
	switch text[0] {
	case positive:
		text = text[1:]
	case negative:
		text, sign = text[1:], -1
	}
	v, err := strconv.ParseFloat(text, 64)
	return sign * v, err == nil
}
