package open_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/open"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

var noLog = slog.New(slog.DiscardHandler)

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	for url, file := range map[string]string{
		"":                                    filepath.Join(dir, "waymark.db"),
		"sqlite://" + dir + "/other/named.db": filepath.Join(dir, "other", "named.db"),
	} {
		s, err := open.Store(t.Context(), url, dir, noLog)
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%q: %v", url, err)
		}
		s.Close()
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestPostgres(t *testing.T) {
	url := pgtest.Open(t)
	for _, url := range []string{url, strings.Replace(url, "postgres://", "postgresql://", 1)} {
		s, err := open.Store(t.Context(), url, "", noLog)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

func TestNotUnderstood(t *testing.T) {
	for _, url := range []string{
		"mysql://ada:Tr0ub4dor@localhost/db", "ada:Tr0ub4dor@localhost", "waymark.db", "/data/waymark.db", "sqlite:", "sqlite://",
		"sqlite:///", "sqlite://waymark.db", "sqlite:///tmp/x.db?key=Tr0ub4dor", "postgres://", "postgres:", "://", " ",
	} {
		s, err := open.Store(t.Context(), url, t.TempDir(), noLog)
		if s != nil || !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%q: store is %v, error is %v", url, s, err)
			continue
		}
		for _, form := range []string{"sqlite:///", "postgres://"} {
			if !strings.Contains(err.Error(), form) {
				t.Errorf("%q: the error does not name %s: %v", url, form, err)
			}
		}
		if strings.Contains(err.Error(), "Tr0ub4dor") {
			t.Errorf("%q: the password is in the error: %v", url, err)
		}
	}
	if _, err := open.Store(t.Context(), "", "", noLog); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("neither URL nor folder: error is %v", err)
	}
}

// TestFailureIsNil guards against a store that is not nil and holds nothing.
func TestFailureIsNil(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := open.Store(t.Context(), "sqlite://"+file, "", noLog); s != nil || err == nil {
		t.Errorf("store is %v, error is %v", s, err)
	}
}
