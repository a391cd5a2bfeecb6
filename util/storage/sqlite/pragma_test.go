package sqlite

import (
	"database/sql"
	"log/slog"
	"testing"
)

// TestPragmas asks each connection for what durability and integrity hang on.
func TestPragmas(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, test := range []struct {
		db           *sql.DB
		pragma, want string
	}{
		{s.writer, "journal_mode", "wal"},
		{s.writer, "synchronous", "2"}, // FULL
		{s.writer, "foreign_keys", "1"},
		{s.writer, "busy_timeout", "10000"},
		{s.readers, "journal_mode", "wal"},
		{s.readers, "busy_timeout", "10000"},
		{s.readers, "query_only", "1"},
		{s.recent.writer, "journal_mode", "wal"},
		{s.recent.writer, "synchronous", "2"},
		{s.recent.writer, "page_size", "4096"},
		{s.recent.readers, "query_only", "1"},
	} {
		var have string
		if err := test.db.QueryRowContext(t.Context(), `PRAGMA `+test.pragma).Scan(&have); err != nil || have != test.want {
			t.Errorf("%s is %q, want %q, error is %v", test.pragma, have, test.want, err)
		}
	}
}
