package exporter

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// maxGap is the pause after which a new segment of a track begins, so that maps
// draw no line over it.
const maxGap = 10 * time.Minute

// gpx is GPX 1.1 (topografix.com/GPX/1/1): a track for each device. Speed and
// course are in Garmin's TrackPointExtension, version 2: metres a second,
// degrees. Reports without a place of their own are left out.
type gpx struct {
	w       *bufio.Writer
	segment bool
	last    time.Time
}

const gpxHead = `<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="Waymark" xmlns="http://www.topografix.com/GPX/1/1" xmlns:tpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">
`

func (g *gpx) begin() error {
	_, err := g.w.WriteString(gpxHead)
	return err
}

func (g *gpx) device(d *data.Device) error {
	var name strings.Builder
	if err := xml.EscapeText(&name, []byte(xmlText(d.Name))); err != nil {
		return err
	}
	g.segment = false
	_, err := fmt.Fprintf(g.w, "<trk><name>%s</name>\n", name.String())
	return err
}

func (g *gpx) position(_ *data.Device, p *data.Position) error {
	if p.Outdated || p.FixTime.IsZero() {
		return nil
	}
	if g.segment && p.FixTime.Sub(g.last) > maxGap {
		fmt.Fprint(g.w, "</trkseg>\n")
		g.segment = false
	}
	if !g.segment {
		fmt.Fprint(g.w, "<trkseg>\n")
		g.segment = true
	}
	g.last = p.FixTime
	fmt.Fprintf(g.w, `<trkpt lat="%s" lon="%s">`, formatFloat(p.Latitude), formatFloat(p.Longitude))
	if p.AltitudeM != 0 {
		fmt.Fprintf(g.w, "<ele>%s</ele>", formatFloat(p.AltitudeM))
	}
	fmt.Fprintf(g.w, "<time>%s</time>", clock(p.FixTime))
	if p.SpeedKnots != 0 || p.CourseDeg != 0 {
		fmt.Fprintf(g.w, "<extensions><tpx:TrackPointExtension><tpx:speed>%s</tpx:speed><tpx:course>%s</tpx:course></tpx:TrackPointExtension></extensions>",
			formatFloat(p.SpeedKnots*1852/3600), formatFloat(p.CourseDeg))
	}
	_, err := g.w.WriteString("</trkpt>\n") // reports what failed before, too
	return err
}

func (g *gpx) deviceEnd() error {
	if g.segment {
		fmt.Fprint(g.w, "</trkseg>\n")
	}
	_, err := g.w.WriteString("</trk>\n")
	return err
}

func (g *gpx) end() error {
	_, err := g.w.WriteString("</gpx>\n")
	return err
}

// geoJSON is a FeatureCollection (RFC 7946) of points, a line each, whose
// properties are Columns.
type geoJSON struct {
	w    *bufio.Writer
	more bool
}

func (g *geoJSON) begin() error {
	_, err := g.w.WriteString(`{"type":"FeatureCollection","features":[` + "\n")
	return err
}

func (g *geoJSON) device(*data.Device) error { return nil }
func (g *geoJSON) deviceEnd() error          { return nil }

func (g *geoJSON) position(d *data.Device, p *data.Position) error {
	type point struct {
		Type        string    `json:"type"`
		Coordinates []float64 `json:"coordinates"`
	}
	f := struct {
		Type       string `json:"type"`
		ID         int64  `json:"id"`
		Geometry   point  `json:"geometry"`
		Properties record `json:"properties"`
	}{"Feature", p.ID, point{"Point", []float64{p.Longitude, p.Latitude}}, recordOf(d, p)}
	if p.AltitudeM != 0 {
		f.Geometry.Coordinates = append(f.Geometry.Coordinates, p.AltitudeM)
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if g.more {
		g.w.WriteString(",\n")
	}
	g.more = true
	_, err = g.w.Write(b)
	return err
}

func (g *geoJSON) end() error {
	_, err := g.w.WriteString("\n]}\n")
	return err
}
