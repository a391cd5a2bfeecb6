package formats

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	// knotMS is a knot in metres per second (ISO 80000-3).
	knotMS = 1852.0 / 3600
)

// escaped is a text for XML. Characters that XML cannot hold are replaced.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// gpxFile is GPX 1.1 (topografix.com/GPX/1/1): a track per device. Speed and
// course stand in the extension that most programs read, Garmin's
// TrackPointExtension 2.
type gpxFile struct {
	out
	open bool
}

func newGPX(w io.Writer) Writer {
	f := &gpxFile{out: newOut(w)}
	f.put(xmlHead + `<gpx version="1.1" creator="Waymark" xmlns="http://www.topografix.com/GPX/1/1"` +
		` xmlns:tpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">` + "\n")
	return f
}

func (f *gpxFile) Begin(d *data.Device) error {
	f.end()
	f.open = true
	f.put("<trk><name>" + escaped(d.Name) + "</name><trkseg>\n")
	return f.flushed()
}

func (f *gpxFile) end() {
	if f.open {
		f.put("</trkseg></trk>\n")
	}
	f.open = false
}

func (f *gpxFile) Add(p *data.Position) error {
	if !HasPlace(p) {
		return nil
	}
	b := append(f.line[:0], `<trkpt lat="`...)
	b = appendNumber(b, p.Latitude)
	b = append(b, `" lon="`...)
	b = appendNumber(b, p.Longitude)
	b = append(b, `"><ele>`...)
	b = appendNumber(b, p.AltitudeM)
	b = append(b, `</ele><time>`...)
	b = p.FixTime.UTC().AppendFormat(b, csvTime)
	b = append(b, `</time><extensions><tpx:TrackPointExtension><tpx:speed>`...)
	b = strconv.AppendFloat(b, p.SpeedKnots*knotMS, 'f', 2, 64)
	b = append(b, `</tpx:speed><tpx:course>`...)
	b = appendNumber(b, p.CourseDeg)
	f.line = append(b, "</tpx:course></tpx:TrackPointExtension></extensions></trkpt>\n"...)
	_, err := f.Write(f.line)
	return err
}

func appendNumber(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }

func (f *gpxFile) Close() error {
	f.end()
	f.put("</gpx>\n")
	return f.Flush()
}

// kmlFile is KML 2.3 (OGC 12-007r2): a placemark per device with a gx:Track,
// which has the times, in parts: a part lists its times before its places.
type kmlFile struct {
	out
	open bool
	// times and places are those of the part that is being gathered.
	times, places []byte
	count         int
}

// kmlPart is how many points a part has.
const kmlPart = 500

func newKML(w io.Writer) Writer {
	f := &kmlFile{out: newOut(w)}
	f.put(xmlHead + `<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">` + "\n<Document><name>Waymark</name>\n")
	return f
}

func (f *kmlFile) Begin(d *data.Device) error {
	f.end()
	f.open = true
	f.put("<Placemark><name>" + escaped(d.Name) + "</name><gx:MultiTrack><gx:interpolate>1</gx:interpolate>\n")
	return f.flushed()
}

func (f *kmlFile) end() {
	f.part()
	if f.open {
		f.put("</gx:MultiTrack></Placemark>\n")
	}
	f.open = false
}

func (f *kmlFile) Add(p *data.Position) error {
	if !HasPlace(p) {
		return nil
	}
	f.times = append(f.times, "<when>"...)
	f.times = p.FixTime.UTC().AppendFormat(f.times, csvTime)
	f.times = append(f.times, "</when>\n"...)
	b := append(f.places, "<gx:coord>"...)
	b = append(appendNumber(b, p.Longitude), ' ')
	b = append(appendNumber(b, p.Latitude), ' ')
	f.places = append(appendNumber(b, p.AltitudeM), "</gx:coord>\n"...)
	if f.count++; f.count >= kmlPart {
		f.part()
	}
	return f.flushed()
}

// part writes the points gathered.
func (f *kmlFile) part() {
	if f.count == 0 {
		return
	}
	f.put("<gx:Track>\n")
	_, _ = f.Write(f.times) // the error stays, see flushed
	_, _ = f.Write(f.places)
	f.put("</gx:Track>\n")
	f.times, f.places, f.count = f.times[:0], f.places[:0], 0
}

func (f *kmlFile) Close() error {
	f.end()
	f.put("</Document></kml>\n")
	return f.Flush()
}

// kmzFile is a KML file in a zip archive.
type kmzFile struct {
	*kmlFile
	zip *zip.Writer
	err error
}

func newKMZ(w io.Writer) Writer {
	f := &kmzFile{zip: zip.NewWriter(w)}
	entry, err := f.zip.Create("doc.kml")
	if err != nil { // the archive's head could not be written
		f.err = fmt.Errorf("begin kmz: %w", err)
		entry = io.Discard
	}
	f.kmlFile = newKML(entry).(*kmlFile)
	return f
}

func (f *kmzFile) Begin(d *data.Device) error {
	if f.err != nil {
		return f.err
	}
	return f.kmlFile.Begin(d)
}

func (f *kmzFile) Close() error {
	if f.err != nil {
		return f.err
	}
	if err := f.kmlFile.Close(); err != nil {
		return err
	}
	return f.zip.Close()
}
