package overland

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
	"github.com/waymark-gps/waymark/util/converters"
)

// tooFast is what nothing reaches that carries a phone, in m/s.
const tooFast = 1e6

// feature is a point, a visit or a trip. Numbers are pointers: missing is not
// zero.
type feature struct {
	Geometry struct {
		// Coordinates are longitude and latitude, in this order.
		Coordinates []float64 `json:"coordinates"`
	} `json:"geometry"`
	Properties properties `json:"properties"`
}

type properties struct {
	DeviceID           text     `json:"device_id"`
	UniqueID           text     `json:"unique_id"`
	Timestamp          text     `json:"timestamp"`
	Altitude           *float64 `json:"altitude"`            // m
	Speed              *float64 `json:"speed"`               // m/s, negative for unknown
	Course             *float64 `json:"course"`              // degrees, negative for unknown
	HorizontalAccuracy *float64 `json:"horizontal_accuracy"` // m, negative for no fix
	Motion             words    `json:"motion"`
	BatteryState       text     `json:"battery_state"` // unknown, charging, full, unplugged
	BatteryLevel       *float64 `json:"battery_level"` // 0 to 1, negative for unknown
	Wifi               text     `json:"wifi"`          // name of the network
	Action             text     `json:"action"`        // visit, and what the app notes of itself
	Type               text     `json:"type"`          // trip
	Mode               text     `json:"mode"`
	End                text     `json:"end"`
	Distance           *float64 `json:"distance"` // m
	Duration           *float64 `json:"duration"` // s
	Steps              *float64 `json:"steps"`
}

// text is a JSON text; numbers are taken as written, the rest is empty.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(protocol.Text([]byte(s)))
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		*t = text(b)
	}
	return nil
}

// words is a JSON array of texts; one text is taken too.
type words []text

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(b []byte) error {
	*w = nil
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]text)(w))
	}
	var one text
	if err := one.UnmarshalJSON(b); err != nil || one == "" {
		return err
	}
	*w = words{one}
	return nil
}

// device is the identity: what the address says, else the app's setting.
func (f *feature) device(address string) string {
	for _, id := range [...]string{address, string(f.Properties.DeviceID), string(f.Properties.UniqueID)} {
		if id != "" {
			return id
		}
	}
	return ""
}

func (f *feature) position() data.Position {
	v := &f.Properties
	p := data.Position{Protocol: name, Valid: true, Attributes: make(data.Attributes, 0, 6)}
	p.DeviceTime = flat.Time(string(v.Timestamp))
	if end := flat.Time(string(v.End)); v.Type == "trip" && p.DeviceTime.IsZero() {
		p.DeviceTime = end
	}
	c := f.Geometry.Coordinates
	if len(c) < 2 || c[0] == 0 && c[1] == 0 {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, c[1], c[0]); !p.Outdated {
		p.FixTime = p.DeviceTime
		v.fix(&p)
	}
	v.attributes(&p.Attributes)
	return p
}

func (v *properties) fix(p *data.Position) {
	if v.Speed != nil && *v.Speed > 0 && *v.Speed < tooFast {
		p.SpeedKnots = converters.KnotsFromMps(*v.Speed)
	}
	if v.Course != nil {
		p.CourseDeg = protocol.Course(*v.Course)
	}
	if v.Altitude != nil {
		p.AltitudeM = *v.Altitude
	}
	if v.HorizontalAccuracy != nil {
		if *v.HorizontalAccuracy < 0 {
			p.Valid = false
		} else {
			p.AccuracyM = *v.HorizontalAccuracy
		}
	}
}

func (v *properties) attributes(a *data.Attributes) {
	v.motion(a)
	if v.BatteryLevel != nil && *v.BatteryLevel >= 0 {
		a.SetInt("batteryLevel", converters.Clamp(*v.BatteryLevel*100, 0, 100))
	}
	switch v.BatteryState {
	case "charging", "full":
		a.SetBool("charge", true)
	case "unplugged":
		a.SetBool("charge", false)
	}
	a.SetString("wifi", string(v.Wifi))
	a.SetString("event", string(v.Action))
	if v.Type != "trip" {
		return
	}
	a.SetString("event", "trip")
	a.SetString("activity", string(v.Mode))
	if v.Distance != nil && *v.Distance >= 0 {
		a.SetFloat("tripOdometer", *v.Distance)
	}
	if v.Duration != nil && *v.Duration >= 0 {
		a.SetInt("tripDuration", converters.Clamp(*v.Duration*1000, 0, math.MaxInt32))
	}
	if v.Steps != nil && *v.Steps >= 0 {
		a.SetInt("steps", converters.Clamp(*v.Steps, 0, math.MaxInt32))
	}
}

// motion keeps the kinds of motion, several joined by commas, and whether there
// is any.
func (v *properties) motion(a *data.Attributes) {
	var kinds []string
	moving := false
	for _, m := range v.Motion {
		if m == "" {
			continue
		}
		kinds = append(kinds, string(m))
		moving = moving || m != "stationary" && m != "unknown"
	}
	if len(kinds) == 0 {
		return
	}
	a.SetString("activity", strings.Join(kinds, ","))
	a.SetBool("motion", moving)
}
