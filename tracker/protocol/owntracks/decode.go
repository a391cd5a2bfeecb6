package owntracks

import (
	"math"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

func (m *message) position() data.Position {
	p := data.Position{Protocol: name, Valid: true}
	p.Attributes = make(data.Attributes, 0, 12)
	fix := m.seconds(kTst)
	if p.DeviceTime = m.seconds(kSent); p.DeviceTime.IsZero() {
		p.DeviceTime = fix
	}
	latitude, ok1 := m.number(kLat)
	longitude, ok2 := m.number(kLon)
	if !ok1 || !ok2 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = fix
	}
	if v, ok := m.number(kVel); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := m.number(kAlt); ok {
		p.AltitudeM = v
	}
	if v, ok := m.number(kCog); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := m.number(kAcc); ok && v > 0 {
		p.AccuracyM = v
	}
	m.attributes(&p.Attributes)
	p.Network = m.network()
	return p
}

func (m *message) attributes(a *data.Attributes) {
	m.trigger(a)
	if v, ok := m.number(kBatt); ok {
		a.SetInt("batteryLevel", converters.Clamp(v, 0, 100))
	}
	if v, ok := m.number(kBs); ok && v >= 1 {
		a.SetBool("charge", v >= 2)
	}
	for _, f := range [...]struct {
		key    key
		name   string
		factor float64
		whole  bool
	}{
		{kUext, "power", 1, false},
		{kUbatt, "battery", 1, false},
		{kRpm, "rpm", 1, true},
		{kOdometer, "odometer", 1000, false},
		{kHmc, "hours", 1000, true},
	} {
		v, ok := m.number(f.key)
		switch {
		case !ok:
		case f.whole:
			a.SetInt(f.name, converters.Clamp(v*f.factor, math.MinInt32, 1<<53))
		default:
			a.SetFloat(f.name, v*f.factor)
		}
	}
	a.SetString("vin", m.text(kVin))
	if own := m.text(kName); own != "" {
		a.SetString("vin", own)
	}
	for _, f := range [...]struct {
		key  key
		name string
	}{{kIgn, "ignition"}, {kMotion, "motion"}} {
		if v, ok := m.truth(f.key); ok {
			a.SetBool(f.name, v)
		}
	}
	if v, ok := m.number(kP); ok {
		a.SetFloat("pressure", v)
	}
	for _, f := range [...]struct {
		key  key
		name string
	}{{kSSID, "wifi"}, {kPoi, "poi"}, {kTag, "tag"}} {
		a.SetString(f.name, m.text(f.key))
	}
	a.SetString("geofence", m.list(kInregions))
	a.SetString("activity", m.list(kMotionactivities))
	for i := range m.inputs {
		a.Set(m.inputs[i].Key, m.inputs[i].Value)
	}
}

// trigger reads what made the app or the vehicle report.
func (m *message) trigger(a *data.Attributes) {
	t := m.text(kT)
	a.SetString("event", t)
	switch t {
	case "9":
		a.AddAlarm("lowBattery")
	case "1":
		a.AddAlarm("powerOn")
	case "i":
		a.SetBool("ignition", true)
	case "I":
		a.SetBool("ignition", false)
	case "E":
		a.AddAlarm("powerRestored")
	case "e":
		a.AddAlarm("powerCut")
	case "!":
		a.AddAlarm("tow")
	case "s":
		a.AddAlarm("overspeed")
	case "h":
		switch m.text(kRty) {
		case "0", "3":
			a.AddAlarm("hardBraking")
		case "1", "4":
			a.AddAlarm("hardAcceleration")
		case "2", "5":
			a.AddAlarm("hardCornering")
		}
	}
}

// network reads the cell; lac and cid are numbers, or text in hex.
func (m *message) network() *data.Network {
	mcc, ok1 := m.number(kMcc)
	mnc, ok2 := m.number(kMnc)
	lac, ok3 := m.code(kLac)
	cell, ok4 := m.code(kCid)
	if !ok1 || !ok2 || !ok3 || !ok4 || mcc < 1 || mcc > 999 || mnc < 0 || mnc > 999 || lac > 0xFFFFFF || cell > 1<<36 {
		return nil
	}
	return &data.Network{CellTowers: []data.CellTower{{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell}}}
}

func (m *message) code(k key) (int64, bool) {
	base := 16
	if m.values[k].Kind() == jsonscan.Number {
		base = 10
	}
	v, err := strconv.ParseInt(m.text(k), base, 64)
	return v, err == nil && v >= 0
}
