package files

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

const kmlBegin = xml.Header + `<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Waymark</name>` + "\n"

// placemark is what of a Placemark counts.
type placemark struct {
	Name        string `xml:"name"`
	Description string `xml:"description"`
	Data        []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value"`
	} `xml:"ExtendedData>Data"`
	Simple []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:",chardata"`
	} `xml:"ExtendedData>SchemaData>SimpleData"`
	kmlGeometry
}

// kmlGeometry are geometries: those of a Placemark, or of a MultiGeometry.
type kmlGeometry struct {
	Points   []kmlPlaces `xml:"Point"`
	Lines    []kmlPlaces `xml:"LineString"`
	Rings    []kmlPlaces `xml:"LinearRing"`
	Polygons []struct {
		Outer *kmlPlaces  `xml:"outerBoundaryIs>LinearRing"`
		Inner []kmlPlaces `xml:"innerBoundaryIs>LinearRing"`
	} `xml:"Polygon"`
	Tracks []kmlTrack    `xml:"Track"`
	Multi  []kmlGeometry `xml:"MultiGeometry"`
	// MultiTracks are parts of one recording.
	MultiTracks []struct {
		Tracks []kmlTrack `xml:"Track"`
	} `xml:"MultiTrack"`
}

type kmlPlaces struct {
	Coordinates string `xml:"coordinates"`
}

type kmlTrack struct {
	Coords []string `xml:"coord"`
}

// unpacked is the KML of a KMZ: the first .kml of a zip archive (KML 2.2, annex C).
func unpacked(b []byte) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, wrong("the file is no KMZ that can be read: %v", err)
	}
	i := slices.IndexFunc(archive.File, func(f *zip.File) bool { return strings.EqualFold(path.Ext(f.Name), ".kml") })
	if i < 0 {
		return nil, wrong("there is no KML in the KMZ")
	}
	r, err := archive.File[i].Open()
	if err == nil {
		b, err = io.ReadAll(io.LimitReader(r, MaxBytes+1))
	}
	switch {
	case err != nil:
		return nil, wrong("the file is no KMZ that can be read: %v", err)
	case len(b) > MaxBytes:
		return nil, wrong("the KML in the KMZ is larger than %d MiB", MaxBytes>>20)
	}
	return b, r.Close()
}

// readKML reads the placemarks, in whatever folders they lie.
func readKML(b []byte, c *collector) (err error) {
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		if b, err = unpacked(b); err != nil {
			return err
		}
	}
	return readXML(b, "kml", func(d *xml.Decoder, e *xml.StartElement) error {
		if e.Name.Local != "Placemark" {
			return nil
		}
		var p placemark
		if err := d.DecodeElement(&p, e); err != nil {
			return err
		}
		return c.add(p.feature())
	})
}

func (p *placemark) feature() *feature {
	property := func(key string) any {
		for _, d := range p.Data {
			if d.Name == key {
				return d.Value
			}
		}
		for _, d := range p.Simple {
			if d.Name == key {
				return d.Value
			}
		}
		return nil
	}
	text := func(key string) string { s, _ := property(key).(string); return s }
	f := &feature{name: p.Name, description: p.Description, marker: text("waymark:area")}
	f.attributes = attributesOf(text("waymark:attributes"), property)
	f.shapes, f.err = p.shapes(nil)
	return f
}

// shapes appends the shapes of geometries.
func (g *kmlGeometry) shapes(dst []wkt.Shape) (_ []wkt.Shape, err error) {
	places := func(p *kmlPlaces) []wkt.Point {
		list, e := kmlCoordinates(p.Coordinates)
		if e != nil && err == nil {
			err = e
		}
		return list
	}
	for i := range g.Polygons {
		if g.Polygons[i].Outer == nil {
			return nil, wrong("an area has no outline")
		}
		polygon := wkt.Polygon{places(g.Polygons[i].Outer)}
		for j := range g.Polygons[i].Inner {
			polygon = append(polygon, places(&g.Polygons[i].Inner[j]))
		}
		dst = append(dst, polygon)
	}
	for i := range g.Rings {
		dst = append(dst, wkt.Polygon{places(&g.Rings[i])})
	}
	for i := range g.Lines {
		dst = append(dst, wkt.Line(places(&g.Lines[i])))
	}
	for i := range g.Points {
		for _, p := range places(&g.Points[i]) {
			dst = append(dst, point{Point: p})
		}
	}
	tracks := g.Tracks
	for i := range g.MultiTracks {
		tracks = append(tracks, g.MultiTracks[i].Tracks...)
	}
	for _, track := range tracks {
		var line []wkt.Point
		for _, coord := range track.Coords {
			p, e := kmlPlace(strings.Fields(coord))
			if e != nil {
				return nil, e
			}
			line = append(line, p)
		}
		dst = append(dst, wkt.Line(simplified(line)))
	}
	for i := range g.Multi {
		if err == nil {
			dst, err = g.Multi[i].shapes(dst)
		}
	}
	return dst, err
}

// kmlCoordinates reads places with blanks between them: lon,lat or lon,lat,alt.
func kmlCoordinates(text string) ([]wkt.Point, error) {
	var points []wkt.Point
	for tuple := range strings.FieldsSeq(text) {
		p, err := kmlPlace(strings.Split(tuple, ","))
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

func kmlPlace(parts []string) (p wkt.Point, err error) {
	if len(parts) == 2 || len(parts) == 3 {
		var e1, e2 error
		p.Lon, e1 = strconv.ParseFloat(parts[0], 64)
		p.Lat, e2 = strconv.ParseFloat(parts[1], 64)
		if e1 == nil && e2 == nil {
			return p, nil
		}
	}
	return p, wrong("%q is no place of KML, which is written longitude,latitude without blanks", clip(strings.Join(parts, ","), 64))
}

func appendPlacemark(b []byte, g *data.Geofence, shape wkt.Shape, _ bool) []byte {
	b = append(b, "<Placemark><name>"...)
	b = append(append(b, escaped(g.Name)...), "</name>"...)
	if g.Description != "" {
		b = append(append(append(b, "<description>"...), escaped(string(g.Description))...), "</description>"...)
	}
	if c := color(g); c != "" {
		abgr := c[5:7] + c[3:5] + c[1:3] // alpha first, then blue, green and red
		b = append(b, "<Style><LineStyle><color>ff"+abgr+"</color></LineStyle><PolyStyle><color>40"+abgr+"</color></PolyStyle></Style>"...)
	}
	own, area := written(g), marker(shape)
	if own+area != "" {
		b = append(b, "<ExtendedData>"...)
		b = appendData(b, "waymark:area", area)
		b = appendData(b, "waymark:attributes", own)
		b = append(b, "</ExtendedData>"...)
	}
	switch s := shape.(type) {
	case wkt.Circle:
		b = appendPolygon(b, wkt.Polygon{outline(s)})
	case wkt.Polygon:
		b = appendPolygon(b, s)
	case wkt.Line:
		b = append(b, "<LineString><tessellate>1</tessellate>"...)
		b = append(appendCoordinates(b, s), "</LineString>"...)
	}
	return append(b, "</Placemark>\n"...)
}

func appendData(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(b, `<Data name="`+name+`"><value>`+escaped(value)+`</value></Data>`...)
}

func appendPolygon(b []byte, p wkt.Polygon) []byte {
	b = append(b, "<Polygon>"...)
	for i, ring := range p {
		side := "inner"
		if i == 0 {
			side = "outer"
		}
		b = append(b, "<"+side+"BoundaryIs><LinearRing>"...)
		b = append(appendCoordinates(b, ring), "</LinearRing></"+side+"BoundaryIs>"...)
	}
	return append(b, "</Polygon>"...)
}

func appendCoordinates(b []byte, points []wkt.Point) []byte {
	b = append(b, "<coordinates>"...)
	for i, p := range points {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(appendNumber(b, p.Lon), ',')
		b = appendNumber(b, p.Lat)
	}
	return append(b, "</coordinates>"...)
}
