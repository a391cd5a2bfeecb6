package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

func TestFilesAreClosedToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#%", "data")
	s := openIn(t, dir)
	if err := s.CreateUser(t.Context(), &data.User{Email: "a@example.org"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v", info.Mode())
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		want := os.FileMode(0o600)
		if f.IsDir() {
			want = 0o700
		}
		if info, err := f.Info(); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, error is %v", f.Name(), info.Mode(), err)
		}
		if !strings.HasPrefix(f.Name(), sqlite.FileName) && !strings.HasPrefix(f.Name(), "recent.db") && f.Name() != "history" {
			t.Errorf("%s was left behind", f.Name())
		}
	}
	s.Close()
	again, err := sqlite.Open(t.Context(), dir, noLog) // the folder will do
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.UserByEmail(t.Context(), "a@example.org"); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := write("notes.txt", "Dear diary, this is not a database.")
	short := write("short", "x")
	broken := write("broken.db", "SQLite format 3\x00"+strings.Repeat("garbage ", 1000))
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, db, `CREATE TABLE theirs (id)`)
	db.Close()
	readonly := filepath.Join(dir, "readonly")
	if err := os.Mkdir(readonly, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ what, path, want string }{
		{"a text", text, "not a Waymark database"},
		{"a short text", short, "not a Waymark database"},
		{"something broken", broken, "not a database"},
		{"another program's database", foreign, "not a Waymark database"},
		{"a folder below a file", filepath.Join(text, "data", "waymark.db"), "choose another folder"},
		{"a folder without the right to write", filepath.Join(readonly, "waymark.db"), "cannot be written"},
	} {
		t.Run(test.what, func(t *testing.T) {
			if strings.HasPrefix(test.path, readonly) && os.Getuid() == 0 {
				t.Skip("root may write everywhere")
			}
			s, err := sqlite.Open(t.Context(), test.path, noLog)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if b, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(b), "Dear diary") {
		t.Errorf("the text was changed: %q, error is %v", b, err)
	}
}

// TestWriterBusy has another process hold the file: a call ends with its
// context, not with a wait without end.
func TestWriterBusy(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	other, err := raw(t, dir).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50_000_000)
	defer cancel()
	err = s.SetTelegramOffset(ctx, 1, 2)
	if !errors.Is(err, data.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.TelegramOffset(t.Context(), 1); err != nil {
		t.Errorf("reading meanwhile: %v", err)
	}
	if _, err := other.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTelegramOffset(t.Context(), 1, 2); err != nil {
		t.Errorf("writing afterwards: %v", err)
	}
}
