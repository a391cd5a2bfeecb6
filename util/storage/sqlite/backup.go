package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// Names of files in a backup. Those of months are history/2026-03.db.
const (
	mainMember   = "waymark.db"
	recentMember = "recent.db"
	monthsMember = "history"
)

var monthMember = regexp.MustCompile(`^history/\d{4}-\d{2}\.db$`)

// SchemaVersion is the schema of waymark.db that this program makes.
func SchemaVersion() int64 {
	entries, _ := fs.ReadDir(migrations, "migrations") // embedded: it can be read
	var last int64
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return last
}

// Copy is a copy of a file, which stands still.
type Copy struct {
	// Name is what the file is called in a backup, see Place.
	Name string
	// Path is the copy; it is removed when put returns.
	Path string
	// Counts are numbers of rows that people care for, by what they are.
	Counts map[string]int64
}

// leadWait bounds the wait for a compaction that is under way.
const leadWait = 10 * time.Minute

// Backup copies the files of the database at path into dir, one after the other,
// while others read and write, and hands each to put. It returns the schema of
// waymark.db.
//
// Positions move from recent.db into the files of months. Nothing does so
// meanwhile, so a copy of recent.db and later ones of the months belong together:
// they hold what was stored when recent.db was copied.
func Backup(ctx context.Context, path, dir string, put func(Copy) error) (schema int64, err error) {
	// SQLite takes names of files as URLs, which have no relative ones.
	if path, err = filepath.Abs(path); err != nil {
		return 0, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, err
	}
	if schema, err = schemaOf(ctx, path); err != nil {
		return 0, fmt.Errorf("read the schema of %s: %w", path, err)
	}
	recentPath, monthsDir := beside(path)
	if exists(recentPath) {
		release, err := leadOf(ctx, recentPath)
		if err != nil {
			return 0, err
		}
		defer release()
	}
	c := copier{dir: dir, put: put}
	if err := c.copy(ctx, mainMember, path, map[string]string{"devices": "SELECT count(*) FROM devices", "users": "SELECT count(*) FROM users"}); err != nil {
		return 0, err
	}
	if exists(recentPath) {
		if err := c.copy(ctx, recentMember, recentPath, map[string]string{"recent positions": "SELECT (SELECT coalesce(sum(points), 0) FROM hot_0) + (SELECT coalesce(sum(points), 0) FROM hot_1)"}); err != nil {
			return 0, err
		}
	}
	entries, err := os.ReadDir(monthsDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("list the months: %w", err)
	}
	for _, e := range entries {
		name := monthsMember + "/" + e.Name()
		if !monthMember.MatchString(name) {
			continue
		}
		err := c.copy(ctx, name, filepath.Join(monthsDir, e.Name()), map[string]string{"positions in months": "SELECT coalesce(sum(points), 0) FROM blocks"})
		if err != nil {
			return 0, err
		}
	}
	return schema, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// schemaOf is the schema of a database of ours.
func schemaOf(ctx context.Context, path string) (version int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", dsn(path, busyTimeout, "deferred", "query_only(1)"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+schemaTable+` WHERE is_applied`).Scan(&version)
	if isDamage(err) {
		return 0, damagedFile(path, err)
	}
	return version, err
}

// leadOf keeps others from compacting and tidying, see locks.
func leadOf(ctx context.Context, recentPath string) (release func(), err error) {
	const once = time.Second
	db, err := openLock(recentPath+"-lead", once)
	if err != nil {
		return nil, fmt.Errorf("wait for the upkeep of history: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, leadWait)
	for {
		unlock, err := hold(ctx, db, 2*once)
		if err == nil {
			return func() { unlock(); cancel(); db.Close() }, nil
		}
		if ctx.Err() != nil {
			cancel()
			db.Close()
			return nil, fmt.Errorf("wait for the upkeep of history to end: %w: %w", data.ErrUnavailable, err)
		}
	}
}

// copier copies files.
type copier struct {
	dir string
	put func(Copy) error
}

func (c *copier) copy(ctx context.Context, name, from string, counts map[string]string) error {
	to := filepath.Join(c.dir, "copy.db")
	defer os.Remove(to)
	if err := copyFile(ctx, from, to); err != nil {
		if isDamage(err) {
			return damagedFile(from, err)
		}
		return fmt.Errorf("copy %s: %w", from, err)
	}
	done := Copy{Name: name, Path: to, Counts: make(map[string]int64)}
	for what, query := range counts {
		n, err := count(ctx, to, query)
		if err != nil {
			return fmt.Errorf("count in the copy of %s: %w", from, err)
		}
		done.Counts[what] = n
	}
	return c.put(done)
}

// copyFile has SQLite write a copy, which needs no WAL beside it.
func copyFile(ctx context.Context, from, to string) error {
	if err := makeFile(to); err != nil { // closed to other users
		return err
	}
	db, err := sql.Open("sqlite", dsn(from, busyTimeout, "deferred"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, db.Close())
}

func count(ctx context.Context, path, query string) (n int64, err error) {
	db, err := sql.Open("sqlite", dsn(path, busyTimeout, "deferred", "query_only(1)"))
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, errors.Join(err, db.Close())
}

// Place is where a file of a backup belongs for the database at path;
// data.ErrInvalid for a name that is not one of ours.
func Place(path, name string) (string, error) {
	recentPath, monthsDir := beside(path)
	switch {
	case name == mainMember:
		return path, nil
	case name == recentMember:
		return recentPath, nil
	case monthMember.MatchString(name):
		return filepath.Join(monthsDir, strings.TrimPrefix(name, monthsMember+"/")), nil
	}
	return "", fmt.Errorf("%q is not a file of a backup: %w", name, data.ErrInvalid)
}

// Files lists what is there of the database at path, with the folder of months.
func Files(path string) []string {
	recentPath, monthsDir := beside(path)
	var found []string
	for _, file := range []string{path, recentPath} {
		for _, more := range []string{"", "-wal", "-shm", "-journal"} {
			found = append(found, file+more)
		}
	}
	return slices.DeleteFunc(append(found, monthsDir), func(f string) bool { return !exists(f) })
}

// OpenToCheck opens a database for Check: it makes, converts and tidies nothing.
// A schema that is not this program's is data.ErrConflict.
func OpenToCheck(ctx context.Context, path string, log *slog.Logger) (_ *Store, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	have, err := schemaOf(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", path, err)
	}
	if known := SchemaVersion(); have != known {
		return nil, fmt.Errorf("%s has schema %d, this program knows %d: check it with the version of Waymark that runs on it, or start this version once: %w", path, have, known, data.ErrConflict)
	}
	recentPath, monthsDir := beside(path)
	if !exists(recentPath) {
		return nil, fmt.Errorf("%s is missing: put it back from a backup, or start Waymark, which makes it anew from the months (positions of the last hour are lost): %w", recentPath, data.ErrNotFound)
	}
	s := &Store{path: path}
	s.Store = history.New(&backend{s}, s, log)
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.writer, s.readers, err = connect(path, 4096); err != nil {
		return nil, err
	}
	s.reader = newReader(s.readers)
	if s.locks, err = openLocks(recentPath); err != nil {
		return nil, err
	}
	s.months = newMonths(s, monthsDir)
	if s.recent, err = openRecent(ctx, recentPath, log); err != nil {
		return nil, s.named(recentPath, err)
	}
	return s, nil
}
