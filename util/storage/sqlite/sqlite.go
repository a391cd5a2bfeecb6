// Package sqlite keeps Waymark's data in one SQLite file, for a server that is
// one process. Its catch: one writer at a time. Writes wait for each other on a
// single connection; reads have connections of their own and see the last
// committed state meanwhile (WAL).
//
// A write that has returned is on disk (synchronous=FULL). Other processes may
// open the file at the same time, for a backup or a command of an operator, on
// the same machine only.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waymark-gps/waymark/util/storage"
)

// FileName is the name of the database within a data folder.
const FileName = "waymark.db"

// opTimeout bounds every statement and transaction, whatever the caller's
// context says.
const opTimeout = 30 * time.Second

// Store is a storage.Store in a SQLite file.
type Store struct {
	writer  *sql.DB // one connection; its transactions begin immediate
	readers *sql.DB

	closed  atomic.Bool
	inserts positionStatements

	mu       sync.Mutex
	prepared map[string]*sql.Stmt // of readers, by text; the texts are constants of this package
}

var _ storage.Store = (*Store)(nil)

// Open opens the database at path, or path/waymark.db if path is a folder. A
// missing file is made (mode 0600), a missing folder too (mode 0700), and an
// old schema is brought up to date.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	s, err := open(ctx, path, log)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if isDir(path) {
		path = filepath.Join(path, FileName)
	}
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	s := &Store{prepared: make(map[string]*sql.Stmt)}
	if err := s.connect(ctx, path, log); err != nil {
		s.Close()
		return nil, err
	}
	log.Info("database open", "kind", "sqlite", "path", path)
	return s, nil
}

func (s *Store) connect(ctx context.Context, path string, log *slog.Logger) (err error) {
	pragmas := []string{"journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)", "foreign_keys(1)"}
	if s.writer, err = sql.Open("sqlite", dsn(path, busyTimeout, "immediate", append(pragmas, "cache_size(-65536)")...)); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if s.readers, err = sql.Open("sqlite", dsn(path, busyTimeout, "deferred", append(pragmas, "query_only(1)", "cache_size(-8192)")...)); err != nil {
		return err
	}
	n := max(4, runtime.NumCPU())
	s.readers.SetMaxOpenConns(n)
	s.readers.SetMaxIdleConns(n)
	if err := migrate(ctx, s.writer, path, log); err != nil {
		return err
	}
	return s.inserts.prepare(ctx, s.writer)
}

// busyTimeout is how long a statement waits for another process.
const busyTimeout = 10 * time.Second

// dsn names a file for the driver. The pragmas run on each new connection in
// their order: waiting comes first, so that none of the others fails because
// another process is busy. txlock is how transactions begin: not as a reader,
// because one that then wants to write may not be able to wait.
func dsn(path string, wait time.Duration, txlock string, pragmas ...string) string {
	q := url.Values{"_txlock": {txlock}}
	for _, p := range append([]string{fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds())}, pragmas...) {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Ping implements storage.Store.
func (s *Store) Ping(ctx context.Context) error {
	_, err := list(ctx, s, "ping the database", scanID, `SELECT count(*) FROM sqlite_schema`)
	return err
}

// Close implements storage.Store.
func (s *Store) Close() error {
	s.closed.Store(true)
	var err error
	for _, db := range []*sql.DB{s.readers, s.writer} {
		if db == nil {
			continue
		}
		if e := db.Close(); e != nil && err == nil {
			err = fmt.Errorf("close the database: %w", e)
		}
	}
	return err
}
