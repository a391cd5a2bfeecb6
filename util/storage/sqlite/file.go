package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// header begins every SQLite file (sqlite.org/fileformat.html, 1.3).
const header = "SQLite format 3\x00"

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// prepareFile makes the folder and the file, closed to other users, and finds
// what would fail later with less to say. SQLite gives the files it puts beside
// the database the mode of the database.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w; choose another folder or make it for user id %d", err, os.Getuid())
	}
	probe, err := os.CreateTemp(dir, ".waymark-probe-*")
	if err != nil {
		return fmt.Errorf("folder %s cannot be written: %w; give it to user id %d or choose another folder", dir, err, os.Getuid())
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%w; give the file to user id %d or choose another one", err, os.Getuid())
	}
	defer f.Close()
	begin := make([]byte, len(header))
	n, err := io.ReadFull(f, begin)
	switch {
	case errors.Is(err, io.EOF): // new and empty
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case string(begin[:n]) != header:
		return notOurs(path)
	}
	return nil
}

func notOurs(path string) error {
	return fmt.Errorf("%s is not a Waymark database: move it away or choose another file", path)
}

// lock keeps other processes from migrating the database at path until unlock:
// a transaction on an empty database beside it.
func lock(ctx context.Context, path string, wait time.Duration) (unlock func(), err error) {
	db, err := openLock(path+"-migrate", wait)
	if err != nil {
		return nil, err
	}
	release, err := hold(ctx, db, wait)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("wait for another process to migrate the database: %w", err)
	}
	return func() {
		release()
		db.Close()
	}, nil
}

// openLock opens an empty database that stands for a lock.
func openLock(path string, wait time.Duration) (*sql.DB, error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, wait, "exclusive"))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// makeFile makes an empty file, closed to other users, if there is none.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
