package files

import (
	"encoding/xml"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

const gpxBegin = xml.Header + `<gpx version="1.1" creator="Waymark" xmlns="http://www.topografix.com/GPX/1/1" xmlns:wm="` + ours + `">` + "\n"

// gpxPoint is a wpt, rtept or trkpt. Numbers stay texts until somebody knows
// whose they are.
type gpxPoint struct {
	Lat string `xml:"lat,attr"`
	Lon string `xml:"lon,attr"`
}

// gpxThing is a wpt, rte or trk.
type gpxThing struct {
	gpxPoint
	Name        string `xml:"name"`
	Description string `xml:"desc"`
	Extensions  struct {
		Area       string `xml:"urn:waymark:geofence area"`
		Attributes string `xml:"urn:waymark:geofence attributes"`
	} `xml:"extensions"`
	Route    []gpxPoint `xml:"rtept"`
	Segments []struct {
		Points []gpxPoint `xml:"trkpt"`
	} `xml:"trkseg"`
}

// readGPX reads tracks, routes and waypoints.
func readGPX(b []byte, c *collector) error {
	return readXML(b, "gpx", func(d *xml.Decoder, e *xml.StartElement) error {
		kind := e.Name.Local
		if kind != "trk" && kind != "rte" && kind != "wpt" {
			return nil
		}
		var t gpxThing
		if err := d.DecodeElement(&t, e); err != nil {
			return err
		}
		return c.add(t.feature(kind))
	})
}

func (t *gpxThing) feature(kind string) *feature {
	f := &feature{name: t.Name, description: t.Description, marker: t.Extensions.Area}
	f.attributes = attributesOf(t.Extensions.Attributes, func(string) any { return nil })
	var lines [][]wkt.Point
	take := func(points []gpxPoint) {
		line := make([]wkt.Point, len(points))
		for i := range points {
			var err error
			if line[i], err = points[i].place(); err != nil && f.err == nil {
				f.err = err
			}
		}
		lines = append(lines, line)
	}
	switch kind {
	case "wpt":
		p, err := t.place()
		f.shapes, f.err = []wkt.Shape{point{Point: p}}, err
		return f
	case "rte":
		take(t.Route)
	case "trk":
		for i := range t.Segments {
			if len(t.Segments[i].Points) > 1 { // one place is no way
				take(t.Segments[i].Points)
			}
		}
	}
	switch {
	case f.err != nil || len(lines) == 0:
	case t.Extensions.Area != "":
		f.shapes = []wkt.Shape{wkt.Polygon(lines)}
	default:
		for _, line := range lines {
			f.shapes = append(f.shapes, wkt.Line(simplified(line)))
		}
	}
	return f
}

func (p *gpxPoint) place() (wkt.Point, error) {
	lat, e1 := strconv.ParseFloat(p.Lat, 64)
	lon, e2 := strconv.ParseFloat(p.Lon, 64)
	if e1 != nil || e2 != nil {
		return wkt.Point{}, wrong("a place has lat=%q and lon=%q", clip(p.Lat, 32), clip(p.Lon, 32))
	}
	return wkt.Point{Lat: lat, Lon: lon}, nil
}

func appendTrack(b []byte, g *data.Geofence, shape wkt.Shape, _ bool) []byte {
	b = append(append(append(b, "<trk><name>"...), escaped(g.Name)...), "</name>"...)
	if g.Description != "" {
		b = append(append(append(b, "<desc>"...), escaped(string(g.Description))...), "</desc>"...)
	}
	var lines [][]wkt.Point
	area := marker(shape)
	switch s := shape.(type) {
	case wkt.Circle:
		lines = [][]wkt.Point{outline(s)}
	case wkt.Polygon:
		lines, area = s, polygonMarker
	case wkt.Line:
		lines = [][]wkt.Point{s}
	}
	if own := written(g); own+area != "" {
		b = append(b, "<extensions>"...)
		if area != "" {
			b = append(b, "<wm:area>"+escaped(area)+"</wm:area>"...)
		}
		if own != "" {
			b = append(b, "<wm:attributes>"+escaped(own)+"</wm:attributes>"...)
		}
		b = append(b, "</extensions>"...)
	}
	for _, line := range lines {
		b = append(b, "<trkseg>\n"...)
		for _, p := range line {
			b = append(b, `<trkpt lat="`...)
			b = append(appendNumber(b, p.Lat), `" lon="`...)
			b = append(appendNumber(b, p.Lon), `"/>`...)
		}
		b = append(b, "\n</trkseg>"...)
	}
	return append(b, "</trk>\n"...)
}
