package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// scanner is *sql.Rows, as far as reading a row goes.
type scanner interface{ Scan(dest ...any) error }

// list runs a query on the readers and returns its rows; see reader.
func list[T any](ctx context.Context, s *Store, doing string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	out, err := all(ctx, s.reader, scan, query, args...)
	if err != nil {
		return nil, s.fail(doing, err)
	}
	return out, nil
}

// one is list for the first row; no row is data.ErrNotFound.
func one[T any](ctx context.Context, s *Store, doing string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	rows, err := list(ctx, s, doing, scan, query, args...)
	if err == nil && len(rows) == 0 {
		err = s.fail(doing, data.ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}

func scanID(row scanner) (id int64, err error) { return id, row.Scan(&id) }

// exec runs one statement on the writer and tells how many rows it changed.
func (s *Store) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	res, err := s.writer.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, s.fail(doing, err)
	}
	n, err := res.RowsAffected()
	return n, s.fail(doing, err)
}

// change is exec of a statement that must find its row, else data.ErrNotFound.
func (s *Store) change(ctx context.Context, doing, query string, args ...any) error {
	n, err := s.exec(ctx, doing, query, args...)
	if err == nil && n == 0 {
		err = s.fail(doing, data.ErrNotFound)
	}
	return err
}

// insert runs one INSERT on the writer and returns the id of the new row; no row
// is data.ErrConflict.
func (s *Store) insert(ctx context.Context, doing, query string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	res, err := s.writer.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, s.fail(doing, err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return 0, s.fail(doing, err)
	} else if n == 0 {
		return 0, s.fail(doing, data.ErrConflict)
	}
	id, err := res.LastInsertId()
	return id, s.fail(doing, err)
}

// write runs work in a transaction on the writer. work must use tx only: the
// writer has no other connection.
func (s *Store) write(ctx context.Context, doing string, work func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return s.fail(doing, err)
	}
	defer tx.Rollback() // no effect after a commit
	if err := work(ctx, tx); err != nil {
		return s.fail(doing, err)
	}
	return s.fail(doing, tx.Commit())
}

// fail says what was being done and of which kind the error is.
func (s *Store) fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	if kind := s.kind(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// kind is the error of package data that err belongs to; nil if it says so
// itself or belongs to none. Codes: sqlite.org/rescode.html.
func (s *Store) kind(err error) error {
	var e *driver.Error
	switch {
	case s.closed.Load(), errors.Is(err, context.DeadlineExceeded):
		return data.ErrUnavailable
	case errors.Is(err, sql.ErrNoRows):
		return data.ErrNotFound
	case isDamage(err):
		return block.ErrCorrupt
	case !errors.As(err, &e):
		return nil
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return data.ErrConflict
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return data.ErrNotFound
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		return data.ErrInvalid
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return data.ErrUnavailable
	}
	return nil
}

// isDamage tells whether SQLite says that a file is damaged.
func isDamage(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}
