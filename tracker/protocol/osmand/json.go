package osmand

import (
	"fmt"
	"math"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

// usual is how many attributes a report of an app has, more or less.
const usual = 10

// readJSON reads the JSON form: device_id, and location, which is one or an array
// of those that the app had kept.
func readJSON(body []byte) (data.Packet, error) {
	var packet data.Packet
	s := jsonscan.New(body)
	for s.Object(); s.Member(); {
		switch string(s.Key()) {
		case "device_id":
			packet.Identity = string(s.Value().Words())
		case "location":
			var err error
			if packet.Positions, err = readLocations(&s); err != nil {
				return data.Packet{}, err
			}
		default:
			s.Value()
		}
	}
	if err := s.End(); err != nil {
		return data.Packet{}, fmt.Errorf("read JSON body: %w", err)
	}
	if packet.Identity == "" {
		return data.Packet{}, fmt.Errorf("read JSON body: device_id is needed: %w", protocol.ErrNoIdentity)
	}
	if len(packet.Positions) == 0 {
		packet.Positions = []data.Position{{Protocol: "osmand", Outdated: true}} // the device is there, and says no more
	}
	return packet, nil
}

func readLocations(s *jsonscan.Scanner) ([]data.Position, error) {
	switch s.Kind() {
	case jsonscan.Object:
		p, err := readLocation(s)
		return []data.Position{p}, err
	case jsonscan.Array:
	default:
		s.Value()
		return nil, nil
	}
	var list []data.Position
	for s.Array(); s.Element(); {
		if len(list) == maxLocations {
			return nil, fmt.Errorf("read location: more than %d of them: %w", maxLocations, data.ErrInvalid)
		}
		p, err := readLocation(s)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// location is a report while it is read.
type location struct {
	p      data.Position
	coords coords
}

type coords struct {
	latitude, longitude, accuracy, altitude jsonscan.Value
	speed                                   jsonscan.Value // m/s, negative for unknown
	heading                                 jsonscan.Value // degrees, negative for unknown
}

// readLocation reads one report. Attributes are in the order of the text: the
// order is part of a report's fingerprint.
func readLocation(s *jsonscan.Scanner) (data.Position, error) {
	l := location{p: data.Position{Protocol: "osmand", Valid: true, Attributes: make(data.Attributes, 0, usual)}}
	for s.Object(); s.Member(); {
		if err := l.member(s); err != nil {
			return l.p, err
		}
	}
	l.place()
	return l.p, nil
}

func (l *location) member(s *jsonscan.Scanner) (err error) {
	a := &l.p.Attributes
	switch key := s.Key(); string(key) {
	case "timestamp":
		if text := s.Value().Words(); len(text) > 0 {
			if l.p.DeviceTime, err = timestamp(string(text)); err != nil {
				err = fmt.Errorf("read location.timestamp: %w", err)
			}
		}
	case "coords":
		l.coords.read(s)
	case "event":
		a.SetString("event", string(s.Value().Words()))
	case "is_moving":
		setTruth(a, "motion", s.Value())
	case "odometer":
		if v, ok := s.Value().Float(); ok {
			a.SetInt("odometer", converters.Clamp(v, 0, math.MaxInt32))
		}
	case "mock":
		setTruth(a, "mock", s.Value())
	case "activity":
		activity := part(s, "type")
		a.SetString("activity", string(activity[0].Words()))
	case "battery":
		readBattery(a, s)
	case "geofence":
		readGeofence(a, s)
	case "alarm":
		a.AddAlarm(string(s.Value().Words()))
	case "extras":
		err = readExtras(a, s)
	default:
		s.Value()
	}
	return err
}

func setTruth(a *data.Attributes, name string, v jsonscan.Value) {
	if truth, ok := v.Bool(); ok {
		a.SetBool(name, truth)
	}
}

// part reads up to two members of an object, none of another value.
func part(s *jsonscan.Scanner, names ...string) (values [2]jsonscan.Value) {
	if s.Kind() != jsonscan.Object {
		s.Value()
		return values
	}
	for s.Object(); s.Member(); {
		at := -1
		for i, name := range names {
			if string(s.Key()) == name {
				at = i
			}
		}
		if v := s.Value(); at >= 0 {
			values[at] = v
		}
	}
	return values
}

// readBattery reads the level, from 0 to 1 and negative for unknown, and whether
// it is charging.
func readBattery(a *data.Attributes, s *jsonscan.Scanner) {
	battery := part(s, "level", "is_charging")
	if level, ok := battery[0].Float(); ok && level >= 0 {
		a.SetInt("batteryLevel", converters.Clamp(level*100, 0, 100))
	}
	if charging, _ := battery[1].Bool(); charging {
		a.SetBool("charge", true)
	}
}

// readGeofence reads the name of a geofence and the action, ENTER, EXIT or DWELL.
func readGeofence(a *data.Attributes, s *jsonscan.Scanner) {
	geofence := part(s, "identifier", "action")
	a.SetString("geofence", string(geofence[0].Words()))
	switch strings.ToUpper(geofence[1].Text()) {
	case "ENTER":
		a.AddAlarm("geofenceEnter")
	case "EXIT":
		a.AddAlarm("geofenceExit")
	}
}

func (c *coords) read(s *jsonscan.Scanner) {
	if s.Kind() != jsonscan.Object {
		s.Value()
		return
	}
	for s.Object(); s.Member(); {
		key := s.Key()
		v := s.Value()
		switch string(key) {
		case "latitude":
			c.latitude = v
		case "longitude":
			c.longitude = v
		case "accuracy":
			c.accuracy = v
		case "altitude":
			c.altitude = v
		case "speed":
			c.speed = v
		case "heading":
			c.heading = v
		}
	}
}

// place puts the place into the report.
func (l *location) place() {
	p, c := &l.p, &l.coords
	latitude, ok1 := c.latitude.Float()
	longitude, ok2 := c.longitude.Float()
	if !ok1 || !ok2 || latitude == 0 && longitude == 0 {
		p.Outdated, p.Valid = true, false
		return
	}
	if protocol.SetPlace(p, latitude, longitude); p.Outdated {
		return
	}
	p.FixTime = p.DeviceTime
	if v, _ := c.accuracy.Float(); v > 0 {
		p.AccuracyM = v
	}
	if v, _ := c.speed.Float(); v > 0 {
		p.SpeedKnots = converters.KnotsFromMps(v)
	}
	if v, ok := c.heading.Float(); ok {
		p.CourseDeg = protocol.Course(v)
	}
	p.AltitudeM, _ = c.altitude.Float()
}

// readExtras copies simple values under their own names. Integers stay integers.
func readExtras(a *data.Attributes, s *jsonscan.Scanner) error {
	if s.Kind() != jsonscan.Object {
		s.Value()
		return nil
	}
	s.Object()
	for n := 0; s.Member(); n++ {
		if n == maxParameters {
			return fmt.Errorf("read extras: more than %d: %w", maxParameters, data.ErrInvalid)
		}
		key := s.Key()
		switch v := s.Value(); v.Kind() {
		case jsonscan.Bool:
			truth, _ := v.Bool()
			a.SetBool(string(key), truth)
		case jsonscan.Text:
			a.SetString(string(key), protocol.Text(v.Words()))
		case jsonscan.Number:
			if i, ok := v.Int(); ok {
				a.SetInt(string(key), i)
			} else if f, ok := v.Float(); ok {
				a.SetFloat(string(key), f)
			}
		}
	}
	return nil
}
