package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

func clock() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// newStore returns a store with one device.
func newStore(t testing.TB) (storage.Store, int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := data.Device{Name: "phone", UniqueID: "phone"}
	if err := s.CreateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	return s, d.ID
}

func stored(t testing.TB, s storage.Store, device int64) []data.Position {
	t.Helper()
	var all []data.Position
	err := s.PositionsBetween(t.Context(), device, time.Time{}, clock(), math.MaxInt32, func(p *data.Position) error {
		all = append(all, *p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func skips(s *Summary) map[string]int64 {
	out := map[string]int64{}
	for reason, k := range s.Skipped {
		out[reason] = k.Count
	}
	return out
}

// TestFiles imports each file of testdata twice. What is expected stands in a
// file beside it: a position on each line, then what was skipped.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		t.Run(file, func(t *testing.T) {
			s, device := newStore(t)
			format := filepath.Base(filepath.Dir(file))
			first, second := NewWriter(s, clock), NewWriter(s, clock)
			if err := ReadFile(t.Context(), format, file, device, first); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, p := range stored(t, s, device) {
				if p.Protocol != format || !p.Valid || !p.ServerTime.Equal(p.FixTime) {
					t.Errorf("position %+v", p)
				}
				fmt.Fprintf(&got, "%s %.6f %.6f alt %.1f speed %.3f course %.1f accuracy %.1f %s\n", p.FixTime.Format(time.RFC3339Nano),
					p.Latitude, p.Longitude, p.AltitudeM, p.SpeedKnots, p.CourseDeg, p.AccuracyM, p.Attributes.AppendJSON(nil))
			}
			for _, reason := range slices.Sorted(maps.Keys(first.Summary().Skipped)) {
				k := first.Summary().Skipped[reason]
				fmt.Fprintf(&got, "skipped %d: %s (%s)\n", k.Count, reason, k.Where)
			}
			want, _ := os.ReadFile(file + ".want")
			if got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
			if err := ReadFile(t.Context(), format, file, device, second); err != nil {
				t.Fatal(err)
			}
			if a, b := first.Summary(), second.Summary(); b.Stored != 0 || b.Known != a.Stored+a.Known || b.Read != a.Read {
				t.Errorf("the second time %+v, the first time %+v", b, a)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	big := strings.Repeat("x", 2<<20)
	for _, test := range []struct{ format, text, want string }{
		{"gpx", "", "not a GPX file"},
		{"gpx", "<html></html>", "begins with <html>"},
		{"gpx", "<gpx>\n<trk>\n<trkseg></trk>", "line 3"},
		{"gpx", "<gpx>\n<trk>", "line 2"},
		{"gpx", "<gpx><name>" + big + "</name></gpx>", "too large"},
		{"gpx", "<gpx>" + strings.Repeat("<a>", 100), "nested"},
		{"gpx", `<?xml version="1.0" encoding="utf-7"?><gpx/>`, "save the file as UTF-8"},
		{"geojson", "", "empty"},
		{"geojson", "{}", "not GeoJSON"},
		{"geojson", "12", "an object or a list"},
		{"geojson", `{"type":"FeatureCollection","features":[{"type":"Feature"`, "ends in the middle"},
		{"geojson", `{"features":[{"type":"Feature","geometry":{"type":"Point","coordinates":"x"}}]}`, "byte 13"},
		{"geojson", `{"type":"LineString","coordinates":[[1,2],[3,4]]} x`, "byte"},
		{"geojson", `{"features":{"a":1}}`, "not a list"},
		{"geojson", `{"type":"Feature","properties":{"times":["2020-01-01T00:00:00Z"]},"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]}}`, "2 points and 1 times"},
		{"owntracks", "hello", "line 1"},
		{"owntracks", "2020-01-01T00:00:00Z\t*\t{}\n" + big, "line 2"},
		{"google", `{"a":1}`, "nothing in the file"},
		{"google", `[]`, "nothing in the file"},
		{"google", `{"locations":[{"accuracy":"x"}]}`, "byte 14"},
		{"google", "PK\x03\x04", "zip"},
		{"gpx", "\xff\xfe<\x00", "UTF-16"},
		{"kml", "", "not one of"},
	} {
		err := Read(t.Context(), test.format, "f", strings.NewReader(test.text), 1, NewWriter(nil, clock))
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %.40q: %v, want %q", test.format, test.text, err, test.want)
		}
	}
}

func TestCompressed(t *testing.T) {
	s, device := newStore(t)
	plain, err := os.ReadFile("testdata/gpx/walk.gpx")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(plain)
	z.Close()
	w := NewWriter(s, clock)
	if err := Read(t.Context(), "gpx", "walk.gpx.gz", bytes.NewReader(packed.Bytes()), device, w); err != nil || w.Summary().Stored == 0 {
		t.Fatalf("%+v, %v", w.Summary(), err)
	}
	cut := NewWriter(s, clock)
	if err := Read(t.Context(), "gpx", "cut.gz", bytes.NewReader(packed.Bytes()[:packed.Len()-9]), device, cut); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that was cut off: %v", err)
	}
}

// points writes a GPX file of n points, a second apart.
func points(w io.Writer, n int) {
	fmt.Fprint(w, "<gpx><trk><trkseg>")
	start := at("2025-01-01T00:00:00Z")
	for i := range n {
		fmt.Fprintf(w, `<trkpt lat="%.6f" lon="10"><time>%s</time></trkpt>`, 50+float64(i)/1e5, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
	}
	fmt.Fprint(w, "</trkseg></trk></gpx>")
}

// What was read before an error, or before the import was ended, is stored; the
// next import adds the rest.
func TestImportGoesOn(t *testing.T) {
	const n = 2500
	s, device := newStore(t)
	var file bytes.Buffer
	points(&file, n)
	half := io.MultiReader(bytes.NewReader(file.Bytes()[:file.Len()/2]), iotestError{})
	w := NewWriter(s, clock)
	if err := Read(t.Context(), "gpx", "f", half, device, w); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	before := w.Summary().Stored
	if before < n/2-2 || before > n/2+2 {
		t.Errorf("%d of %d stored before the error", before, n)
	}
	calls := 0
	w = NewWriter(s, clock)
	w.Progress = func(*Summary) { calls++ }
	if err := Read(t.Context(), "gpx", "f", &file, device, w); err != nil {
		t.Fatal(err)
	}
	if sum := w.Summary(); sum.Stored != n-before || sum.Known != before || calls != 3 || sum.First != at("2025-01-01T00:00:00Z") {
		t.Errorf("%+v with %d calls of progress", sum, calls)
	}
	if all := stored(t, s, device); len(all) != n {
		t.Errorf("%d positions stored, want %d", len(all), n)
	}
}

var errDisk = errors.New("the disk is broken")

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errDisk }

func TestImportEnds(t *testing.T) {
	s, device := newStore(t)
	var file bytes.Buffer
	points(&file, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, "gpx", "f", &file, device, NewWriter(s, clock)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWrongPositions(t *testing.T) {
	s, device := newStore(t)
	w := NewWriter(s, clock)
	good := data.Position{DeviceID: device, FixTime: clock().Add(-time.Hour), AltitudeM: math.Inf(1)}
	for _, change := range []func(*data.Position){
		func(p *data.Position) {},
		func(p *data.Position) { p.FixTime = time.Time{} },
		func(p *data.Position) { p.FixTime = time.Unix(0, 0) },
		func(p *data.Position) { p.FixTime = clock().Add(48 * time.Hour) },
		func(p *data.Position) { p.Latitude = 90.1 },
		func(p *data.Position) { p.Longitude = math.NaN() },
	} {
		p := good
		change(&p)
		if err := w.Add(t.Context(), p, "here"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"no time": 1, "a time before there was GPS": 1, "a time in the future": 1, "a place that is not on earth": 2}
	if got := skips(w.Summary()); !maps.Equal(got, want) || w.Summary().Stored != 1 || w.Summary().Read != 6 {
		t.Errorf("%+v, skipped %v", w.Summary(), got)
	}
}

// memory takes all that can be stored.
type memory struct{ t testing.TB }

func (m memory) InsertPositions(_ context.Context, positions []data.Position, fingerprints []uint64, _ storage.Fold) error {
	for i := range positions {
		p := &positions[i]
		if p.FixTime.IsZero() || math.Abs(p.Latitude) > 90 || p.SpeedKnots-p.SpeedKnots != 0 || !slices.IsSortedFunc(positions, func(a, b data.Position) int { return a.FixTime.Compare(b.FixTime) }) {
			m.t.Errorf("a position that cannot be stored: %+v", p)
		}
		p.ID = 1
	}
	if len(fingerprints) != len(positions) {
		m.t.Errorf("%d positions, %d fingerprints", len(positions), len(fingerprints))
	}
	return nil
}

func fuzz(f *testing.F, format string) {
	files, _ := filepath.Glob("testdata/" + format + "/*")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".want") {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := NewWriter(memory{t}, clock)
		err := Read(t.Context(), format, "f", bytes.NewReader(b), 1, w)
		s := w.Summary()
		skipped := int64(0)
		for _, k := range s.Skipped {
			skipped += k.Count
		}
		if s.Read != s.Stored+s.Known+skipped {
			t.Errorf("%+v, %d skipped, %v", s, skipped, err)
		}
	})
}

func FuzzGPX(f *testing.F)       { fuzz(f, "gpx") }
func FuzzGeoJSON(f *testing.F)   { fuzz(f, "geojson") }
func FuzzOwnTracks(f *testing.F) { fuzz(f, "owntracks") }
func FuzzGoogle(f *testing.F)    { fuzz(f, "google") }
