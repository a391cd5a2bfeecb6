package formats

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
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
	for _, d := range []data.Device{{ID: 1, UniqueID: "a", Name: "Ann & <Bob> \x01\""}, {ID: 2, UniqueID: "=b", Name: "=1+1"}} {
		if err := w.Begin(&d); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			p := at(d.ID, i)
			p.Outdated = i == 1
			if i == 2 {
				p.Network = &data.Network{CellTowers: []data.CellTower{{MCC: 262, CellID: 1}}}
			}
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
		Latitude: 52.5, Longitude: -13.25, AltitudeM: 34.5, SpeedKnots: 10, CourseDeg: 270, AccuracyM: 5, Valid: true,
	}
	p.Attributes.SetBool("motion", true)
	p.Attributes.SetString("text", "a,\"b\"\n")
	return p
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(write(t, "csv", 3))).ReadAll()
	if err != nil || len(rows) != 7 || !slices.Equal(rows[0], Columns) {
		t.Fatalf("%d rows, %v: %q", len(rows), err, rows[0])
	}
	want := []string{
		"2", "'=b", "'=1+1", "1", "2026-03-01T12:00:00.005Z", "2026-03-01T12:00:00.005Z", "2026-03-01T12:00:01.005Z", "true", "false",
		"52.5", "-13.25", "34.5", "18.52", "270", "5", "gt06", `{"motion":true,"text":"a,\"b\"\u000a"}`, "",
	}
	for i, name := range Columns {
		if rows[4][i] != want[i] {
			t.Errorf("column %s is %q, want %q", name, rows[4][i], want[i])
		}
	}
	if rows[5][8] != "true" || !strings.Contains(rows[6][17], `"cellId":1`) {
		t.Errorf("rows %q, %q", rows[5], rows[6])
	}
}

func TestJSONLines(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(write(t, "jsonl", 3))), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines", len(lines))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[3]), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range Columns {
		if _, ok := got[name]; !ok {
			t.Errorf("no key %s", name)
		}
	}
	if len(got) != len(Columns) || got["unique_id"] != "=b" || got["device_name"] != "=1+1" || got["fix_time"] != "2026-03-01T12:00:00.005Z" ||
		got["speed_kmh"] != 18.52 || got["network"] != nil || got["attributes"].(map[string]any)["motion"] != true {
		t.Error(lines[3])
	}
	// What is unknown is null.
	var b bytes.Buffer
	w := newJSONLines(&b)
	if err := errors.Join(w.Begin(&data.Device{}), w.Add(&data.Position{}), w.Close()); err != nil || !strings.Contains(b.String(), `"fix_time":null`) {
		t.Errorf("%v, %s", err, &b)
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
	if p.Lat != 52.5 || p.Lon != -13.25 || p.Ele != 34.5 || math.Abs(p.Speed-10*1852./3600) > 1e-9 || !p.Time.Equal(at(1, 2).FixTime) {
		t.Errorf("%+v", p)
	}
}

// A pause ends a segment, so that maps draw no line over it; what is unknown is
// left out.
func TestGPXSegments(t *testing.T) {
	var b bytes.Buffer
	w := newGPX(&b)
	err := w.Begin(&data.Device{Name: "d"})
	for _, i := range []int{0, 600, 1201, 1202} {
		p := at(1, i)
		p.AltitudeM, p.SpeedKnots, p.CourseDeg = 0, 0, 0
		err = errors.Join(err, w.Add(&p))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	segments := strings.Split(b.String(), "<trkseg>")
	if len(segments) != 3 || strings.Count(segments[1], "<trkpt") != 2 || strings.Count(segments[2], "<trkpt") != 2 ||
		strings.Contains(b.String(), "<ele>") || strings.Contains(b.String(), "speed") {
		t.Error(b.String())
	}
}

// TestImport reads what was written: the same places at the same times.
func TestImport(t *testing.T) {
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, format := range []string{"gpx", "geojson"} {
		d := data.Device{Name: format, UniqueID: format}
		if err := s.CreateDevice(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		in := importer.NewWriter(s, func() time.Time { return at(1, 0).FixTime.Add(time.Hour) })
		if err := importer.Read(t.Context(), format, format, bytes.NewReader(write(t, format, 1)), d.ID, in); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		var got []data.Position
		want := at(1, 0)
		err := s.PositionsBetween(t.Context(), d.ID, want.FixTime, want.FixTime, 9, func(p *data.Position) error { got = append(got, *p); return nil })
		if err != nil || len(got) == 0 {
			t.Fatalf("%s: %d positions, %v", format, len(got), err)
		}
		if p := got[0]; p.Latitude != want.Latitude || p.Longitude != want.Longitude || p.AltitudeM != want.AltitudeM ||
			math.Abs(p.SpeedKnots-want.SpeedKnots) > 1e-9 || p.CourseDeg != want.CourseDeg {
			t.Errorf("%s: %+v became %+v", format, want, p)
		}
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
			ID       int64
			Geometry struct {
				Type        string
				Coordinates []float64
			}
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(write(t, "geojson", 3), &g); err != nil || g.Type != "FeatureCollection" || len(g.Features) != 4 {
		t.Fatalf("%v %+v", err, g)
	}
	f := g.Features[3]
	if f.ID != 3 || f.Geometry.Type != "Point" || !slices.Equal(f.Geometry.Coordinates, []float64{-13.25, 52.5, 34.5}) ||
		len(f.Properties) != len(Columns) || f.Properties["device_name"] != "=1+1" || f.Properties["speed_kmh"] != 18.52 {
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
