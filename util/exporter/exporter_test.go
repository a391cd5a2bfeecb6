package exporter

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const far = 1000 * time.Hour

// newStore returns a store with two devices and five positions.
func newStore(t *testing.T) (storage.Store, []data.Device) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	devices := []data.Device{{Name: "Van \"<1>\" & co,\x01 ü", UniqueID: "a"}, {Name: "Car", UniqueID: "b"}}
	for i := range devices {
		if err := s.CreateDevice(t.Context(), &devices[i]); err != nil {
			t.Fatal(err)
		}
	}
	position := func(device int, after time.Duration) data.Position {
		at := start.Add(after)
		return data.Position{DeviceID: devices[device].ID, Protocol: "gt06", ServerTime: at.Add(time.Second), DeviceTime: at, FixTime: at, Valid: true,
			Latitude: 52.5, Longitude: -13.25, AltitudeM: 34.5, SpeedKnots: 10, CourseDeg: 90, AccuracyM: 5}
	}
	all := []data.Position{position(0, 0), position(0, 1500*time.Millisecond), position(0, time.Hour), position(1, 0), position(1, time.Minute)}
	all[0].Attributes.SetBool("ignition", true)
	all[0].Attributes.SetString("text", "a,\"b\"\n")
	all[1].Network = &data.Network{CellTowers: []data.CellTower{{MCC: 262, CellID: 1}}}
	all[3].AltitudeM, all[3].SpeedKnots, all[3].CourseDeg = 0, 0, 0
	all[4].Outdated, all[4].FixTime = true, time.Time{}
	f := make([]uint64, len(all))
	for i := range all {
		f[i] = all[i].Fingerprint()
	}
	if err := s.InsertPositions(t.Context(), all, f); err != nil {
		t.Fatal(err)
	}
	return s, devices
}

func export(t *testing.T, s storage.Store, format string, devices []data.Device, from, to time.Time) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := Export(t.Context(), s, format, devices, from, to, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCSV(t *testing.T) {
	s, devices := newStore(t)
	rows, err := csv.NewReader(strings.NewReader(export(t, s, "csv", devices, start, start.Add(far)))).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	want := []string{"1", "a", devices[0].Name, "4294967297", "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:01.000Z", "true", "false",
		"52.5", "-13.25", "34.5", "18.52", "90", "5", "gt06", `{"ignition":true,"text":"a,\"b\"\u000a"}`, ""}
	for i, name := range rows[0] {
		if name != Columns[i] || rows[1][i] != want[i] {
			t.Errorf("column %s is %q, want %q", name, rows[1][i], want[i])
		}
	}
	if rows[2][17] == "" || rows[5][4] != "" || rows[5][8] != "true" {
		t.Errorf("rows %q, %q", rows[2], rows[5])
	}
}

func TestJSONLines(t *testing.T) {
	s, devices := newStore(t)
	lines := strings.Split(strings.TrimSpace(export(t, s, "jsonl", devices[:1], start, start.Add(time.Hour-1))), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &keys); err != nil {
		t.Fatal(err)
	}
	for _, name := range Columns {
		if _, ok := keys[name]; !ok {
			t.Errorf("no key %s", name)
		}
	}
	if len(keys) != len(Columns) || keys["network"] != nil || keys["attributes"].(map[string]any)["ignition"] != true || keys["speed_kmh"] != 18.52 {
		t.Errorf("line %v", keys)
	}
}

// TestTracks imports what was exported: the same places at the same times.
func TestTracks(t *testing.T) {
	s, devices := newStore(t)
	for _, format := range []string{"gpx", "geojson"} {
		text := export(t, s, format, devices[:1], start, start.Add(far))
		if format == "gpx" && strings.Count(text, "<trkseg>") != 2 {
			t.Errorf("gpx: a pause of an hour does not begin a new segment:\n%s", text)
		}
		if format == "geojson" && !json.Valid([]byte(text)) {
			t.Errorf("geojson: %s", text)
		}
		to := data.Device{Name: format, UniqueID: format}
		if err := s.CreateDevice(t.Context(), &to); err != nil {
			t.Fatal(err)
		}
		w := importer.NewWriter(s, func() time.Time { return start.Add(far) })
		if err := importer.Read(t.Context(), format, format, strings.NewReader(text), to.ID, w); err != nil || w.Summary().Stored != 3 {
			t.Fatalf("%s: %+v, %v\n%s", format, w.Summary(), err, text)
		}
		var was, is []data.Position
		for id, list := range map[int64]*[]data.Position{devices[0].ID: &was, to.ID: &is} {
			if err := s.PositionsBetween(t.Context(), id, start, start.Add(far), 100, func(p *data.Position) error { *list = append(*list, *p); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		for i := range was {
			a, b := was[i], is[i]
			if a.FixTime != b.FixTime || a.Latitude != b.Latitude || a.Longitude != b.Longitude || a.AltitudeM != b.AltitudeM || math.Abs(a.SpeedKnots-b.SpeedKnots) > 1e-9 || a.CourseDeg != b.CourseDeg {
				t.Errorf("%s: position %+v became %+v", format, a, b)
			}
		}
	}
}

func TestEmpty(t *testing.T) {
	s, devices := newStore(t)
	for _, format := range Formats {
		text := export(t, s, format, devices, start.Add(far), start.Add(2*far))
		if format == "geojson" && !json.Valid([]byte(text)) || format == "gpx" && !strings.HasSuffix(text, "</gpx>\n") {
			t.Errorf("%s: %s", format, text)
		}
	}
	if _, err := Export(t.Context(), s, "kml", devices, start, start, io.Discard); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("an unknown format: %v", err)
	}
}

// full is a disk that takes so many bytes.
type full struct{ left int }

var errFull = errors.New("disk full")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// partly is a store in which something of the first device cannot be read.
type partly struct {
	storage.Store
	first int64
}

func (p partly) PositionsBetween(ctx context.Context, id int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	err := p.Store.PositionsBetween(ctx, id, from, to, limit, each)
	if id == p.first {
		err = errors.Join(err, block.ErrCorrupt)
	}
	return err
}

func TestTrouble(t *testing.T) {
	s, devices := newStore(t)
	for _, format := range Formats {
		if _, err := Export(t.Context(), s, format, devices, start, start.Add(far), &full{100}); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", format, err)
		}
		n, err := Export(t.Context(), partly{s, devices[0].ID}, format, devices, start, start.Add(far), io.Discard)
		if !errors.Is(err, block.ErrCorrupt) || n.Positions != 5 || n.Devices != 2 {
			t.Errorf("%s of a damaged store: %+v, %v", format, n, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Export(ctx, s, "csv", devices, start, start.Add(far), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}
