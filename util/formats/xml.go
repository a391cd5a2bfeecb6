package formats

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// escaped is a text for XML. Characters that XML cannot hold are replaced.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// maxGap is the pause after which a new segment of a track begins, so that maps
// draw no line over it.
const maxGap = 10 * time.Minute

// gpxFile is GPX 1.1 (topografix.com/GPX/1/1): a track per device. Speed and
// course stand in the extension that most programs read, Garmin's
// TrackPointExtension 2, in metres a second and degrees.
type gpxFile struct {
	out
	track, segment bool
	// last is the time of the segment's last point.
	last time.Time
}

func newGPX(w io.Writer) Writer {
	f := &gpxFile{out: newOut(w)}
	f.put(xmlHead + `<gpx version="1.1" creator="Waymark" xmlns="http://www.topografix.com/GPX/1/1"` +
		` xmlns:tpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">` + "\n")
	return f
}

func (f *gpxFile) Begin(d *data.Device) error {
	f.end()
	f.track = true
	f.put("<trk><name>" + escaped(d.Name) + "</name>\n")
	return f.failed()
}

// end ends the track, endSegment its segment.
func (f *gpxFile) end() {
	f.endSegment()
	if f.track {
		f.put("</trk>\n")
	}
	f.track = false
}

func (f *gpxFile) endSegment() {
	if f.segment {
		f.put("</trkseg>\n")
	}
	f.segment = false
}

func (f *gpxFile) Add(p *data.Position) error {
	if !HasPlace(p) {
		return nil
	}
	if p.FixTime.Sub(f.last) > maxGap {
		f.endSegment()
	}
	if !f.segment {
		f.put("<trkseg>\n")
	}
	f.segment, f.last = true, p.FixTime
	f.line = append(appendTrackPoint(f.line[:0], p), '\n')
	_, err := f.Write(f.line)
	return err
}

// appendTrackPoint leaves out what is 0: unknown.
func appendTrackPoint(b []byte, p *data.Position) []byte {
	b = append(b, `<trkpt lat="`...)
	b = appendNumber(b, p.Latitude)
	b = append(b, `" lon="`...)
	b = appendNumber(b, p.Longitude)
	b = append(b, `">`...)
	if p.AltitudeM != 0 {
		b = append(b, `<ele>`...)
		b = appendNumber(b, p.AltitudeM)
		b = append(b, `</ele>`...)
	}
	b = append(b, `<time>`...)
	b = p.FixTime.UTC().AppendFormat(b, timeLayout)
	b = append(b, `</time>`...)
	if p.SpeedKnots != 0 || p.CourseDeg != 0 {
		b = append(b, `<extensions><tpx:TrackPointExtension><tpx:speed>`...)
		b = appendNumber(b, converters.MpsFromKnots(p.SpeedKnots))
		b = append(b, `</tpx:speed><tpx:course>`...)
		b = appendNumber(b, p.CourseDeg)
		b = append(b, `</tpx:course></tpx:TrackPointExtension></extensions>`...)
	}
	return append(b, `</trkpt>`...)
}

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
	return f.failed()
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
	f.times = p.FixTime.UTC().AppendFormat(f.times, timeLayout)
	f.times = append(f.times, "</when>\n"...)
	b := append(f.places, "<gx:coord>"...)
	b = append(appendNumber(b, p.Longitude), ' ')
	b = append(appendNumber(b, p.Latitude), ' ')
	f.places = append(appendNumber(b, p.AltitudeM), "</gx:coord>\n"...)
	if f.count++; f.count >= kmlPart {
		f.part()
	}
	return f.failed()
}

// part writes the points gathered.
func (f *kmlFile) part() {
	if f.count == 0 {
		return
	}
	f.put("<gx:Track>\n")
	_, _ = f.Write(f.times) // the error stays, see failed
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
