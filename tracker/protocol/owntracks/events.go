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
func (m *message) transition() data.Position {
	p := m.at()
	if v, ok := m.number(kAcc); ok && v > 0 && !p.Outdated {
		p.AccuracyM = v
	}
	event := m.text(kEvent)
	p.Attributes.SetString("event", event)
	switch event {
	case "enter":
		p.Attributes.AddAlarm("geofenceEnter")
	case "leave":
		p.Attributes.AddAlarm("geofenceExit")
	}
	p.Attributes.SetString("geofence", m.text(kDesc))
	p.Attributes.SetString("trigger", m.text(kT))
	return p
}

// steps is the count of a pedometer.
func (m *message) steps() data.Position {
	p := m.at()
	if v, ok := m.number(kSteps); ok && v >= 0 {
		p.Attributes.SetInt("steps", converters.Clamp(v, 0, math.MaxInt32))
	}
	return p
}

// beacon is a Bluetooth beacon in range.
func (m *message) beacon() data.Position {
	p := m.at()
	var id []string
	for _, k := range [...]key{kUUID, kMajor, kMinor} {
		if part := m.text(k); part != "" {
			id = append(id, part)
		}
	}
	p.Attributes.SetString("event", "beacon")
	p.Attributes.SetString("tag1Id", strings.Join(id, ":"))
	p.Attributes.SetString("tag1Name", m.text(kDesc))
	if v, ok := m.number(kRssi); ok {
		p.Attributes.SetInt("tag1Rssi", converters.Clamp(v, math.MinInt32, math.MaxInt32))
	}
	return p
}

// at is a report at the time and, if it has one, the place of a message.
func (m *message) at() data.Position {
	p := data.Position{Protocol: name, Valid: true, DeviceTime: m.seconds(kTst), Attributes: make(data.Attributes, 0, 4)}
	latitude, ok1 := m.number(kLat)
	longitude, ok2 := m.number(kLon)
	if !ok1 || !ok2 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return p
}
