package owntracks

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// maxInputs bounds the numbered inputs of a message.
const maxInputs = 100

func (m message) text(key string) string {
	switch v := m[key].(type) {
	case string:
		return protocol.Text([]byte(v))
	case json.Number:
		return v.String()
	}
	return ""
}

func (m message) number(key string) (float64, bool) {
	var s string
	switch v := m[key].(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func (m message) truth(key string) (value, ok bool) {
	switch v := m[key].(type) {
	case bool:
		return v, true
	case json.Number:
		return v.String() != "0", true
	}
	return false, false
}

// seconds reads a time as seconds since 1970.
func (m message) seconds(key string) time.Time {
	v, ok := m.number(key)
	if !ok || math.Abs(v) > 1e11 {
		return time.Time{}
	}
	return protocol.UnixMilli(int64(math.Round(v * 1000)))
}

func (m message) position() data.Position {
	p := data.Position{Protocol: name, Valid: true}
	p.Attributes = make(data.Attributes, 0, 12)
	fix := m.seconds("tst")
	if p.DeviceTime = m.seconds("sent"); p.DeviceTime.IsZero() {
		p.DeviceTime = fix
	}
	latitude, ok1 := m.number("lat")
	longitude, ok2 := m.number("lon")
	if !ok1 || !ok2 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = fix
	}
	if v, ok := m.number("vel"); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := m.number("alt"); ok {
		p.AltitudeM = v
	}
	if v, ok := m.number("cog"); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := m.number("acc"); ok && v > 0 {
		p.AccuracyM = v
	}
	m.attributes(&p.Attributes)
	p.Network = m.network()
	return p
}

func (m message) attributes(a *data.Attributes) {
	m.trigger(a)
	if v, ok := m.number("batt"); ok {
		a.SetInt("batteryLevel", converters.Clamp(v, 0, 100))
	}
	if v, ok := m.number("bs"); ok && v >= 1 {
		a.SetBool("charge", v >= 2)
	}
	for _, f := range [...]struct {
		key, name string
		factor    float64
		whole     bool
	}{
		{"uext", "power", 1, false},
		{"ubatt", "battery", 1, false},
		{"rpm", "rpm", 1, true},
		{"odometer", "odometer", 1000, false},
		{"hmc", "hours", 1000, true},
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
	a.SetString("vin", m.text("vin"))
	if own := m.text("name"); own != "" {
		a.SetString("vin", own)
	}
	for _, f := range [...]struct{ key, name string }{{"ign", "ignition"}, {"motion", "motion"}} {
		if v, ok := m.truth(f.key); ok {
			a.SetBool(f.name, v)
		}
	}
	if v, ok := m.number("p"); ok {
		a.SetFloat("pressure", v)
	}
	for _, f := range [...]struct{ key, name string }{{"SSID", "wifi"}, {"poi", "poi"}, {"tag", "tag"}} {
		a.SetString(f.name, m.text(f.key))
	}
	a.SetString("geofence", m.list("inregions"))
	a.SetString("activity", m.list("motionactivities"))
	m.numbered(a, "adda-", "adc")
	m.numbered(a, "temp_c-", "temp")
}

// numbered reads inputs numbered from 00; attributes are numbered from 1.
func (m message) numbered(a *data.Attributes, key, name string) {
	for i := range maxInputs {
		v, ok := m.number(fmt.Sprintf("%s%02d", key, i))
		if !ok {
			if i > 0 {
				return
			}
			continue
		}
		a.SetFloat(name+strconv.Itoa(i+1), v)
	}
}

// trigger reads what made the app or the vehicle report.
func (m message) trigger(a *data.Attributes) {
	t := m.text("t")
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
		switch m.text("rty") {
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
func (m message) network() *data.Network {
	mcc, ok1 := m.number("mcc")
	mnc, ok2 := m.number("mnc")
	lac, ok3 := m.code("lac")
	cell, ok4 := m.code("cid")
	if !ok1 || !ok2 || !ok3 || !ok4 || mcc < 1 || mcc > 999 || mnc < 0 || mnc > 999 || lac > 0xFFFFFF || cell > 1<<36 {
		return nil
	}
	return &data.Network{CellTowers: []data.CellTower{{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell}}}
}

func (m message) code(key string) (int64, bool) {
	base := 16
	if _, isNumber := m[key].(json.Number); isNumber {
		base = 10
	}
	v, err := strconv.ParseInt(m.text(key), base, 64)
	return v, err == nil && v >= 0
}
