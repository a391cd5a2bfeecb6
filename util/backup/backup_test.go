package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/open"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

var quiet = slog.New(slog.DiscardHandler)

func options() Options {
	return Options{Log: quiet, Version: "test", Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }}
}

// places are the back ends: a function that makes an empty place in each.
var places = map[string]func(t *testing.T) Place{
	"sqlite":   func(t *testing.T) Place { return Place{Path: filepath.Join(t.TempDir(), sqlite.FileName)} },
	"postgres": func(t *testing.T) Place { return Place{URL: pgtest.Open(t)} },
}

type store interface {
	storage.Store
	Compact(ctx context.Context) error
}

func openStore(t testing.TB, p Place) store {
	t.Helper()
	url, dir := p.URL, ""
	if url == "" {
		url = "sqlite://" + p.Path
	}
	s, err := open.Store(t.Context(), url, dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(store)
}

var start = time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)

// report is the n-th position of a device, ten minutes apart.
func report(device int64, n int) data.Position {
	at := start.Add(time.Duration(n) * 10 * time.Minute)
	p := data.Position{
		DeviceID: device, Protocol: "gt06", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true,
		Latitude: 50 + float64(n)/1e4, Longitude: 10, SpeedKnots: 3,
	}
	p.Attributes.SetInt("n", int64(n))
	return p
}

func insert(t testing.TB, s store, positions ...data.Position) {
	t.Helper()
	f := make([]uint64, len(positions))
	for i := range positions {
		f[i] = positions[i].Fingerprint()
	}
	if err := s.InsertPositions(t.Context(), positions, f, nil); err != nil {
		t.Fatal(err)
	}
}

func positions(t testing.TB, s store, device int64) []data.Position {
	t.Helper()
	var all []data.Position
	err := s.PositionsBetween(t.Context(), device, time.Time{}, start.AddDate(10, 0, 0), math.MaxInt32, func(p *data.Position) error {
		all = append(all, *p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// fill makes devices with history over two months, some of it compacted, and the
// rest of what a store keeps.
func fill(t *testing.T, s store) []data.Device {
	t.Helper()
	var devices []data.Device
	for i := range 3 {
		d := data.Device{Name: fmt.Sprint("car ", i), UniqueID: fmt.Sprint(i), Attributes: map[string]any{"tab": "a\tb\\n\nü"}}
		if err := s.CreateDevice(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		devices = append(devices, d)
		for n := 0; n < 2000; n += 500 {
			var batch []data.Position
			for k := range 500 {
				batch = append(batch, report(d.ID, n+k))
			}
			insert(t, s, batch...)
			if n == 1000 && i == 1 {
				if err := s.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	u := data.User{Name: "Ann", Email: "ann@example.org", PasswordHash: "x", DeviceLimit: data.NoLimit}
	g := data.Group{Name: "fleet"}
	if err := errors.Join(s.CreateUser(t.Context(), &u), s.CreateObject(t.Context(), &g)); err != nil {
		t.Fatal(err)
	}
	devices[0].GroupID = g.ID
	m := data.Media{DeviceID: devices[0].ID, Name: "photo", Type: "image/png", Content: []byte{0, 1, 2, '\\', '\n', 255}}
	if err := errors.Join(s.UpdateDevice(t.Context(), &devices[0]), s.PutMedia(t.Context(), &m),
		s.AddLinks(t.Context(), data.UserDevice(u.ID, devices[1].ID))); err != nil {
		t.Fatal(err)
	}
	return devices
}

func check(t *testing.T, p Place) []string {
	t.Helper()
	var problems []string
	if err := Check(t.Context(), p, quiet, func(s string) { problems = append(problems, s) }); err != nil {
		t.Fatal(err)
	}
	return problems
}

// TestRoundTrip backs up while devices report, the history is compacted and
// something is deleted, and restores: what was stored before the backup is
// there, what came meanwhile is a beginning of what was reported.
func TestRoundTrip(t *testing.T) {
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			from, to := empty(t), empty(t)
			s := openStore(t, from)
			devices := fill(t, s)
			ctx, stop := context.WithCancel(t.Context())
			var work sync.WaitGroup
			for _, d := range devices {
				work.Go(func() {
					for n := 2000; ctx.Err() == nil; n++ {
						insert(t, s, report(d.ID, n), report(d.ID, n)) // one of them twice
					}
				})
			}
			work.Go(func() {
				if err := s.Compact(t.Context()); err != nil {
					t.Error(err)
				}
			})
			file := filepath.Join(t.TempDir(), "backup")
			o := options()
			o.Progress = func(string, int64) { // somebody else leads: it does nothing
				if err := s.Compact(t.Context()); err != nil {
					t.Error(err)
				}
			}
			m, err := Create(t.Context(), from, file, o)
			if err != nil {
				t.Fatal(err)
			}
			stop()
			work.Wait()
			if m.Counts["devices"] != 3 || m.Counts["users"] != 1 || m.Kind != name {
				t.Errorf("manifest %+v", m)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("file %v, %v", info.Mode(), err)
			}
			if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
				t.Errorf("left beside the file: %v", left)
			}
			if _, err := Restore(t.Context(), file, to, options()); err != nil {
				t.Fatal(err)
			}
			if problems := check(t, to); len(problems) > 0 {
				t.Errorf("check of what was restored: %q", problems)
			}
			r := openStore(t, to)
			for _, d := range devices {
				was, is := positions(t, s, d.ID), positions(t, r, d.ID)
				if len(is) < 2000 || len(was) < 2001 || len(is) > len(was) || !reflect.DeepEqual(is, was[:len(is)]) {
					t.Errorf("device %d: %d positions restored, %d there", d.ID, len(is), len(was))
				}
				got, err := r.Device(t.Context(), d.ID)
				last := is[len(is)-1]
				if err != nil || got.PositionID != last.ID || got.Name != d.Name || got.GroupID != d.GroupID || !reflect.DeepEqual(got.Attributes, d.Attributes) {
					t.Errorf("device %+v, %v, want position %d", got, err, last.ID)
				}
				// It goes on where it was: nothing twice, no number twice.
				insert(t, r, is[len(is)-1], report(d.ID, len(is)))
				again := positions(t, r, d.ID)
				if len(again) != len(is)+1 || again[len(is)].ID == last.ID {
					t.Errorf("after one more report %d positions, %d before", len(again), len(is))
				}
			}
			if media, err := r.Media(t.Context(), devices[0].ID, "photo"); err != nil || !slices.Equal(media.Content, []byte{0, 1, 2, '\\', '\n', 255}) {
				t.Errorf("media %v, %v", media, err)
			}
			if links, err := r.ListLinks(t.Context(), storage.LinkFilter{Owner: data.UserKind}); err != nil || len(links) != 1 {
				t.Errorf("links %v, %v", links, err)
			}
			more := data.Device{Name: "new", UniqueID: "new"}
			if err := r.CreateDevice(t.Context(), &more); err != nil || more.ID <= devices[2].ID {
				t.Errorf("a new device: %d, %v", more.ID, err)
			}
			if err := r.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if problems := check(t, to); len(problems) > 0 {
				t.Errorf("check after compaction: %q", problems)
			}
		})
	}
}

// small is a place with a little in it, and its backup.
func small(t *testing.T, empty func(*testing.T) Place) (Place, string) {
	t.Helper()
	from := empty(t)
	s := openStore(t, from)
	d := data.Device{Name: "car", UniqueID: "car"}
	if err := s.CreateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		insert(t, s, report(d.ID, n))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, s, report(d.ID, 20))
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := Create(t.Context(), from, file, options()); err != nil {
		t.Fatal(err)
	}
	return from, file
}

func TestRestoreRefuses(t *testing.T) {
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			from, file := small(t, empty)
			if _, err := Restore(t.Context(), file, from, options()); !errors.Is(err, data.ErrConflict) {
				t.Errorf("restore over what is there: %v", err)
			}
			if _, err := Create(t.Context(), from, file, options()); !errors.Is(err, data.ErrConflict) {
				t.Errorf("backup over a file: %v", err)
			}
			other := places["sqlite"]
			if name == "sqlite" {
				other = places["postgres"]
			}
			if _, err := Restore(t.Context(), file, other(t), options()); !errors.Is(err, data.ErrConflict) {
				t.Errorf("restore to another kind: %v", err)
			}
			good, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for what, bad := range map[string][]byte{
				"cut off":    good[:len(good)*2/3],
				"changed":    append(append(slices.Clone(good[:len(good)/2]), good[len(good)/2]^0x10), good[len(good)/2+1:]...),
				"empty":      nil,
				"else":       []byte(strings.Repeat("not a backup ", 100)),
				"end absent": good[:len(good)-5],
			} {
				path, to := filepath.Join(t.TempDir(), "bad"), empty(t)
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := Restore(t.Context(), path, to, options()); !errors.Is(err, data.ErrInvalid) {
					t.Errorf("a file that is %s: %v", what, err)
				}
				if to.Path != "" {
					if left, _ := os.ReadDir(filepath.Dir(to.Path)); len(left) > 0 {
						t.Errorf("a file that is %s: left behind %v", what, left)
					}
				}
			}
		})
	}
}

func TestRestoreForce(t *testing.T) {
	at, file := small(t, places["sqlite"])
	o := options()
	o.Force = true
	if _, err := Restore(t.Context(), file, at, o); err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(filepath.Dir(at.Path), "replaced-20260301-120000")
	for _, name := range []string{"waymark.db", "recent.db", "history/2026-01.db"} {
		if _, err := os.Stat(filepath.Join(aside, name)); err != nil {
			t.Error(err)
		}
	}
	if problems := check(t, at); len(problems) > 0 {
		t.Error(problems)
	}
}

// Whoever ends a backup or a restore leaves nothing behind.
func TestCancelled(t *testing.T) {
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			from, file := small(t, empty)
			dir := t.TempDir()
			for _, when := range []string{"before", "in the middle"} {
				ctx, cancel := context.WithCancel(t.Context())
				o := options()
				o.Progress = func(string, int64) { cancel() }
				if when == "before" {
					cancel()
				}
				to := empty(t)
				if _, err := Create(ctx, from, filepath.Join(dir, "new"), o); !errors.Is(err, context.Canceled) {
					t.Errorf("%s: backup: %v", when, err)
				}
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Errorf("%s: backup left %v", when, left)
				}
				ctx, cancel = context.WithCancel(t.Context())
				if when == "before" {
					cancel()
				}
				if _, err := Restore(ctx, file, to, o); !errors.Is(err, context.Canceled) && when == "before" {
					t.Errorf("%s: restore: %v", when, err)
				}
				cancel()
			}
		})
	}
}

func TestNothingThere(t *testing.T) {
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "backup")
			if _, err := Create(t.Context(), empty(t), file, options()); !errors.Is(err, data.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("backup: %v", err)
			}
			if err := Check(t.Context(), empty(t), quiet, func(string) {}); err == nil {
				t.Error("the check of nothing finds no problem")
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("a backup of nothing was written")
			}
		})
	}
}

// FuzzVerify feeds files that are not what Create wrote.
func FuzzVerify(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	a, err := newArchive(filepath.Join(f.TempDir(), "a"), options())
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(a.member("waymark.db", 3, strings.NewReader("abc")), a.close(true)); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(a.f.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Verify(t.Context(), file)
		if (m == nil) == (err == nil) {
			t.Errorf("%+v with %v", m, err)
		}
	})
}
