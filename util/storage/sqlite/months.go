package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// monthVersion is the schema of a month's file that this program knows.
const monthVersion = 1

// The key of a block is its device and the second it begins in (blockID): blobs
// of some kilobytes lie in the order in which they are read. Blobs come last, so
// that the rest is read without them.
const monthSchema = `
CREATE TABLE blocks (
    id         INTEGER PRIMARY KEY,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    min_number INTEGER NOT NULL,
    max_number INTEGER NOT NULL,
    points     INTEGER NOT NULL,
    data       BLOB    NOT NULL
) STRICT;
CREATE TABLE blocks_aside ( -- blocks that could not be read when others took their place
    block_id   INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    min_number INTEGER NOT NULL,
    max_number INTEGER NOT NULL,
    points     INTEGER NOT NULL,
    data       BLOB    NOT NULL
) STRICT;
`

// maxOpenMonths bounds the files that stay open while nobody uses them.
const maxOpenMonths = 16

// months are the files of history/.
type months struct {
	store *Store
	dir   string

	mu      sync.Mutex
	idle    sync.Cond // of mu: somebody let go of a file
	open    map[int64]*month
	clock   int64 // counts uses
	closed  bool
	listed  []int64   // what lies in the folder, oldest first
	seen    time.Time // when the folder was read
	changed time.Time // its time of change then
}

// month is an open file.
type month struct {
	path   string
	reader *reader
	users  int
	used   int64
}

func newMonths(s *Store, dir string) *months {
	m := &months{store: s, dir: dir, open: make(map[int64]*month)}
	m.idle.L = &m.mu
	return m
}

const monthLayout = "2006-01"

func (m *months) path(at int64) string {
	return filepath.Join(m.dir, time.UnixMilli(at).UTC().Format(monthLayout)+".db")
}

// list returns the months that have a file, oldest first. The caller holds mu
// and does not change the list.
func (m *months) list() ([]int64, error) {
	info, err := os.Stat(m.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	// A change right after the folder was read may not show in its time.
	const coarse = time.Second
	if t := info.ModTime(); t.Equal(m.changed) && t.Add(coarse).Before(m.seen) {
		return m.listed, nil
	} else {
		m.changed, m.seen = t, time.Now()
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, err
	}
	m.listed = nil
	for _, e := range entries {
		name, isDB := strings.CutSuffix(e.Name(), ".db")
		if t, err := time.Parse(monthLayout, name); isDB && err == nil {
			m.listed = append(m.listed, t.UnixMilli())
		}
	}
	slices.Sort(m.listed)
	return m.listed, nil
}

// between returns the months with a file that hold what begins from..to.
func (m *months) between(from, to int64) ([]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	listed, err := m.list()
	if err != nil {
		return nil, err
	}
	from, to = history.Month(from), history.Month(to)
	var found []int64
	for _, at := range listed {
		if at >= from && at <= to {
			found = append(found, at)
		}
	}
	return found, nil
}

// use runs work with a month's file; a missing one is made if create is set,
// else nothing is done.
func (m *months) use(ctx context.Context, at int64, create bool, work func(context.Context, *month) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return m.useLong(ctx, at, create, work)
}

// useLong is use without a bound of time.
func (m *months) useLong(ctx context.Context, at int64, create bool, work func(context.Context, *month) error) error {
	f, err := m.take(ctx, at, create)
	if err != nil || f == nil {
		return m.named(at, err)
	}
	defer m.letGo(f)
	return m.named(at, work(ctx, f))
}

func (m *months) named(at int64, err error) error {
	if err == nil || !isDamage(err) {
		return err
	}
	return fmt.Errorf("%s is damaged, the other months are not: stop Waymark and put the file back from a backup, or move it away to go on without that month: %w: %w",
		m.path(at), block.ErrCorrupt, err)
}

func (m *months) take(ctx context.Context, at int64, create bool) (*month, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, sql.ErrConnDone
	}
	f := m.open[at]
	if f == nil {
		path := m.path(at)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			if !create {
				return nil, nil
			}
			if err := os.MkdirAll(m.dir, 0o700); err != nil {
				return nil, err
			}
			if err := makeFile(path); err != nil {
				return nil, err
			}
		}
		m.closeIdle()
		var err error
		if f, err = openMonth(ctx, path); err != nil {
			return nil, err
		}
		m.open[at] = f
	}
	f.users++
	m.clock++
	f.used = m.clock
	return f, nil
}

func (m *months) letGo(f *month) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.users--
	m.idle.Broadcast()
}

// closeIdle makes room for one more open file, if one of them is idle. The
// caller holds mu.
func (m *months) closeIdle() {
	if len(m.open) < maxOpenMonths {
		return
	}
	var oldest *month
	var key int64
	for at, f := range m.open {
		if f.users == 0 && (oldest == nil || f.used < oldest.used) {
			oldest, key = f, at
		}
	}
	if oldest != nil {
		delete(m.open, key)
		oldest.reader.db.Close() // nothing is lost: all was committed
	}
}

func openMonth(ctx context.Context, path string) (*month, error) {
	// Pages of blocks that go are given back to the file system.
	db, err := sql.Open("sqlite", dsn(path, busyTimeout, "immediate",
		"auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)", "cache_size(-4096)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	err = schema(ctx, db, path, monthVersion, func(tx *sql.Tx, _ int64) error {
		_, err := tx.ExecContext(ctx, monthSchema)
		return err
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return &month{path: path, reader: newReader(db)}, nil
}

// drop removes the file of a month, when nobody uses it any more.
func (m *months) drop(at int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.open[at] != nil && m.open[at].users > 0 {
		m.idle.Wait() // a query lasts no longer than opTimeout
	}
	if f := m.open[at]; f != nil {
		delete(m.open, at)
		f.reader.db.Close() // the file goes anyway
	}
	m.changed = time.Time{}
	path := m.path(at)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, more := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + more); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (m *months) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	var err error
	for _, f := range m.open {
		err = errors.Join(err, f.reader.db.Close())
	}
	clear(m.open)
	return err
}
