// Package flat reads what many phone apps and scripts send: one report as names
// and simple values, in a form or in a JSON object, under the names that such
// apps use. Speed is metres per second unless its name says otherwise.
package flat

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

// tooMuch is what no speed in knots and no accuracy in metres reaches.
const tooMuch = 1e9

// MaxValues bounds the values of one report.
const MaxValues = 100

// Value is a name with what was sent under it.
type Value struct {
	Key, Text string
}

// Form reads parameters (application/x-www-form-urlencoded) in their order.
func Form(form string) ([]Value, error) {
	var out []Value
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		if len(out) == MaxValues {
			return nil, fmt.Errorf("read parameters: more than %d: %w", MaxValues, data.ErrInvalid)
		}
		key, value, _ := strings.Cut(pair, "=")
		v, err := unescape(key, value)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// unescape undoes the escapes of a form. An error does not repeat what was sent:
// it may be a secret.
func unescape(key, value string) (Value, error) {
	k, err1 := url.QueryUnescape(key)
	v, err2 := url.QueryUnescape(value)
	if err1 != nil || err2 != nil {
		return Value{}, fmt.Errorf("read parameters: a percent sign without two hex digits, send %%25 for it: %w", data.ErrInvalid)
	}
	return Value{k, v}, nil
}

// JSON reads a JSON object, in its order: the order of attributes is part of a
// report's fingerprint. What is not text, number or boolean is left out.
func JSON(object []byte) ([]Value, error) {
	out := make([]Value, 0, usual)
	s := jsonscan.New(object)
	s.Object()
	for n := 0; s.Member(); n++ {
		if n == MaxValues {
			return nil, fmt.Errorf("read JSON object: more than %d values: %w", MaxValues, data.ErrInvalid)
		}
		key := string(s.Key())
		switch v := s.Value(); v.Kind() {
		case jsonscan.Text, jsonscan.Number:
			out = append(out, Value{key, string(v.Words())})
		case jsonscan.Bool:
			out = append(out, Value{key, string(v.Raw())})
		}
	}
	if err := s.End(); err != nil {
		return nil, fmt.Errorf("read JSON object: %w", err)
	}
	return out, nil
}

// usual is how many values a report has, more or less.
const usual = 12

// report is a report while it is read.
type report struct {
	p                   data.Position
	latitude, longitude *float64
	// written is the time as text, which counts if there is no number.
	stamp, written time.Time
}

// Read makes a position of values. The values of the keys of identity name the
// device, the first key that has one; they and secrets are no attributes. Values
// that are empty, or no number where one is needed, are left out, as apps send
// them for what they do not know; but coordinates must be readable.
func Read(name string, values []Value, identity ...string) (id string, p data.Position, err error) {
	rep := report{p: data.Position{Protocol: name, Valid: true}}
	rep.p.Attributes = make(data.Attributes, 0, 8)
	rank := len(identity)
	for _, v := range values {
		key, text := strings.ToLower(v.Key), protocol.Text([]byte(v.Text))
		if i := slices.Index(identity, key); i >= 0 {
			if text != "" && i < rank {
				id, rank = text, i
			}
			continue
		}
		if text == "" {
			continue
		}
		if err := rep.value(key, v.Key, text); err != nil {
			return "", data.Position{}, err
		}
	}
	rep.finish()
	return id, rep.p, nil
}

func (rep *report) value(key, asSent, text string) error {
	number, isNumber := Number(text)
	p := &rep.p
	switch key {
	case "lat", "latitude":
		return place(&rep.latitude, key, number, isNumber)
	case "lon", "lng", "long", "longitude":
		return place(&rep.longitude, key, number, isNumber)
	case "token", "pass", "password", "user", "username", "key", "_type", "type",
		"date", "timeoffset", "starttimestamp", "tid", "topic":
		// Secrets, and what says nothing about the place.
	case "timestamp", "tst", "time", "datetime":
		rep.time(text, number, isNumber)
	case "speed", "spd", "velocity":
		setPositive(&p.SpeedKnots, converters.KnotsFromMps(number), isNumber)
	case "spd_kph", "speed_kmh", "speedkmh":
		setPositive(&p.SpeedKnots, converters.KnotsFromKmh(number), isNumber)
	case "bearing", "dir", "direction", "course", "heading", "cog":
		if isNumber {
			p.CourseDeg = protocol.Course(number)
		}
	case "alt", "altitude", "elevation":
		if isNumber {
			p.AltitudeM = number
		}
	case "acc", "accuracy", "gps_accuracy", "horizontal_accuracy":
		setPositive(&p.AccuracyM, number, isNumber)
	default:
		rep.attribute(key, asSent, text, number, isNumber)
	}
	return nil
}

func place(to **float64, key string, number float64, isNumber bool) error {
	if !isNumber {
		return fmt.Errorf("read %s: want degrees with a decimal point: %w", key, data.ErrInvalid)
	}
	*to = &number
	return nil
}

func setPositive(to *float64, v float64, isNumber bool) {
	if isNumber && v > 0 && v < tooMuch {
		*to = v
	}
}

// known are the attributes that have another name with us.
var known = map[string]string{
	"batt": "batteryLevel", "bat": "batteryLevel", "battery": "batteryLevel", "battery_level": "batteryLevel", "batterylevel": "batteryLevel",
	"sat": "sat", "satellites": "sat", "sats": "sat",
	"hdop": "hdop", "vdop": "vdop", "pdop": "pdop",
	"charge": "charge", "ischarging": "charge", "is_charging": "charge", "charging": "charge",
	"act": "activity", "activity": "activity", "prov": "provider", "provider": "provider",
	"desc": "comment", "comment": "comment", "annotation": "comment", "dist": "tripOdometer", "ser": "serial",
}

func (rep *report) attribute(key, asSent, text string, number float64, isNumber bool) {
	a := &rep.p.Attributes
	switch name := known[key]; name {
	case "batteryLevel":
		if isNumber && number >= 0 {
			a.SetInt(name, converters.Clamp(number, 0, 100))
		}
	case "sat":
		if isNumber && number >= 0 {
			a.SetInt(name, converters.Clamp(number, 0, 1000))
		}
	case "hdop", "vdop", "pdop", "tripOdometer":
		if isNumber {
			a.SetFloat(name, number)
		}
	case "charge":
		if truth, err := strconv.ParseBool(strings.ToLower(text)); err == nil {
			a.SetBool(name, truth)
		}
	case "":
		switch {
		case isNumber:
			a.SetFloat(asSent, number)
		case text == "true" || text == "false":
			a.SetBool(asSent, text == "true")
		default:
			a.SetString(asSent, text)
		}
	default:
		a.SetString(name, text)
	}
}

func (rep *report) time(text string, number float64, isNumber bool) {
	switch {
	case isNumber:
		if t := Unix(number); !t.IsZero() {
			rep.stamp = t
		}
	default:
		if t := Time(text); !t.IsZero() {
			rep.written = t
		}
	}
}

func (rep *report) finish() {
	p := &rep.p
	if p.DeviceTime = rep.stamp; p.DeviceTime.IsZero() {
		p.DeviceTime = rep.written
	}
	if rep.latitude == nil || rep.longitude == nil || *rep.latitude == 0 && *rep.longitude == 0 {
		p.Outdated, p.Valid = true, false
		return
	}
	if protocol.SetPlace(p, *rep.latitude, *rep.longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

// Number reads a number that JSON has a word for.
func Number(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// Unix reads seconds or, from the year 2286 in seconds on, milliseconds since
// 1970; the zero time if a clock can not have meant it.
func Unix(v float64) time.Time {
	if math.Abs(v) < 1e10 {
		v *= 1000
	}
	if !(math.Abs(v) < 1e15) {
		return time.Time{}
	}
	return protocol.UnixMilli(int64(math.Round(v)))
}

// layouts are the forms of ISO 8601 that apps write; without a zone it is UTC.
var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05",
}

// Time reads ISO 8601; the zero time if it is none. The plus of an offset may
// have become a blank.
func Time(text string) time.Time {
	for _, layout := range layouts {
		for _, s := range [2]string{text, strings.Replace(text, " ", "+", 1)} {
			if t, err := time.Parse(layout, s); err == nil {
				return protocol.UnixMilli(t.UnixMilli())
			}
		}
	}
	return time.Time{}
}
