// Package backup writes everything in a store to one file while the server runs,
// and makes a store of it again.
//
// The file is a tar archive compressed with zstd. Of SQLite it holds the database
// files; of PostgreSQL the rows of each table as text of COPY, in pieces:
//
//	waymark.db, recent.db, history/2026-03.db, ...     SQLite
//	tables/devices/000000, tables/devices/000001, ...  PostgreSQL
//	manifest.json                                      last: what is in it, with sums
//
// Positions on the bus, which devices think are stored and which are not yet in
// the store, are not in it.
package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// Place is where a store is: one of the two is set.
type Place struct {
	// Path is the SQLite file waymark.db, beside which the others are.
	Path string
	// URL is a PostgreSQL database.
	URL string
}

// At is where the store of a database's address is: postgres://… , sqlite://FILE,
// or empty for SQLite in a data folder.
func At(url, dataDir string) Place {
	if url == "" {
		return Place{Path: filepath.Join(dataDir, sqlite.FileName)}
	}
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		return Place{Path: path}
	}
	return Place{URL: url}
}

func (p Place) kind() string {
	if p.URL != "" {
		return "postgres"
	}
	return "sqlite"
}

// Options are those of Create and Restore.
type Options struct {
	Log *slog.Logger
	// Version is that of the program, for the manifest.
	Version string
	// Now is time.Now but in tests.
	Now func() time.Time
	// Progress is called for each member that was written or read, with its size in
	// bytes; it may be nil.
	Progress func(member string, size int64)
	// Force lets Restore put existing SQLite files aside.
	Force bool
}

func (o *Options) progress(member string, size int64) {
	if o.Progress != nil {
		o.Progress(member, size)
	}
}

// Create writes a backup of a store to a new file, mode 0600. The file is there
// when it is whole, not before; it exists already: data.ErrConflict.
//
// It holds what was stored at one moment after the call. Inserts go on
// meanwhile, compaction waits.
func Create(ctx context.Context, from Place, file string, o Options) (*Manifest, error) {
	m, err := create(ctx, from, file, o)
	if err != nil {
		return nil, fmt.Errorf("back up: %w", explain(err, file))
	}
	return m, nil
}

func create(ctx context.Context, from Place, file string, o Options) (*Manifest, error) {
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("%s exists already, choose another name: %w", file, data.ErrConflict)
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), ".waymark-backup-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "part")
	a, err := newArchive(part, o)
	if err != nil {
		return nil, err
	}
	m := &a.manifest
	m.Kind, m.Version, m.Created = from.kind(), o.Version, o.Now().UTC()
	if from.URL != "" {
		m.Database, err = postgres.Backup(ctx, from.URL, o.Log, a.table)
		if err == nil {
			m.Schema = m.Database.Schema
			m.count(m.Database)
		}
	} else {
		m.Schema, err = sqlite.Backup(ctx, from.Path, dir, func(c sqlite.Copy) error {
			for what, n := range c.Counts {
				m.Counts[what] += n
			}
			return a.file(ctx, c.Name, c.Path)
		})
	}
	if err := errors.Join(err, a.close(err == nil)); err != nil {
		return nil, err
	}
	if err := os.Rename(part, file); err != nil {
		return nil, err
	}
	return m, syncDir(filepath.Dir(file))
}

// explain says what to do about a full disk.
func explain(err error, file string) error {
	var e *driver.Error
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("the disk of %s is full; what was written there has been removed: make room and try again: %w: %w", filepath.Dir(file), data.ErrUnavailable, err)
	}
	return err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
