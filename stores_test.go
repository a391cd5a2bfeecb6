package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// tool runs a command and returns what it prints.
func tool(t *testing.T, c *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(io.Discard)
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

const track = `<gpx><trk><trkseg><trkpt lat="52.5" lon="13.4"><time>2025-05-01T06:00:01Z</time></trkpt>
<trkpt lat="52.6" lon="13.4"><time>2025-05-01T06:00:02Z</time></trkpt><trkpt lat="52.6" lon="13.4"></trkpt></trkseg></trk></gpx>`

// TestStoreTools goes the whole way: import, export, back up, restore, check.
func TestStoreTools(t *testing.T) {
	for kind, place := range map[string]func(t *testing.T) []string{
		"sqlite": func(t *testing.T) []string { return []string{"--data-dir", t.TempDir()} },
		"postgres": func(t *testing.T) []string {
			return []string{"--data-dir", t.TempDir(), "--storage.url", pgtest.Open(t)}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			at, files := place(t), t.TempDir()
			gpx, table, file := filepath.Join(files, "track.gpx"), filepath.Join(files, "table.csv"), filepath.Join(files, "backup")
			if err := os.WriteFile(gpx, []byte(track), 0o600); err != nil {
				t.Fatal(err)
			}
			with := func(args ...string) []string { return append(args, at...) }
			if kind == "sqlite" {
				if _, err := tool(t, importCommand(), with("gpx", gpx, "--device", "phone")...); !errors.Is(err, os.ErrNotExist) {
					t.Fatalf("import without a database: %v", err)
				}
				s, err := sqlite.Open(t.Context(), at[1], slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
			}
			if _, err := tool(t, importCommand(), with("gpx", gpx, "--device", "phone")...); !errors.Is(err, data.ErrNotFound) {
				t.Fatalf("import for a device that is not there: %v", err)
			}
			for _, want := range []string{"3 read, 2 stored, 0 known already, 1 skipped", "3 read, 0 stored, 2 known already, 1 skipped"} {
				out, err := tool(t, importCommand(), with("gpx", gpx, "--device", "phone", "--create")...)
				if rebuilt, err := tool(t, rebuildCommand(), with("trips", "--device", "phone")...); err != nil || !strings.HasPrefix(rebuilt, "phone: ") {
					t.Fatalf("rebuild: %v\n%s", err, rebuilt)
				}
				if _, err := tool(t, rebuildCommand(), with("trips", "--device", "nobody")...); !errors.Is(err, data.ErrNotFound) {
					t.Fatalf("rebuild of a device that is not there: %v", err)
				}
				if err != nil || !strings.Contains(out, want) || !strings.Contains(out, "no time (first: track.gpx, line 2)") {
					t.Fatalf("import: %v\n%s", err, out)
				}
			}
			out, err := tool(t, exportCommand(), with("positions", "--device", "phone", "--from", "2025-05-01T06:00:02", "--to", "2025-05-02")...)
			if lines := strings.Split(strings.TrimSpace(out), "\r\n"); err != nil || len(lines) != 2 || !strings.Contains(lines[1], "2025-05-01T06:00:02.000Z") {
				t.Errorf("export: %v\n%s", err, out)
			}
			if _, err := tool(t, exportCommand(), with("positions", "--format", "shp", "-o", table)...); !errors.Is(err, data.ErrInvalid) {
				t.Errorf("export in an unknown format: %v", err)
			}
			if _, err := os.Stat(table); err == nil {
				t.Error("an export that failed left a file")
			}
			if _, err := tool(t, exportCommand(), with("positions", "--format", "gpx", "-o", table)...); err != nil {
				t.Error(err)
			}
			if out, err := tool(t, backupCommand(), with(file)...); err != nil || !strings.Contains(out, "devices: 1") {
				t.Fatalf("backup: %v\n%s", err, out)
			}
			if _, err := tool(t, restoreCommand(), with(file)...); !errors.Is(err, data.ErrConflict) {
				t.Errorf("restore over what is there: %v", err)
			}
			at = place(t)
			if out, err := tool(t, restoreCommand(), with(file)...); err != nil || !strings.Contains(out, "devices: 1") || strings.Contains(out, "search_path") {
				t.Fatalf("restore: %v\n%s", err, out)
			}
			if out, err := tool(t, checkCommand(), with()...); err != nil {
				t.Errorf("check: %v\n%s", err, out)
			}
			again, err := tool(t, exportCommand(), with("positions", "--format", "gpx")...)
			was, _ := os.ReadFile(table)
			if err != nil || again != string(was) {
				t.Errorf("what was restored: %v\n%s\nwant\n%s", err, again, was)
			}
		})
	}
}

// A server runs in the folder: what writes refuses, what reads does not.
func TestStoreToolsBesideServer(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	unlock, err := bus.Lock(filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := tool(t, backupCommand(), file, "--data-dir", dir); err != nil {
		t.Error(err)
	}
	if _, err := tool(t, checkCommand(), "--data-dir", dir); err != nil {
		t.Error(err)
	}
	if _, err := tool(t, exportCommand(), "positions", "--data-dir", dir); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"import":  second(tool(t, importCommand(), "gpx", "x.gpx", "--device", "a", "--create", "--data-dir", dir)),
		"restore": second(tool(t, restoreCommand(), file, "--force", "--data-dir", dir)),
	} {
		if !errors.Is(err, data.ErrConflict) || !strings.Contains(err.Error(), "stop it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// People write names of files as they are seen from where they stand.
func TestStoreToolsRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := sqlite.Open(t.Context(), filepath.Join("kept", sqlite.FileName), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := errors.Join(second(tool(t, backupCommand(), "file", "--data-dir", "kept")), second(tool(t, restoreCommand(), "file", "--data-dir", "new/place")),
		second(tool(t, checkCommand(), "--data-dir", "new/place"))); err != nil {
		t.Error(err)
	}
}

func second(_ string, err error) error { return err }

func TestCheckDamage(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := data.Device{Name: "car", UniqueID: "car"}
	if err := s.CreateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	if err := s.AddLinks(t.Context(), data.UserDevice(1, d.ID)); !errors.Is(err, data.ErrNotFound) {
		t.Fatal(err)
	}
	s.Close()
	db := filepath.Join(dir, "recent.db")
	b, err := os.ReadFile(db)
	if err == nil {
		clear(b[len(b)/3:])
		err = os.WriteFile(db, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := tool(t, checkCommand(), "--data-dir", dir); !errors.Is(err, block.ErrCorrupt) || !strings.Contains(out+err.Error(), "recent.db") {
		t.Errorf("check of a damaged file: %v\n%s", err, out)
	}
	if _, err := tool(t, backupCommand(), filepath.Join(t.TempDir(), "backup"), "--data-dir", dir); !errors.Is(err, block.ErrCorrupt) {
		t.Errorf("backup of a damaged file: %v", err)
	}
}
