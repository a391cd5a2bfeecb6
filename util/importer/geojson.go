package importer

import (
	"encoding/json"
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

// feature is a Feature or a geometry of GeoJSON (RFC 7946, 3).
type feature struct {
	Type        string          `json:"type"`
	Geometry    *geometry       `json:"geometry"`
	Properties  properties      `json:"properties"`
	Coordinates json.RawMessage `json:"coordinates"`
}

type geometry struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
}

// readGeoJSON reads features, in a collection, on lines of their own or alone.
// Points have their time among the properties (timeKeys); the speed there is
// metres a second, speed_kmh kilometres an hour. Lines have the times of their
// points in a list of the same length: coordTimes, times or
// coordinateProperties.times.
func readGeoJSON(in *input) error {
	return elements(in, []string{"features", "locations"}, func(e *element) error {
		var f feature
		if err := e.decode(&f); err != nil {
			return err
		}
		if f.Type == "" {
			return fmt.Errorf("%s: this is not GeoJSON: an object has no type: %w", e.where, data.ErrInvalid)
		}
		g := f.Geometry
		if f.Type != "Feature" {
			g = &geometry{f.Type, f.Coordinates}
		}
		if g == nil {
			in.skip("no place", e.where)
			return nil
		}
		return in.shape(e, g, f.Properties)
	})
}

func (in *input) shape(e *element, g *geometry, p properties) error {
	read := func(v any) error {
		if err := json.Unmarshal(g.Coordinates, v); err != nil {
			return fmt.Errorf("%s: the coordinates of a %.20s: %w: %w", e.where, g.Type, data.ErrInvalid, err)
		}
		return nil
	}
	switch g.Type {
	case "Point":
		var at []float64
		if err := read(&at); err != nil {
			return err
		}
		return in.geoPoint(e, at, p, nil)
	case "LineString", "MultiPoint":
		var line [][]float64
		if err := read(&line); err != nil {
			return err
		}
		var times []string
		p.times(&times)
		return in.geoLine(e, line, times)
	case "MultiLineString":
		var lines [][][]float64
		if err := read(&lines); err != nil {
			return err
		}
		var nested [][]string
		p.times(&nested)
		for i, line := range lines {
			var times []string
			if i < len(nested) {
				times = nested[i]
			}
			if err := in.geoLine(e, line, times); err != nil {
				return err
			}
		}
	default:
		in.skip("a shape that is not a track", e.where)
	}
	return nil
}

// times reads the times of a line's points into a list of texts.
func (p properties) times(to any) {
	for _, key := range []string{"coordTimes", "times"} {
		if raw := p[key]; raw != nil && json.Unmarshal(raw, to) == nil {
			return
		}
	}
	var inner properties
	if json.Unmarshal(p["coordinateProperties"], &inner) == nil {
		_ = json.Unmarshal(inner["times"], to) // none: the points are skipped
	}
}

func (in *input) geoLine(e *element, line [][]float64, times []string) error {
	if len(times) > 0 && len(times) != len(line) {
		return fmt.Errorf("%s: a line has %d points and %d times: %w", e.where, len(line), len(times), data.ErrInvalid)
	}
	for i, at := range line {
		var when *string
		if i < len(times) {
			when = &times[i]
		}
		if err := in.geoPoint(e, at, nil, when); err != nil {
			return err
		}
	}
	return nil
}

// geoPoint is a position of GeoJSON: longitude, latitude and perhaps altitude.
func (in *input) geoPoint(e *element, at []float64, p properties, when *string) error {
	if len(at) < 2 {
		in.skip("no place", e.where)
		return nil
	}
	to := data.Position{Longitude: at[0], Latitude: at[1]}
	if len(at) > 2 {
		to.AltitudeM = at[2]
	}
	p.fill(&to)
	if when != nil {
		to.FixTime, _ = parseTime(*when)
	}
	return in.add(to, e.where)
}
