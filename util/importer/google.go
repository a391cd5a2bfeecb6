package importer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// readGoogle reads the location history of Google in the forms it was given out
// in over the years:
//
//	Records.json, Location History.json   {"locations": [...]}        every point
//	2024_MARCH.json (semantic)            {"timelineObjects": [...]}  journeys and visits
//	Timeline.json (Android, since 2024)   {"semanticSegments": [...], "rawSignals": [...]}
//	location-history.json (iOS)           [...]                       segments
//
// Journeys give the points that have a time, visits their beginning and end.
func readGoogle(in *input) error {
	lists := []string{"locations", "timelineObjects", "semanticSegments", "rawSignals"}
	known := false
	err := elements(in, lists, func(e *element) error {
		var read func(*element) (bool, error)
		switch e.list {
		case "locations":
			read = in.googleRecord
		case "timelineObjects":
			read = in.googleObject
		case "rawSignals":
			read = in.googleSignal
		default:
			read = in.googleSegment
		}
		ok, err := read(e)
		known = known || ok
		return err
	})
	if err == nil && !known {
		err = fmt.Errorf("there is nothing in the file that Google calls a location, a timeline object or a segment: %w", data.ErrInvalid)
	}
	return err
}

// e7 is degrees in units of 10^-7. Old exports hold numbers that have run over 32
// bits.
type e7 string

func (e *e7) UnmarshalJSON(b []byte) error {
	*e = e7(strings.Trim(string(b), `"`))
	return nil
}

func (e e7) degrees(max float64) (float64, bool) {
	f, ok := number(string(e))
	if f > max*1e7 {
		f -= 1 << 32
	}
	return f / 1e7, ok
}

// googlePlace is a point in all the ways that records and objects write it.
type googlePlace struct {
	LatitudeE7  e7 `json:"latitudeE7"`
	LongitudeE7 e7 `json:"longitudeE7"`
	LatE7       e7 `json:"latE7"`
	LngE7       e7 `json:"lngE7"`

	Timestamp   string      `json:"timestamp"`
	TimestampMs json.Number `json:"timestampMs"`

	Accuracy       float64  `json:"accuracy"`       // m
	AccuracyMeters float64  `json:"accuracyMeters"` // m
	Altitude       float64  `json:"altitude"`       // m
	Velocity       float64  `json:"velocity"`       // m/s
	Heading        float64  `json:"heading"`        // degrees
	Source         string   `json:"source"`
	BatteryLevel   *float64 `json:"batteryLevel"`
}

func (g *googlePlace) place() (lat, lon float64, ok bool) {
	for _, at := range [][2]e7{{g.LatitudeE7, g.LongitudeE7}, {g.LatE7, g.LngE7}} {
		lat, ok1 := at[0].degrees(90)
		lon, ok2 := at[1].degrees(180)
		if ok1 && ok2 {
			return lat, lon, true
		}
	}
	return 0, 0, false
}

// googleTime reads a time in one of the two ways.
func googleTime(text string, ms json.Number) time.Time {
	t, ok := parseTime(text)
	if !ok {
		if n, err := strconv.ParseInt(ms.String(), 10, 64); err == nil && n > 0 {
			t = time.UnixMilli(n).UTC()
		}
	}
	return t
}

// googlePoint stores a place with a time.
func (in *input) googlePoint(e *element, g *googlePlace, at time.Time) error {
	lat, lon, ok := g.place()
	if !ok {
		in.skip("no place", e.where)
		return nil
	}
	p := data.Position{
		Latitude: lat, Longitude: lon, FixTime: at, AltitudeM: g.Altitude, AccuracyM: max(g.Accuracy, g.AccuracyMeters, 0),
		SpeedKnots: converters.KnotsFromMps(max(g.Velocity, 0)), CourseDeg: max(g.Heading, 0),
	}
	if g.Source != "" {
		p.Attributes.SetString("source", g.Source)
	}
	if g.BatteryLevel != nil {
		p.Attributes.SetFloat("batteryLevel", *g.BatteryLevel)
	}
	return in.add(p, e.where)
}

func (in *input) googleRecord(e *element) (bool, error) {
	var g googlePlace
	if err := e.decode(&g); err != nil {
		return false, err
	}
	return true, in.googlePoint(e, &g, googleTime(g.Timestamp, g.TimestampMs))
}

type googleSpan struct {
	StartTimestamp   string      `json:"startTimestamp"`
	EndTimestamp     string      `json:"endTimestamp"`
	StartTimestampMs json.Number `json:"startTimestampMs"`
	EndTimestampMs   json.Number `json:"endTimestampMs"`
}

func (s *googleSpan) start() time.Time { return googleTime(s.StartTimestamp, s.StartTimestampMs) }
func (s *googleSpan) end() time.Time   { return googleTime(s.EndTimestamp, s.EndTimestampMs) }

// googleObject reads a journey or a visit of the semantic history.
func (in *input) googleObject(e *element) (bool, error) {
	var o struct {
		Activity *struct {
			Start googlePlace `json:"startLocation"`
			End   googlePlace `json:"endLocation"`
			Span  googleSpan  `json:"duration"`
			Path  struct {
				Points []googlePlace `json:"points"`
			} `json:"simplifiedRawPath"`
		} `json:"activitySegment"`
		Visit *struct {
			At   googlePlace `json:"location"`
			Span googleSpan  `json:"duration"`
		} `json:"placeVisit"`
	}
	if err := e.decode(&o); err != nil {
		return false, err
	}
	add := func(g *googlePlace, at time.Time) error { return in.googlePoint(e, g, at) }
	if v := o.Visit; v != nil {
		return true, firstError(add(&v.At, v.Span.start()), add(&v.At, v.Span.end()))
	}
	a := o.Activity
	if a == nil {
		in.skip("neither a journey nor a visit", e.where)
		return false, nil
	}
	if err := add(&a.Start, a.Span.start()); err != nil {
		return true, err
	}
	for i := range a.Path.Points {
		g := &a.Path.Points[i]
		if err := add(g, googleTime(g.Timestamp, g.TimestampMs)); err != nil {
			return true, err
		}
	}
	return true, add(&a.End, a.Span.end())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// degrees is a place as phones write it: "geo:48.1,11.5" or "48.1°, 11.5°".
type degrees string

func (d degrees) place() (lat, lon float64, ok bool) {
	text := strings.ReplaceAll(strings.TrimPrefix(string(d), "geo:"), "°", "")
	text, _, _ = strings.Cut(text, ";") // RFC 5870 allows parameters
	a, b, _ := strings.Cut(text, ",")
	lat, ok1 := number(a)
	lon, ok2 := number(b)
	return lat, lon, ok1 && ok2
}

// latLng is degrees, alone (iOS) or in an object (Android).
type latLng struct{ degrees }

func (l *latLng) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &l.degrees)
	}
	var o struct {
		LatLng degrees `json:"latLng"`
	}
	err := json.Unmarshal(b, &o)
	l.degrees = o.LatLng
	return err
}

func (in *input) googleDegrees(e *element, d degrees, at time.Time) error {
	lat, lon, ok := d.place()
	if !ok {
		in.skip("no place", e.where)
		return nil
	}
	return in.add(data.Position{Latitude: lat, Longitude: lon, FixTime: at}, e.where)
}

// googleSegment reads a segment of the timeline that phones keep.
func (in *input) googleSegment(e *element) (bool, error) {
	var s struct {
		Start string `json:"startTime"`
		End   string `json:"endTime"`
		Path  []struct {
			Point degrees `json:"point"`
			Time  string  `json:"time"`
			// Offset is minutes after the start of the segment.
			Offset json.Number `json:"durationMinutesOffsetFromStartTime"`
		} `json:"timelinePath"`
		Visit *struct {
			Top struct {
				Place latLng `json:"placeLocation"`
			} `json:"topCandidate"`
		} `json:"visit"`
		Activity *struct {
			Start latLng `json:"start"`
			End   latLng `json:"end"`
		} `json:"activity"`
	}
	if err := e.decode(&s); err != nil {
		return false, err
	}
	start, ok := parseTime(s.Start)
	end, _ := parseTime(s.End)
	switch {
	case s.Visit != nil:
		at := s.Visit.Top.Place.degrees
		return true, firstError(in.googleDegrees(e, at, start), in.googleDegrees(e, at, end))
	case s.Activity != nil:
		return true, firstError(in.googleDegrees(e, s.Activity.Start.degrees, start), in.googleDegrees(e, s.Activity.End.degrees, end))
	case s.Path == nil:
		in.skip("neither a path nor a visit", e.where)
		return ok, nil
	}
	for _, point := range s.Path {
		at, known := parseTime(point.Time)
		if minutes, isNumber := number(point.Offset.String()); !known && isNumber && ok {
			at = start.Add(time.Duration(minutes * float64(time.Minute)))
		}
		if err := in.googleDegrees(e, point.Point, at); err != nil {
			return true, err
		}
	}
	return true, nil
}

// googleSignal reads what the phone measured.
func (in *input) googleSignal(e *element) (bool, error) {
	var s struct {
		Position *struct {
			LatLng    degrees `json:"LatLng"`
			Timestamp string  `json:"timestamp"`
			Source    string  `json:"source"`
			Accuracy  float64 `json:"accuracyMeters"`
			Altitude  float64 `json:"altitudeMeters"`
			Speed     float64 `json:"speedMetersPerSecond"`
		} `json:"position"`
	}
	if err := e.decode(&s); err != nil {
		return false, err
	}
	if s.Position == nil {
		in.skip("a signal that is not a place", e.where)
		return true, nil
	}
	lat, lon, ok := s.Position.LatLng.place()
	if !ok {
		in.skip("no place", e.where)
		return true, nil
	}
	p := data.Position{
		Latitude: lat, Longitude: lon, AltitudeM: s.Position.Altitude, AccuracyM: max(s.Position.Accuracy, 0),
		SpeedKnots: converters.KnotsFromMps(max(s.Position.Speed, 0)),
	}
	p.FixTime, _ = parseTime(s.Position.Timestamp)
	if s.Position.Source != "" {
		p.Attributes.SetString("source", s.Position.Source)
	}
	return true, in.add(p, e.where)
}
