package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest"
)

var noLog = slog.New(slog.DiscardHandler)

func openIn(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, sqlite.FileName), noLog)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return openIn(t, t.TempDir()) })
}

func BenchmarkStore(b *testing.B) {
	storagetest.Bench(b, func(b *testing.B) storage.Store { return openIn(b, b.TempDir()) })
}
