package postgres_test

import (
	"log/slog"
	"testing"

	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/storagetest"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

var noLog = slog.New(slog.DiscardHandler)

func openURL(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, noLog)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return openURL(t, pgtest.Open(t)) })
}

// TestContractWithoutStatements is as through a pooler that hands out
// connections per transaction: no prepared statements, results as text.
func TestContractWithoutStatements(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return openURL(t, pgtest.Open(t)+"&default_query_exec_mode=exec")
	})
}

func BenchmarkStore(b *testing.B) {
	storagetest.Bench(b, func(b *testing.B) storage.Store { return openURL(b, pgtest.Open(b)) })
}
