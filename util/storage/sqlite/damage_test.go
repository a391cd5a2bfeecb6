package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// twoMonths makes a store with 1000 positions in each of two months and 10 more
// in the hot part, and closes it.
func twoMonths(t *testing.T) (dir string, deviceID int64) {
	t.Helper()
	dir = t.TempDir()
	s := openIn(t, dir)
	deviceID = newDevice(t, s, "a")
	insert(t, s, drive(deviceID, march, 1000, time.Second))
	insert(t, s, drive(deviceID, march.AddDate(0, 0, 5), 1000, time.Second))
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, s, drive(deviceID, march.AddDate(0, 0, 6), 10, time.Second))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, deviceID
}

// change changes the bytes of a file.
func change(t *testing.T, path string, work func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, work(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

var harm = map[string]func([]byte) []byte{
	"torn":      func(b []byte) []byte { return b[:len(b)/2+100] },
	"no header": func(b []byte) []byte { return append([]byte("garbage garbage garbage"), b[23:]...) },
	"pages of zeros": func(b []byte) []byte {
		clear(b[len(b)/4:])
		return b
	},
}

func TestDamagedMonth(t *testing.T) {
	for what, work := range harm {
		t.Run(what, func(t *testing.T) {
			dir, id := twoMonths(t)
			file := filepath.Join(dir, "history", "2026-03.db")
			change(t, file, work)
			s := openIn(t, dir)
			n, err := count(t, s, id)
			if !errors.Is(err, block.ErrCorrupt) || !strings.Contains(err.Error(), file) {
				t.Errorf("error is %v", err)
			}
			if n < 1010 {
				t.Errorf("%d positions of the other month and the hot part", n)
			}
			late := drive(id, march.Add(500*time.Millisecond), 1, time.Second)
			insert(t, s, late)
			if late[0].ID == 0 {
				t.Error("a late position was left out")
			}
			if p, err := s.PositionsByID(t.Context(), []int64{late[0].ID}); err != nil || len(p) != 1 {
				t.Errorf("%d positions by id, error is %v", len(p), err)
			}
			found := 0
			if err := s.Check(t.Context(), func(p history.Problem) {
				if strings.Contains(p.Text, file) {
					found++
				}
			}); err != nil || found == 0 {
				t.Errorf("check names the file %d times, error is %v", found, err)
			}
		})
	}
}

// TestFlippedBit flips a bit of a block: the others of its month can be read.
func TestFlippedBit(t *testing.T) {
	dir, id := twoMonths(t)
	file := filepath.Join(dir, "history", "2026-03.db")
	change(t, file, func(b []byte) []byte {
		i := strings.LastIndex(string(b), "WMB") // how blocks begin
		if i < 0 {
			t.Fatal("no block in the file")
		}
		b[i+40] ^= 1
		return b
	})
	s := openIn(t, dir)
	n, err := count(t, s, id)
	if !errors.Is(err, block.ErrCorrupt) || !strings.Contains(err.Error(), "device 1, month 2026-03") {
		t.Errorf("error is %v", err)
	}
	if n < 1400 || n >= 2010 {
		t.Errorf("%d positions could be read", n)
	}
}

// TestFlippedBitInRecent flips a bit of a row of the hot part: the others are
// there, it is named, and it is kept when the rest moves on.
func TestFlippedBitInRecent(t *testing.T) {
	dir, id := twoMonths(t)
	db, err := sql.Open("sqlite", filepath.Join(dir, "recent.db"))
	if err != nil {
		t.Fatal(err)
	}
	var chunk []byte
	if err := db.QueryRowContext(t.Context(), `SELECT rows FROM hot_0 WHERE id = 1`).Scan(&chunk); err != nil {
		t.Fatal(err)
	}
	chunk[100] ^= 1
	if _, err := db.ExecContext(t.Context(), `UPDATE hot_0 SET rows = ? WHERE id = 1`, chunk); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s := openIn(t, dir)
	insert(t, s, drive(id, march.AddDate(0, 0, 7), 10, time.Second))
	for range 2 {
		if n, err := count(t, s, id); err != nil || n != 2010 {
			t.Errorf("%d positions, error is %v", n, err)
		}
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	if err := s.Check(t.Context(), func(p history.Problem) {
		if strings.Contains(p.Text, "recent positions aside") {
			found++
		}
	}); err != nil || found != 1 {
		t.Errorf("check names it %d times, error is %v", found, err)
	}
}

func TestDamagedRecent(t *testing.T) {
	dir, id := twoMonths(t)
	file := filepath.Join(dir, "recent.db")
	change(t, file, func(b []byte) []byte {
		clear(b[2048:]) // all but the first page
		return b
	})
	if s, err := sqlite.Open(t.Context(), dir, noLog); err == nil {
		_, err = count(t, s, id)
		s.Close()
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("error of reading is %v", err)
		}
	} else if !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("error of opening is %v", err)
	}
	change(t, file, harm["no header"])
	if _, err := sqlite.Open(t.Context(), dir, noLog); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error is %v", err)
	}
}

// TestLostRecent opens a store without recent.db: history is there, and ids
// are not given again.
func TestLostRecent(t *testing.T) {
	dir, id := twoMonths(t)
	for _, name := range []string{"recent.db", "recent.db-wal", "recent.db-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	s := openIn(t, dir)
	if n, err := count(t, s, id); err != nil || n != 2000 {
		t.Errorf("%d positions, error is %v", n, err)
	}
	d, err := s.Device(t.Context(), id)
	if err != nil || d.PositionID != history.ID(id, 2000) || !d.LastUpdate.After(march) {
		t.Errorf("position id is %d, last update %v, error is %v", d.PositionID, d.LastUpdate, err)
	}
	batch := drive(id, march, 1000, time.Second)
	batch = append(batch, drive(id, march.AddDate(0, 0, 7), 1, time.Second)...)
	insert(t, s, batch)
	if batch[0].ID != 0 || batch[1000].ID <= history.ID(id, 2010) {
		t.Errorf("ids are %d of a repeat and %d of a new position", batch[0].ID, batch[1000].ID)
	}
}

func TestNewerFilesAreRefused(t *testing.T) {
	for _, name := range []string{"recent.db", "history/2026-03.db"} {
		dir, id := twoMonths(t)
		file := filepath.Join(dir, filepath.FromSlash(name))
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, db, `PRAGMA user_version = 99`)
		db.Close()
		s, err := sqlite.Open(t.Context(), dir, noLog)
		if err == nil {
			_, err = count(t, s, id)
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "newer Waymark (schema 99") {
			t.Errorf("error is %v", err)
		}
	}
}
