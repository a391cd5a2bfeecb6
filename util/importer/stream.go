package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// maxElement bounds an element of a JSON file in bytes: a track of some hundred
// thousand points.
const maxElement = 16 << 20

// element is an object of a JSON file.
type element struct {
	// list is the name of the list it is in, empty for the outermost.
	list string
	raw  []byte
	// where is its place, for people.
	where string
}

func (e *element) decode(v any) error {
	if err := json.Unmarshal(e.raw, v); err != nil {
		return fmt.Errorf("%s: %w: %w", e.where, data.ErrInvalid, err)
	}
	return nil
}

// elements calls each for the objects of a JSON file: those of an outermost
// list, those of the lists named in an outermost object, else the outermost
// object itself. Several values may follow one another, as in JSON lines.
func elements(in *input, lists []string, each func(e *element) error) error {
	in.Next(maxElement)
	s := &stream{in: in, d: json.NewDecoder(in), each: each, lists: lists}
	found := false
	for {
		in.Next(maxElement)
		token, err := s.d.Token()
		switch {
		case errors.Is(err, io.EOF) && found:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the file is empty: %w", data.ErrInvalid)
		case err != nil:
			return s.wrong(err)
		}
		found = true
		switch token {
		case json.Delim('['):
			err = s.array("")
		case json.Delim('{'):
			err = s.object()
		default:
			err = s.wrong(fmt.Errorf("there is %.20q where an object or a list should be: %w", fmt.Sprint(token), data.ErrInvalid))
		}
		if err != nil {
			return err
		}
	}
}

type stream struct {
	in    *input
	d     *json.Decoder
	each  func(*element) error
	lists []string
}

// wrong says where the file cannot be read.
func (s *stream) wrong(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		err = fmt.Errorf("the file ends in the middle: %w: %w", data.ErrInvalid, err)
	case errors.As(err, &syntax):
		err = fmt.Errorf("%w: %w", data.ErrInvalid, err)
	}
	return fmt.Errorf("byte %d: %w", s.d.InputOffset(), err)
}

// array reads the rest of a list.
func (s *stream) array(list string) error {
	for s.d.More() {
		s.in.Next(maxElement)
		e := element{list: list, where: fmt.Sprintf("byte %d", s.d.InputOffset())}
		raw := json.RawMessage(nil)
		if err := s.d.Decode(&raw); err != nil {
			return s.wrong(err)
		}
		e.raw = raw
		if err := s.each(&e); err != nil {
			return err
		}
	}
	return s.close()
}

// close takes the end of a list or an object.
func (s *stream) close() error {
	if _, err := s.d.Token(); err != nil {
		return s.wrong(err)
	}
	return nil
}

// maxMembers bounds the members of an outermost object.
const maxMembers = 1000

// object reads the rest of an outermost object.
func (s *stream) object() error {
	where := fmt.Sprintf("byte %d", s.d.InputOffset()-1)
	rest := map[string]json.RawMessage{}
	listed, size := false, 0
	for s.d.More() {
		s.in.Next(maxElement)
		token, err := s.d.Token()
		if err != nil {
			return s.wrong(err)
		}
		key, _ := token.(string)
		var raw json.RawMessage
		if s.isList(key) {
			if token, err = s.d.Token(); err != nil {
				return s.wrong(err)
			}
			if token == json.Delim('[') {
				listed = true
				if err := s.array(key); err != nil {
					return err
				}
				continue
			}
			if _, ok := token.(json.Delim); ok {
				return s.wrong(fmt.Errorf("%q is not a list: %w", key, data.ErrInvalid))
			}
			continue // null, for example
		}
		if err := s.d.Decode(&raw); err != nil {
			return s.wrong(err)
		}
		if size += len(raw); size > maxElement || len(rest) >= maxMembers {
			return s.wrong(errTooLarge)
		}
		if !listed {
			rest[key] = raw
		}
	}
	if err := s.close(); err != nil || listed {
		return err
	}
	raw, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	return s.each(&element{raw: raw, where: where})
}

func (s *stream) isList(key string) bool {
	for _, l := range s.lists {
		if l == key {
			return true
		}
	}
	return false
}

// properties are free members of an object.
type properties map[string]json.RawMessage

// text is a member that is a text or a number; empty for anything else.
func (p properties) text(key string) string {
	raw := strings.TrimSpace(string(p[key]))
	if raw == "" || raw == "null" || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	if raw[0] == '"' {
		var s string
		if json.Unmarshal([]byte(raw), &s) != nil {
			return ""
		}
		return s
	}
	return raw
}

// number is the first of the members that is a number.
func (p properties) number(keys ...string) (float64, bool) {
	for _, key := range keys {
		if f, ok := number(p.text(key)); ok {
			return f, true
		}
	}
	return 0, false
}

// timeKeys are names under which programs write the time of a point.
var timeKeys = []string{
	"fixTime", "fix_time", "time", "timestamp", "timestampMs", "datetime", "dateTime", "date", "recorded_at", "deviceTime",
	"tst", "ts", "Time", "Timestamp",
}

// fill reads what programs write of a point besides its place.
func (p properties) fill(to *data.Position) {
	for _, key := range timeKeys {
		if t, ok := parseTime(p.text(key)); ok {
			to.FixTime = t
			break
		}
	}
	set := func(f *float64, keys ...string) {
		if v, ok := p.number(keys...); ok {
			*f = v
		}
	}
	set(&to.AltitudeM, "altitude_m", "altitude", "alt", "ele", "elevation")
	set(&to.CourseDeg, "course_deg", "course", "heading", "bearing", "cog")
	set(&to.AccuracyM, "accuracy_m", "accuracy", "horizontal_accuracy", "acc")
	if v, ok := p.number("speed_kmh", "speedKmh"); ok {
		to.SpeedKnots = converters.KnotsFromKmh(v)
	} else if v, ok := p.number("speed"); ok && v >= 0 {
		to.SpeedKnots = converters.KnotsFromMps(v)
	}
	to.CourseDeg, to.AccuracyM = max(to.CourseDeg, 0), max(to.AccuracyM, 0) // -1 is how phones say unknown
	if v, ok := p.number("battery_level"); ok && v >= 0 && v <= 1 {
		to.Attributes.SetFloat("batteryLevel", v*100)
	}
	if v, ok := p.number("heartRate", "hr"); ok {
		to.Attributes.SetInt("heartRate", int64(v))
	}
}
