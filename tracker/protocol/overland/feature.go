package overland

import (
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

// tooFast is what nothing reaches that carries a phone, in m/s.
const tooFast = 1e6

// feature is a point, a visit or a trip. Its values refer to the body.
type feature struct {
	// coordinates are longitude and latitude, in this order, as an array.
	coordinates jsonscan.Value
	properties  properties
}

type properties struct {
	deviceID, uniqueID, timestamp jsonscan.Value
	altitude                      jsonscan.Value // m
	speed                         jsonscan.Value // m/s, negative for unknown
	course                        jsonscan.Value // degrees, negative for unknown
	horizontalAccuracy            jsonscan.Value // m, negative for no fix
	motion                        jsonscan.Value // an array of texts, or one text
	batteryState                  jsonscan.Value // unknown, charging, full, unplugged
	batteryLevel                  jsonscan.Value // 0 to 1, negative for unknown
	wifi                          jsonscan.Value // name of the network
	action                        jsonscan.Value // visit, and what the app notes of itself
	kind                          jsonscan.Value // trip
	mode, end                     jsonscan.Value
	distance                      jsonscan.Value // m
	duration                      jsonscan.Value // s
	steps                         jsonscan.Value
	none                          jsonscan.Value // what is left out
}

// read reads the next point.
func (f *feature) read(s *jsonscan.Scanner) {
	*f = feature{}
	for s.Object(); s.Member(); {
		key := string(s.Key())
		switch {
		case key == "geometry" && s.Kind() == jsonscan.Object:
			for s.Object(); s.Member(); {
				here := string(s.Key()) == "coordinates"
				if v := s.Value(); here {
					f.coordinates = v
				}
			}
		case key == "properties" && s.Kind() == jsonscan.Object:
			for s.Object(); s.Member(); {
				to := f.properties.of(s.Key())
				*to = s.Value()
			}
		default:
			s.Value()
		}
	}
}

// of is where the value of a key belongs.
func (v *properties) of(key []byte) *jsonscan.Value {
	switch string(key) {
	case "device_id":
		return &v.deviceID
	case "unique_id":
		return &v.uniqueID
	case "timestamp":
		return &v.timestamp
	case "altitude":
		return &v.altitude
	case "speed":
		return &v.speed
	case "course":
		return &v.course
	case "horizontal_accuracy":
		return &v.horizontalAccuracy
	case "motion":
		return &v.motion
	case "battery_state":
		return &v.batteryState
	case "battery_level":
		return &v.batteryLevel
	case "wifi":
		return &v.wifi
	case "action":
		return &v.action
	case "type":
		return &v.kind
	case "mode":
		return &v.mode
	case "end":
		return &v.end
	case "distance":
		return &v.distance
	case "duration":
		return &v.duration
	case "steps":
		return &v.steps
	}
	return &v.none
}

// text is a text, or a number as written.
func text(v jsonscan.Value) string { return protocol.Text(v.Words()) }

// device is the identity: what the address says, else the app's setting.
func (f *feature) device(address string) string {
	for _, id := range [...]string{address, text(f.properties.deviceID), text(f.properties.uniqueID)} {
		if id != "" {
			return id
		}
	}
	return ""
}

func (f *feature) position() data.Position {
	v := &f.properties
	p := data.Position{Protocol: name, Valid: true, Attributes: make(data.Attributes, 0, 6)}
	p.DeviceTime = flat.Time(text(v.timestamp))
	if v.kind.Is("trip") && p.DeviceTime.IsZero() {
		p.DeviceTime = flat.Time(text(v.end))
	}
	longitude, latitude, ok := f.place()
	if !ok || longitude == 0 && latitude == 0 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
		v.fix(&p)
	}
	v.attributes(&p.Attributes)
	return p
}

// place reads the first two of the coordinates.
func (f *feature) place() (longitude, latitude float64, ok bool) {
	if f.coordinates.Kind() != jsonscan.Array {
		return 0, 0, false
	}
	s := jsonscan.New(f.coordinates.Raw())
	var at [2]float64
	s.Array()
	for i := range at {
		if !s.Element() {
			return 0, 0, false
		}
		if at[i], ok = s.Value().Float(); !ok {
			return 0, 0, false
		}
	}
	return at[0], at[1], true
}

func (v *properties) fix(p *data.Position) {
	if speed, _ := v.speed.Float(); speed > 0 && speed < tooFast {
		p.SpeedKnots = converters.KnotsFromMps(speed)
	}
	if course, ok := v.course.Float(); ok {
		p.CourseDeg = protocol.Course(course)
	}
	p.AltitudeM, _ = v.altitude.Float()
	if radius, _ := v.horizontalAccuracy.Float(); radius < 0 {
		p.Valid = false
	} else {
		p.AccuracyM = radius
	}
}

func (v *properties) attributes(a *data.Attributes) {
	v.moves(a)
	if level, ok := v.batteryLevel.Float(); ok && level >= 0 {
		a.SetInt("batteryLevel", converters.Clamp(level*100, 0, 100))
	}
	switch string(v.batteryState.Words()) {
	case "charging", "full":
		a.SetBool("charge", true)
	case "unplugged":
		a.SetBool("charge", false)
	}
	a.SetString("wifi", text(v.wifi))
	a.SetString("event", text(v.action))
	if !v.kind.Is("trip") {
		return
	}
	a.SetString("event", "trip")
	a.SetString("activity", text(v.mode))
	if distance, ok := v.distance.Float(); ok && distance >= 0 {
		a.SetFloat("tripOdometer", distance)
	}
	if duration, ok := v.duration.Float(); ok && duration >= 0 {
		a.SetInt("tripDuration", converters.Clamp(duration*1000, 0, math.MaxInt32))
	}
	if steps, ok := v.steps.Float(); ok && steps >= 0 {
		a.SetInt("steps", converters.Clamp(steps, 0, math.MaxInt32))
	}
}

// moves keeps the kinds of motion, several joined by commas, and whether there
// is any.
func (v *properties) moves(a *data.Attributes) {
	var kinds string
	moving := false
	add := func(kind string) {
		switch {
		case kind == "":
			return
		case kinds != "":
			kinds += ","
		}
		kinds += kind
		moving = moving || kind != "stationary" && kind != "unknown"
	}
	if v.motion.Kind() == jsonscan.Array {
		s := jsonscan.New(v.motion.Raw())
		s.Array()
		for n := 0; n < maxKinds && s.Element(); n++ {
			add(text(s.Value()))
		}
	} else {
		add(text(v.motion))
	}
	if kinds != "" {
		a.SetString("activity", kinds)
		a.SetBool("motion", moving)
	}
}

// maxKinds bounds the kinds of motion of a point; the app knows a handful.
const maxKinds = 20
