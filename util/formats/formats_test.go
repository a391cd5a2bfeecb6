package formats

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// write writes n positions of each of two devices, one of them without a place.
func write(t *testing.T, name string, n int) []byte {
	t.Helper()
	f, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := f.New(&b)
	for _, d := range []data.Device{{ID: 1, Name: "Ann & <Bob> \x01\""}, {ID: 2, Name: "=1+1"}} {
		if err := w.Begin(&d); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			p := at(d.ID, i)
			p.Outdated = i == 1
			if err := w.Add(&p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func at(deviceID int64, i int) data.Position {
	when := time.Date(2026, 3, 1, 12, 0, i, 5e6, time.UTC)
	p := data.Position{
		ID: int64(i + 1), DeviceID: deviceID, Protocol: "gt06", FixTime: when, DeviceTime: when, ServerTime: when.Add(time.Second),
		Latitude: 52.5, Longitude: -13.25, AltitudeM: 34.5, SpeedKnots: 10, CourseDeg: 270, Valid: true,
	}
	p.Attributes.SetBool("motion", true)
	return p
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(write(t, "csv", 3))).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	want := []string{"1", "2", "'=1+1", "gt06", "2026-03-01T12:00:01.005Z", "2026-03-01T12:00:00.005Z", "2026-03-01T12:00:00.005Z", "true", "false",
		"52.5", "-13.25", "34.5", "10", "270", "0", `{"motion":true}`}
	if strings.Join(rows[4], "|") != strings.Join(want, "|") || len(rows[0]) != len(want) {
		t.Errorf("%q", rows[4])
	}
}

func TestJSONLines(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(write(t, "jsonl", 3))), "\n")
	for _, line := range lines {
		var p struct {
			DeviceID  int64
			Latitude  float64
			Longitude float64
		}
		if err := json.Unmarshal([]byte(line), &p); err != nil || p.DeviceID == 0 || p.Latitude != 52.5 || p.Longitude != -13.25 {
			t.Errorf("%v in %s", err, line)
		}
	}
	if len(lines) != 6 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestGPX(t *testing.T) {
	var g struct {
		Tracks []struct {
			Name   string `xml:"name"`
			Points []struct {
				Lat   float64   `xml:"lat,attr"`
				Lon   float64   `xml:"lon,attr"`
				Ele   float64   `xml:"ele"`
				Time  time.Time `xml:"time"`
				Speed float64   `xml:"extensions>TrackPointExtension>speed"`
			} `xml:"trkseg>trkpt"`
		} `xml:"trk"`
	}
	if err := xml.Unmarshal(write(t, "gpx", 3), &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Tracks) != 2 || len(g.Tracks[0].Points) != 2 || g.Tracks[0].Name != "Ann & <Bob> \uFFFD\"" {
		t.Fatalf("%+v", g)
	}
	p := g.Tracks[1].Points[1]
	if p.Lat != 52.5 || p.Lon != -13.25 || p.Ele != 34.5 || p.Speed != 5.14 || !p.Time.Equal(at(1, 2).FixTime) {
		t.Errorf("%+v", p)
	}
}

// kmlTracks are the times and places of each placemark.
type kmlTracks struct {
	Placemarks []struct {
		Name   string `xml:"name"`
		Tracks []struct {
			When  []string `xml:"when"`
			Coord []string `xml:"coord"`
		} `xml:"MultiTrack>Track"`
	} `xml:"Document>Placemark"`
}

func TestKML(t *testing.T) {
	const n = 2*kmlPart + 2 // one of them has no place
	raw := write(t, "kml", n)
	kmz := write(t, "kmz", n)
	z, err := zip.NewReader(bytes.NewReader(kmz), int64(len(kmz)))
	if err != nil || len(z.File) != 1 {
		t.Fatalf("%v", err)
	}
	r, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if unzipped, err := io.ReadAll(r); err != nil || !bytes.Equal(unzipped, raw) {
		t.Errorf("the kmz holds something else, %v", err)
	}
	var k kmlTracks
	if err := xml.Unmarshal(raw, &k); err != nil {
		t.Fatal(err)
	}
	for _, p := range k.Placemarks {
		points := 0
		for _, track := range p.Tracks {
			if len(track.When) != len(track.Coord) || len(track.When) > kmlPart {
				t.Errorf("%d times, %d places", len(track.When), len(track.Coord))
			}
			points += len(track.When)
			if track.Coord[0] != "-13.25 52.5 34.5" {
				t.Error(track.Coord[0])
			}
		}
		if points != n-1 {
			t.Errorf("%s has %d points", p.Name, points)
		}
	}
	if len(k.Placemarks) != 2 {
		t.Errorf("%d placemarks", len(k.Placemarks))
	}
}

func TestGeoJSON(t *testing.T) {
	var g struct {
		Type     string
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates []float64
			}
			Properties struct {
				Device     string
				Time       time.Time
				Attributes map[string]any
			}
		}
	}
	if err := json.Unmarshal(write(t, "geojson", 3), &g); err != nil || g.Type != "FeatureCollection" || len(g.Features) != 4 {
		t.Fatalf("%v %+v", err, g)
	}
	f := g.Features[3]
	if f.Geometry.Coordinates[0] != -13.25 || f.Geometry.Coordinates[1] != 52.5 || f.Properties.Device != "=1+1" || f.Properties.Attributes["motion"] != true {
		t.Errorf("%+v", f)
	}
}

// Every format is whole without a single device, and says so when nobody reads.
func TestEmptyAndBroken(t *testing.T) {
	if _, err := Named("shp"); !errors.Is(err, data.ErrInvalid) {
		t.Error(err)
	}
	for _, f := range All {
		var b bytes.Buffer
		if err := f.New(&b).Close(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		w := f.New(broken{})
		err := w.Begin(&data.Device{Name: "d"})
		for i := 0; err == nil && i < 1_000_000; i++ {
			p := at(1, i)
			err = w.Add(&p)
		}
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s goes on writing: %v", f.Name, err)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
