// Package sqlite keeps Waymark's data in SQLite files, for a server that is one
// process:
//
//	waymark.db          devices, users and the like
//	recent.db           what devices are known by (history.Head) and the positions
//	                    of the last hour or so
//	history/2026-03.db  the positions of a month, in blocks
//
// Its catch: one writer at a time for each file. Writes wait for each other on a
// single connection; reads have connections of their own and see the last
// committed state meanwhile (WAL).
//
// A write that has returned is on disk (synchronous=FULL). Other processes may
// open the files at the same time, for a backup or a command of an operator, on
// the same machine only.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// FileName is the name of the database within a data folder.
const FileName = "waymark.db"

// opTimeout bounds every statement and transaction, whatever the caller's
// context says.
const opTimeout = 30 * time.Second

// Store is a storage.Store in SQLite files.
type Store struct {
	*history.Store

	path    string
	writer  *sql.DB // of waymark.db: one connection; its transactions begin immediate
	readers *sql.DB
	reader  *reader // of readers
	recent  *recent
	months  *months
	locks   *locks

	closed atomic.Bool
}

var _ storage.Store = (*Store)(nil)

// Open opens the database at path, or path/waymark.db if path is a folder, and
// the files of positions beside it. A missing file is made (mode 0600), a
// missing folder too (mode 0700), and an old schema is brought up to date.
func Open(ctx context.Context, path string, log *slog.Logger, options ...history.Option) (*Store, error) {
	s, err := open(ctx, path, log, options)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, path string, log *slog.Logger, options []history.Option) (*Store, error) {
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
	s := &Store{path: path}
	s.Store = history.New(&backend{s}, s, log, options...)
	if err := s.connect(ctx, log); err != nil {
		s.Close()
		return nil, err
	}
	log.Info("database open", "kind", "sqlite", "path", path)
	return s, nil
}

func (s *Store) connect(ctx context.Context, log *slog.Logger) (err error) {
	unlock, err := lock(ctx, s.path, migrateTimeout)
	if err != nil {
		return err
	}
	defer unlock()
	if s.writer, s.readers, err = connect(s.path, 4096); err != nil {
		return err
	}
	s.reader = newReader(s.readers)
	if err := migrate(ctx, s.writer, s.path, log); err != nil {
		return s.named(s.path, err)
	}
	recentPath, historyDir := beside(s.path)
	if s.locks, err = openLocks(recentPath); err != nil {
		return err
	}
	s.months = newMonths(s, historyDir)
	if s.recent, err = openRecent(ctx, recentPath, log); err != nil {
		return s.named(recentPath, err)
	}
	if err := s.restoreHeads(ctx, log); err != nil {
		return fmt.Errorf("find the newest positions: %w", err)
	}
	if err := s.forgetStrangers(ctx); err != nil {
		return err
	}
	return s.convert(ctx, log)
}

// walSize is the size in bytes that the file of what was written last is
// brought back to: the more it holds, the fewer pages are written twice.
const walSize = 16 << 20

// connect opens a file for one writer and some readers. The size of its pages
// counts when it is made.
func connect(path string, pageSize int) (writer, readers *sql.DB, err error) {
	if err := begin(path, pageSize); err != nil {
		return nil, nil, err
	}
	pragmas := []string{"journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)", "temp_store(memory)", "foreign_keys(1)"}
	if writer, err = sql.Open("sqlite", dsn(path, busyTimeout, "immediate", append(pragmas, fmt.Sprintf("wal_autocheckpoint(%d)", walSize/pageSize), "cache_size(-65536)")...)); err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	if readers, err = sql.Open("sqlite", dsn(path, busyTimeout, "deferred", append(pragmas, "query_only(1)", "cache_size(-8192)")...)); err != nil {
		writer.Close()
		return nil, nil, err
	}
	n := max(4, runtime.NumCPU())
	readers.SetMaxOpenConns(n)
	readers.SetMaxIdleConns(n)
	return writer, readers, nil
}

// begin writes the first page of an empty file, which settles the size of all:
// WAL would settle it otherwise.
func begin(path string, pageSize int) error {
	if info, err := os.Stat(path); err != nil || info.Size() > 0 {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, busyTimeout, "immediate", fmt.Sprintf("page_size(%d)", pageSize)))
	if err != nil {
		return err
	}
	_, err = db.Exec(`PRAGMA user_version = 0`)
	return errors.Join(err, db.Close())
}

// beside names the files of positions of a database.
func beside(path string) (recent, history string) {
	dir, name := filepath.Split(path)
	if name == FileName {
		return filepath.Join(dir, "recent.db"), filepath.Join(dir, "history")
	}
	return path + "-recent.db", path + "-history"
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
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if s.recent != nil {
		err = errors.Join(err, s.recent.close())
	}
	if s.months != nil {
		err = errors.Join(err, s.months.close())
	}
	if s.locks != nil {
		err = errors.Join(err, s.locks.close())
	}
	if err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// named says which file an error is about and, if it is damaged, what to do.
func (s *Store) named(path string, err error) error {
	if err == nil || !isDamage(err) {
		return err
	}
	return damagedFile(path, err)
}

func damagedFile(path string, err error) error {
	return fmt.Errorf("%s is damaged: stop Waymark and put the file back from a backup: %w: %w", path, block.ErrCorrupt, err)
}
