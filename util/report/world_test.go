package report

import (
	"encoding/json"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// world is a store in which devices drive, with what their reports mean.
type world struct {
	t      *testing.T
	store  storage.Store
	maker  *Maker
	folder *derive.Folder
	places map[int64]float64 // degrees north of the start
	now    time.Time
}

// onStores runs a test on both databases.
func onStores(t *testing.T, run func(t *testing.T, w *world)) {
	log := slog.New(slog.DiscardHandler)
	t.Run("sqlite", func(t *testing.T) {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), log)
		run(t, newWorld(t, s, err))
	})
	t.Run("postgres", func(t *testing.T) {
		s, err := postgres.Open(t.Context(), pgtest.Open(t), log)
		run(t, newWorld(t, s, err))
	})
}

func newWorld(t *testing.T, s storage.Store, err error) *world {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{
		t: t, store: s, places: map[int64]float64{},
		now: time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC),
	}
	w.maker = &Maker{
		Store: s, Now: func() time.Time { return w.now },
	}
	log := slog.New(slog.DiscardHandler)
	settings := fleet.New(s, log, w.maker.Now)
	w.folder, w.maker.Fleet = derive.NewFolder(s, settings, log), settings
	return w
}

func (w *world) device(name string, attributes ...string) data.Device {
	w.t.Helper()
	d := data.Device{Name: name, UniqueID: name, Attributes: map[string]any{}}
	for i := 0; i+1 < len(attributes); i += 2 {
		d.Attributes[attributes[i]] = attributes[i+1]
	}
	if err := w.store.CreateDevice(w.t.Context(), &d); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// leg is how a device goes on: so fast for so long, with a report so often.
type leg struct {
	kmh        float64
	For, every time.Duration
}

// drive stores the reports of legs, with what they mean, and returns when the last
// one was.
func (w *world) drive(d data.Device, at time.Time, legs ...leg) time.Time {
	w.t.Helper()
	var all []data.Position
	for _, l := range legs {
		for end := at.Add(l.For); at.Before(end); {
			at = at.Add(l.every)
			w.places[d.ID] += l.kmh / 3.6 * l.every.Seconds() / 111_195
			p := data.Position{
				DeviceID: d.ID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true,
				Latitude: 50 + w.places[d.ID], Longitude: 10, SpeedKnots: l.kmh / 1.852,
			}
			p.Attributes.SetBool("ignition", l.kmh > 0)
			all = append(all, p)
		}
	}
	w.insert(all)
	return at
}

func (w *world) insert(all []data.Position) {
	w.t.Helper()
	for len(all) > 0 {
		part := all[:min(len(all), 2000)]
		all = all[len(part):]
		prints := make([]uint64, len(part))
		for i := range part {
			prints[i] = part[i].Fingerprint()
		}
		if err := w.store.InsertPositions(w.t.Context(), part, prints, w.folder.Fold); err != nil {
			w.t.Fatal(err)
		}
	}
}

// rows makes a report as JSON.
func (w *world) rows(name string, ask Ask) []map[string]any {
	w.t.Helper()
	r, err := Named(name)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range ask.Devices { // as one who asks has just read them
		if ask.Devices[i], err = w.store.Device(w.t.Context(), ask.Devices[i].ID); err != nil {
			w.t.Fatal(err)
		}
	}
	var out []map[string]any
	err = w.maker.Rows(w.t.Context(), r, ask, func(row *Row) error {
		if len(row.Values) != len(r.Columns) {
			w.t.Fatalf("%s: %d values in %d columns", name, len(row.Values), len(r.Columns))
		}
		var m map[string]any
		if err := json.Unmarshal(row.AppendJSON(nil, r.Columns), &m); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	})
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

func (w *world) near(what string, have any, want, tolerance float64) {
	w.t.Helper()
	n, ok := have.(float64)
	if !ok || math.Abs(n-want) > tolerance {
		w.t.Errorf("%s is %v, want %v within %v", what, have, want, tolerance)
	}
}

// moments is a time of a row.
func moments(t *testing.T, v any) time.Time {
	t.Helper()
	s, _ := v.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000-07:00", s)
	if err != nil {
		t.Fatalf("%v is no time of the API", v)
	}
	return at
}
