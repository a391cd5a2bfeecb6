package owntracks

import (
	"math"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// transition is the entering or leaving of a region. It has the place of the
// device and the name of the region.
func (m message) transition() data.Position {
	p := m.at()
	if v, ok := m.number("acc"); ok && v > 0 && !p.Outdated {
		p.AccuracyM = v
	}
	event := m.text("event")
	p.Attributes.SetString("event", event)
	switch event {
	case "enter":
		p.Attributes.AddAlarm("geofenceEnter")
	case "leave":
		p.Attributes.AddAlarm("geofenceExit")
	}
	p.Attributes.SetString("geofence", m.text("desc"))
	p.Attributes.SetString("trigger", m.text("t"))
	return p
}

// steps is the count of a pedometer.
func (m message) steps() data.Position {
	p := m.at()
	if v, ok := m.number("steps"); ok && v >= 0 {
		p.Attributes.SetInt("steps", converters.Clamp(v, 0, math.MaxInt32))
	}
	return p
}

// beacon is a Bluetooth beacon in range.
func (m message) beacon() data.Position {
	p := m.at()
	var id []string
	for _, key := range [...]string{"uuid", "major", "minor"} {
		if part := m.text(key); part != "" {
			id = append(id, part)
		}
	}
	p.Attributes.SetString("event", "beacon")
	p.Attributes.SetString("tag1Id", strings.Join(id, ":"))
	p.Attributes.SetString("tag1Name", m.text("desc"))
	if v, ok := m.number("rssi"); ok {
		p.Attributes.SetInt("tag1Rssi", converters.Clamp(v, math.MinInt32, math.MaxInt32))
	}
	return p
}

// at is a report at the time and, if it has one, the place of a message.
func (m message) at() data.Position {
	p := data.Position{Protocol: name, Valid: true, DeviceTime: m.seconds("tst"), Attributes: make(data.Attributes, 0, 4)}
	latitude, ok1 := m.number("lat")
	longitude, ok2 := m.number("lon")
	if !ok1 || !ok2 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return p
}

// list joins the texts of an array with commas.
func (m message) list(key string) string {
	values, _ := m[key].([]any)
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok && s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ",")
}
