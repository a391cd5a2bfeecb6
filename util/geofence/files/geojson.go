package files

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// geoObject is any object of GeoJSON.
type geoObject struct {
	Type        string            `json:"type"`
	Features    []json.RawMessage `json:"features"`
	Geometry    *geoObject        `json:"geometry"`
	Geometries  []geoObject       `json:"geometries"`
	Coordinates json.RawMessage   `json:"coordinates"`
	Properties  json.RawMessage   `json:"properties"`
}

func readGeoJSON(b []byte, c *collector) error {
	var top geoObject
	if err := json.Unmarshal(b, &top); err != nil {
		return wrong("the file is not GeoJSON: %v", err)
	}
	switch top.Type {
	case "FeatureCollection":
		for _, raw := range top.Features {
			if err := c.add(featureOf(raw)); err != nil {
				return err
			}
		}
		return nil
	case "Feature":
		return c.add(featureOf(b))
	case "":
		return wrong("the file is not GeoJSON: it has no type")
	}
	f := &feature{}
	f.shapes, f.err = shapesOf(&top, nil)
	return c.add(f)
}

func featureOf(raw []byte) *feature {
	var o geoObject
	if err := json.Unmarshal(raw, &o); err != nil || o.Type != "Feature" {
		return &feature{err: wrong("it is no feature of GeoJSON")}
	}
	var properties map[string]json.RawMessage
	_ = json.Unmarshal(o.Properties, &properties) // null and others say nothing
	property := func(keys ...string) (v any) {
		for _, key := range keys {
			if json.Unmarshal(properties[key], &v) == nil && v != nil {
				return v
			}
		}
		return nil
	}
	text := func(keys ...string) string {
		switch v := property(keys...).(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return ""
	}
	f := &feature{name: text("name", "Name", "title"), description: text("description", "desc")}
	var own string
	if nested := properties["attributes"]; len(nested) > 0 && nested[0] == '{' {
		own = string(nested)
	}
	f.attributes = attributesOf(own, func(key string) any { return property(key) })
	if o.Geometry == nil {
		f.err = wrong("it has no geometry")
		return f
	}
	f.shapes, f.err = shapesOf(o.Geometry, numberOf(property("radius")))
	return f
}

// numberOf is a number above 0, also one that is written as a text; nil for none.
func numberOf(v any) *float64 {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	}
	if !(n > 0) || math.IsInf(n, 0) {
		return nil
	}
	return &n
}

// shapesOf are the shapes of a geometry. A radius makes circles of its points.
func shapesOf(g *geoObject, radius *float64) (shapes []wkt.Shape, err error) {
	defer func() {
		if err != nil {
			shapes = nil
		}
	}()
	read := func(to any) {
		if e := json.Unmarshal(g.Coordinates, to); e != nil && err == nil {
			err = wrong("the coordinates of the %s are not understood", g.Type)
		}
	}
	var one []float64
	var list [][]float64
	var rings [][][]float64
	var many [][][][]float64
	switch g.Type {
	case "Point":
		read(&one)
		list = [][]float64{one}
	case "MultiPoint":
		read(&list)
	case "LineString":
		read(&list)
		rings = [][][]float64{list}
	case "MultiLineString":
		read(&rings)
	case "Polygon":
		read(&rings)
		many = [][][][]float64{rings}
	case "MultiPolygon":
		read(&many)
	case "GeometryCollection":
		for i := range g.Geometries {
			inner, e := shapesOf(&g.Geometries[i], radius)
			if e != nil {
				return nil, e
			}
			shapes = append(shapes, inner...)
		}
		return shapes, nil
	default:
		return nil, wrong("there is no geometry %q in GeoJSON", clip(g.Type, 32))
	}
	if err != nil {
		return nil, err
	}
	places := func(list [][]float64) []wkt.Point {
		out := make([]wkt.Point, len(list))
		for i, p := range list {
			if len(p) < 2 {
				err = wrong("a place of the %s has no longitude and latitude", g.Type)
				return nil
			}
			out[i] = wkt.Point{Lat: p[1], Lon: p[0]}
		}
		return out
	}
	switch g.Type {
	case "Point", "MultiPoint":
		for _, p := range places(list) {
			if radius != nil {
				shapes = append(shapes, wkt.Circle{Center: p, RadiusM: *radius})
			} else {
				shapes = append(shapes, point{Point: p})
			}
		}
	case "LineString", "MultiLineString":
		for _, l := range rings {
			shapes = append(shapes, wkt.Line(places(l)))
		}
	default:
		for _, rings := range many {
			polygon := make(wkt.Polygon, len(rings))
			for i := range rings {
				polygon[i] = places(rings[i])
			}
			shapes = append(shapes, polygon)
		}
	}
	return shapes, err
}

func appendFeature(b []byte, g *data.Geofence, shape wkt.Shape, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = append(b, "\n"+`{"type":"Feature","id":`...)
	b = strconv.AppendInt(b, g.ID, 10)
	b = append(b, `,"geometry":{"type":`...)
	switch s := shape.(type) {
	case wkt.Circle:
		b = append(b, `"Point","coordinates":`...)
		b = appendPlace(b, s.Center.Lon, s.Center.Lat)
	case wkt.Line:
		b = append(b, `"LineString","coordinates":`...)
		b = appendPlaces(b, s)
	case wkt.Polygon:
		b = append(b, `"Polygon","coordinates":[`...)
		for i, ring := range s {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendPlaces(b, ring)
		}
		b = append(b, ']')
	}
	b = append(b, `},"properties":{"name":`...)
	b = data.AppendJSONString(b, g.Name)
	if g.Description != "" {
		b = append(b, `,"description":`...)
		b = data.AppendJSONString(b, string(g.Description))
	}
	if c, ok := shape.(wkt.Circle); ok {
		b = append(b, `,"radius":`...)
		b = appendNumber(b, c.RadiusM)
	}
	if c := color(g); c != "" { // as many programs draw it (simplestyle)
		b = fmt.Appendf(b, `,"stroke":"%s","fill":"%s"`, c, c)
	}
	if own := written(g); own != "" {
		b = append(append(b, `,"attributes":`...), own...)
	}
	return append(b, "}}"...)
}

// appendPlaces appends places one after the other, without a leap at the
// antimeridian: most maps draw an edge from 179.9° to -179.9° around the earth,
// and one to 180.1° as it is meant.
func appendPlaces(b []byte, points []wkt.Point) []byte {
	b = append(b, '[')
	turns := 0.0
	for i, p := range points {
		if i > 0 {
			b = append(b, ',')
			switch leap := p.Lon - points[i-1].Lon; {
			case leap > 180:
				turns -= 360
			case leap < -180:
				turns += 360
			}
		}
		if turns != 0 {
			p.Lon = rounded(p.Lon + turns)
		}
		b = appendPlace(b, p.Lon, p.Lat)
	}
	return append(b, ']')
}

func appendPlace(b []byte, lon, lat float64) []byte {
	b = append(appendNumber(append(b, '['), lon), ',')
	return append(appendNumber(b, lat), ']')
}
