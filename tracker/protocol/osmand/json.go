package osmand

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// message is the JSON form. Numbers are pointers: missing is not zero.
type message struct {
	DeviceID text      `json:"device_id"`
	Location locations `json:"location"`
}

// locations is one location, or an array of those that the app had kept.
type locations []location

// UnmarshalJSON implements json.Unmarshaler.
func (l *locations) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]location)(l))
	}
	*l = make(locations, 1)
	return json.Unmarshal(b, &(*l)[0])
}

type location struct {
	Timestamp text `json:"timestamp"`
	Coords    *struct {
		Latitude  *float64 `json:"latitude"`
		Longitude *float64 `json:"longitude"`
		Accuracy  *float64 `json:"accuracy"`
		Speed     *float64 `json:"speed"`   // m/s, negative for unknown
		Heading   *float64 `json:"heading"` // degrees, negative for unknown
		Altitude  *float64 `json:"altitude"`
	} `json:"coords"`
	Event    text     `json:"event"`
	IsMoving *bool    `json:"is_moving"`
	Odometer *float64 `json:"odometer"`
	Mock     *bool    `json:"mock"`
	Activity *struct {
		Type text `json:"type"`
	} `json:"activity"`
	Battery *struct {
		Level      *float64 `json:"level"` // 0 to 1, negative for unknown
		IsCharging bool     `json:"is_charging"`
	} `json:"battery"`
	Geofence *struct {
		Identifier text `json:"identifier"`
		Action     text `json:"action"` // ENTER, EXIT or DWELL
	} `json:"geofence"`
	Alarm  text            `json:"alarm"`
	Extras json.RawMessage `json:"extras"`
}

// text is a JSON text; numbers are taken as written, the rest is empty.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		*t = text(b)
	}
	return nil
}

// readJSON reads the JSON form.
func readJSON(body []byte) (data.Packet, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return data.Packet{}, fmt.Errorf("read JSON body: %w: %w", err, data.ErrInvalid)
	}
	if m.DeviceID == "" {
		return data.Packet{}, fmt.Errorf("read JSON body: device_id is needed: %w", protocol.ErrNoIdentity)
	}
	if len(m.Location) == 0 {
		m.Location = make(locations, 1) // the device is there, and says no more
	}
	if len(m.Location) > maxLocations {
		return data.Packet{}, fmt.Errorf("read location: %d of them, at most %d: %w", len(m.Location), maxLocations, data.ErrInvalid)
	}
	packet := data.Packet{Identity: string(m.DeviceID)}
	for i := range m.Location {
		p, err := m.Location[i].position()
		if err != nil {
			return data.Packet{}, err
		}
		packet.Positions = append(packet.Positions, p)
	}
	return packet, nil
}

func (l *location) position() (data.Position, error) {
	p := data.Position{Protocol: "osmand", Valid: true, Attributes: make(data.Attributes, 0, 8)}
	if l.Timestamp != "" {
		t, err := timestamp(string(l.Timestamp))
		if err != nil {
			return p, fmt.Errorf("read location.timestamp: %w", err)
		}
		p.DeviceTime = t
	}
	l.place(&p)
	return p, l.attributes(&p.Attributes)
}

func (l *location) place(p *data.Position) {
	c := l.Coords
	if c == nil || c.Latitude == nil || c.Longitude == nil || (*c.Latitude == 0 && *c.Longitude == 0) {
		p.Outdated, p.Valid = true, false
		return
	}
	if protocol.SetPlace(p, *c.Latitude, *c.Longitude); p.Outdated {
		return
	}
	p.FixTime = p.DeviceTime
	if c.Accuracy != nil && *c.Accuracy > 0 {
		p.AccuracyM = *c.Accuracy
	}
	if c.Speed != nil && *c.Speed > 0 {
		p.SpeedKnots = converters.KnotsFromMps(*c.Speed)
	}
	if c.Heading != nil {
		p.CourseDeg = protocol.Course(*c.Heading)
	}
	if c.Altitude != nil {
		p.AltitudeM = *c.Altitude
	}
}

func (l *location) attributes(a *data.Attributes) error {
	a.SetString("event", string(l.Event))
	if l.IsMoving != nil {
		a.SetBool("motion", *l.IsMoving)
	}
	if l.Odometer != nil {
		a.SetInt("odometer", converters.Clamp(*l.Odometer, 0, math.MaxInt32))
	}
	if l.Mock != nil {
		a.SetBool("mock", *l.Mock)
	}
	if l.Activity != nil {
		a.SetString("activity", string(l.Activity.Type))
	}
	if b := l.Battery; b != nil {
		if b.Level != nil && *b.Level >= 0 {
			a.SetInt("batteryLevel", converters.Clamp(*b.Level*100, 0, 100))
		}
		if b.IsCharging {
			a.SetBool("charge", true)
		}
	}
	a.SetString("alarm", string(l.Alarm))
	if g := l.Geofence; g != nil {
		a.SetString("geofence", string(g.Identifier))
		switch strings.ToUpper(string(g.Action)) {
		case "ENTER":
			a.AddAlarm("geofenceEnter")
		case "EXIT":
			a.AddAlarm("geofenceExit")
		}
	}
	if len(l.Extras) <= len("{}") {
		return nil
	}
	return addExtras(a, l.Extras)
}

// addExtras copies simple values under their own names, in the order of names:
// the order of attributes is part of a report's fingerprint.
func addExtras(a *data.Attributes, object json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	var extras map[string]any
	if err := decoder.Decode(&extras); err != nil {
		return fmt.Errorf("read extras: %w: %w", err, data.ErrInvalid)
	}
	if len(extras) > maxParameters {
		return fmt.Errorf("read extras: %d, at most %d: %w", len(extras), maxParameters, data.ErrInvalid)
	}
	for _, key := range slices.Sorted(maps.Keys(extras)) {
		switch v := extras[key].(type) {
		case bool:
			a.SetBool(key, v)
		case string:
			a.SetString(key, protocol.Text([]byte(v)))
		case json.Number:
			a.Set(key, numberValue(v.String()))
		}
	}
	return nil
}

// numberValue keeps integers as integers.
func numberValue(s string) data.Value {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return data.Int(i)
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return data.Value{}
	}
	return data.Float(f)
}
