package minifinder

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// report is everything a message points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [10]data.Attribute
}

// Decode reads one message, with or without its semicolon.
func (codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	text := strings.TrimRight(string(frame), "; \r\n\x00")
	if len(text) < 2 || text[0] != start {
		return data.Packet{}, fmt.Errorf("decode message: %.20q does not begin with ! and a type: %w", text, data.ErrInvalid)
	}
	kind, content := text[1], strings.TrimPrefix(text[2:], ",")
	if kind == '1' {
		return identify(content)
	}
	r := &report{}
	p := &r.positions[0]
	p.Protocol, p.Attributes, p.Outdated = "minifinder", r.attributes[:0], true
	f := fields{rest: content}
	ok := true
	switch kind {
	case '3':
		p.Attributes.SetString("result", protocol.Text([]byte(content)))
	case '4':
		configuration(p, &f)
	case '5':
		heartbeat(p, &f)
	case 'A', 'B', 'C', 'D':
		p.Attributes.SetString("type", text[1:2])
		if kind == 'B' {
			p.Attributes.SetBool("archive", true)
		}
		if ok = fix(p, &f); ok && kind != 'A' {
			state(p, &f)
			if kind != 'C' {
				satellites(p, &f)
			}
		}
	default:
		return data.Packet{}, fmt.Errorf("decode message: type %q is not known: %w", kind, data.ErrInvalid)
	}
	if !ok {
		return data.Packet{}, fmt.Errorf("decode message %c: date, time and coordinates are needed: %w", kind, data.ErrInvalid)
	}
	if len(p.Attributes) == 0 && p.Outdated {
		return data.Packet{}, nil
	}
	return data.Packet{Positions: r.positions[:]}, nil
}

// identify reads the IMEI; the firmware and the battery after it are left out.
func identify(content string) (data.Packet, error) {
	imei, _, _ := strings.Cut(content, ",")
	imei = protocol.Text([]byte(imei))
	if imei == "" {
		return data.Packet{}, fmt.Errorf("decode message 1: %w", protocol.ErrNoIdentity)
	}
	return data.Packet{Identity: imei}, nil
}

// configuration reads the numbers that the device may call.
func configuration(p *data.Position, f *fields) {
	f.next()
	for _, key := range [...]string{"phone1", "phone2", "phone3"} {
		s, _ := f.next()
		p.Attributes.SetString(key, protocol.Text([]byte(s)))
	}
}

func heartbeat(p *data.Position, f *fields) {
	if v, ok := f.integer(); ok {
		p.Attributes.SetInt("rssi", v)
	}
	f.next() // letter of the fix
	if v, ok := f.integer(); ok {
		p.Attributes.SetInt("batteryLevel", v)
	}
}

// fix reads date, time and coordinates; false if they are not there. Empty
// coordinates are a report at the last known place.
func fix(p *data.Position, f *fields) bool {
	day, _ := f.next()
	clock, _ := f.next()
	d, okDay := split3(day, '/')
	c, okClock := split3(clock, ':')
	north, _ := f.next()
	east, _ := f.next()
	latitude, okLatitude := number(north)
	longitude, okLongitude := number(east)
	placed := okLatitude && okLongitude
	if !okDay || !okClock || !placed && north+east != "" {
		return false
	}
	p.DeviceTime = protocol.Date(2000+d[2], d[1], d[0], c[0], c[1], c[2])
	if placed {
		protocol.SetPlace(p, latitude, longitude)
	}
	if !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return true
}

// state reads speed, course, flags, altitude and battery. Older firmware leaves
// out what comes last.
func state(p *data.Position, f *fields) {
	if v, ok := f.number(); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := f.number(); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := f.hex(); ok {
		flags(p, v)
	}
	if v, ok := f.number(); ok {
		p.AltitudeM = v
	}
	if v, ok := f.number(); ok {
		p.Attributes.SetInt("batteryLevel", converters.Clamp(v, 0, 100))
	}
}

// alarms lists the alarms by the bits of the flags.
var alarms = [...]struct {
	bit  int
	kind string
}{
	{2, "fault"},
	{6, "sos"},
	{7, "overspeed"},
	{8, "fallDown"},
	{9, "geofence"},
	{10, "geofence"},
	{11, "geofence"},
	{12, "lowBattery"},
	{14, "movement"},
	{15, "movement"},
}

func flags(p *data.Position, v uint32) {
	p.Valid = v&3 != 0 && !p.Outdated
	if v&2 != 0 {
		p.Attributes.SetBool("approximate", true)
	}
	for _, a := range alarms {
		if v>>a.bit&1 != 0 {
			p.Attributes.AddAlarm(a.kind)
		}
	}
	p.Attributes.SetInt("rssi", int64(v>>16&31))
	p.Attributes.SetBool("charge", v>>22&1 != 0)
}

func satellites(p *data.Position, f *fields) {
	if v, ok := f.integer(); ok {
		p.Attributes.SetInt("sat", v)
	}
	if v, ok := f.integer(); ok {
		p.Attributes.SetInt("satVisible", v)
	}
	if v, ok := f.number(); ok {
		p.Attributes.SetFloat("hdop", v)
	}
}
