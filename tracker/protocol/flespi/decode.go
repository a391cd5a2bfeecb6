package flespi

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

// statusOK is what the hub is told in any case that it can not help: with any
// other status it repeats the batch.
const statusOK = 200

// read reads a batch: one packet for each device in it.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	var group protocol.Group
	s := jsonscan.New(r.Body)
	s.Array()
	room := usual
	for n := 1; s.Element(); n++ {
		ident, p, err := message(&s, room)
		if err != nil {
			return data.Packet{}, fmt.Errorf("read message %d: %w", n, err)
		}
		if ident == "" {
			continue
		}
		room = len(p.Attributes)
		packet, _ := group.Of(ident)
		packet.RefusalStatus = statusOK
		packet.Positions = append(packet.Positions, p)
	}
	if err := s.End(); err != nil {
		return data.Packet{}, fmt.Errorf("read body, an array of messages: %w", err)
	}
	if packet, ok := group.Packet(); ok {
		return packet, nil
	}
	return data.Packet{RefusalStatus: statusOK}, nil
}

// usual is how many attributes a message has, more or less.
const usual = 16

// reading is a message while it is read.
type reading struct {
	p                         data.Position
	ident                     string
	latitude, longitude       float64
	hasLatitude, hasLongitude bool
}

// message reads the next message, with room for some attributes. They are in the
// order of the text: the order is part of a report's fingerprint. Of a repeated
// parameter the last value counts.
func message(s *jsonscan.Scanner, room int) (ident string, p data.Position, err error) {
	rd := reading{p: data.Position{Protocol: "flespi", Valid: true}}
	rd.p.Attributes = make(data.Attributes, 0, room)
	s.Object()
	for n := 0; s.Member(); n++ {
		if n == maxParameters {
			return "", p, fmt.Errorf("more than %d parameters: %w", maxParameters, data.ErrInvalid)
		}
		rd.parameter(s.Key(), s.Value())
	}
	p = rd.p
	if !rd.hasLatitude || !rd.hasLongitude || rd.latitude == 0 && rd.longitude == 0 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, rd.latitude, rd.longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return rd.ident, p, nil
}

// meaning is how a parameter becomes an attribute.
type meaning uint8

const (
	number meaning = iota
	whole
	truth
	text
	alarm // if it is true
)

// known are the parameters that are attributes by another name.
var known = map[string]struct {
	name   string
	as     meaning
	factor float64
}{
	"position.satellites":          {"sat", whole, 1},
	"position.hdop":                {"hdop", number, 1},
	"position.pdop":                {"pdop", number, 1},
	"din":                          {"input", whole, 1},
	"dout":                         {"output", whole, 1},
	"report.reason":                {"event", whole, 1},
	"gps.vehicle.mileage":          {"odometer", number, 1000},
	"external.powersource.voltage": {"power", number, 1},
	"battery.voltage":              {"battery", number, 1},
	"battery.level":                {"batteryLevel", whole, 1},
	"fuel.level":                   {"fuel", number, 1},
	"can.fuel.level":               {"fuel", number, 1},
	"engine.rpm":                   {"rpm", whole, 1},
	"can.engine.rpm":               {"rpm", whole, 1},
	"device.temperature":           {"deviceTemp", number, 1},
	"custom.wln_accel_max":         {"maxAcceleration", number, 1},
	"custom.wln_brk_max":           {"maxBraking", number, 1},
	"custom.wln_crn_max":           {"maxCornering", number, 1},

	"external.powersource.status": {name: "charge", as: truth},
	"engine.ignition.status":      {name: "ignition", as: truth},
	"movement.status":             {name: "motion", as: truth},

	"ibutton.code": {name: "driverUniqueId", as: text},
	"vehicle.vin":  {name: "vin", as: text},

	"alarm.event.trigger":              {name: "general", as: alarm},
	"towing.event.trigger":             {name: "tow", as: alarm},
	"towing.alarm.status":              {name: "tow", as: alarm},
	"geofence.event.enter":             {name: "geofenceEnter", as: alarm},
	"geofence.event.exit":              {name: "geofenceExit", as: alarm},
	"shock.event.trigger":              {name: "vibration", as: alarm},
	"overspeeding.event.trigger":       {name: "overspeed", as: alarm},
	"harsh.acceleration.event.trigger": {name: "hardAcceleration", as: alarm},
	"harsh.braking.event.trigger":      {name: "hardBraking", as: alarm},
	"harsh.cornering.event.trigger":    {name: "hardCornering", as: alarm},
	"gnss.antenna.cut.status":          {name: "gpsAntennaCut", as: alarm},
	"gsm.jamming.event.trigger":        {name: "jamming", as: alarm},
	"hood.open.status":                 {name: "bonnet", as: alarm},
}

// place reads what makes a position and tells whether the parameter does.
func (rd *reading) place(name []byte, value jsonscan.Value) bool {
	p := &rd.p
	switch string(name) {
	case "ident":
		rd.ident = protocol.Text(value.Words())
	case "timestamp":
		if v, ok := value.Float(); ok && math.Abs(v) < 1e11 {
			p.DeviceTime = protocol.UnixMilli(int64(math.Round(v * 1000)))
		}
	case "position.latitude":
		rd.latitude, rd.hasLatitude = value.Float()
	case "position.longitude":
		rd.longitude, rd.hasLongitude = value.Float()
	case "position.altitude":
		p.AltitudeM, _ = value.Float()
	case "position.speed":
		v, _ := value.Float()
		p.SpeedKnots = converters.KnotsFromKmh(math.Max(0, v))
	case "position.direction":
		v, _ := value.Float()
		p.CourseDeg = protocol.Course(v)
	case "position.valid":
		if valid, ok := truthOf(value); ok {
			p.Valid = valid
		}
	default:
		return false
	}
	return true
}

func (rd *reading) parameter(name []byte, value jsonscan.Value) {
	if len(name) == 0 || rd.place(name, value) {
		return
	}
	a := &rd.p.Attributes
	meant, ok := known[string(name)]
	if !ok {
		other(a, name, value)
		return
	}
	switch meant.as {
	case number:
		if v, ok := value.Float(); ok {
			a.SetFloat(meant.name, v*meant.factor)
		}
	case whole:
		if v, ok := value.Float(); ok {
			a.SetInt(meant.name, converters.Clamp(v, math.MinInt64/2, math.MaxInt64/2))
		}
	case truth:
		if v, ok := truthOf(value); ok {
			a.SetBool(meant.name, v)
		}
	case text:
		a.SetString(meant.name, protocol.Text(value.Words()))
	case alarm:
		if v, ok := truthOf(value); ok && v {
			a.AddAlarm(meant.name)
		}
	}
}

// other keeps a parameter under its own name.
func other(a *data.Attributes, name []byte, value jsonscan.Value) {
	if rest, ok := bytes.CutPrefix(name, engineTemperature); ok {
		if attribute, ok := numbered("temp", rest); ok {
			if v, ok := value.Float(); ok {
				a.SetFloat(attribute, v)
			}
			return
		}
	}
	switch value.Kind() {
	case jsonscan.Bool:
		v, _ := value.Bool()
		a.SetBool(string(name), v)
	case jsonscan.Text:
		a.SetString(string(name), protocol.Text(value.Words()))
	case jsonscan.Number:
		if v, ok := value.Float(); ok {
			a.SetFloat(string(name), v)
		}
	}
}

var engineTemperature = []byte("can.engine.temperature")

// numbered names the attribute of a parameter that ends with #n, or is number 0.
func numbered(attribute string, end []byte) (string, bool) {
	if len(end) == 0 {
		return attribute + "0", true
	}
	n, err := strconv.ParseUint(string(end[1:]), 10, 16)
	if err != nil || end[0] != '#' {
		return "", false
	}
	return attribute + strconv.FormatUint(n, 10), true
}

// truthOf reads true and false, and numbers as whether they are not 0.
func truthOf(value jsonscan.Value) (is, ok bool) {
	if v, ok := value.Float(); ok {
		return v != 0, true
	}
	return value.Bool()
}
