package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/waymark-gps/waymark/data"
)

// scanner is *sql.Rows, as far as reading a row goes.
type scanner interface{ Scan(dest ...any) error }

// list runs a query on the readers and returns its rows. query is a constant,
// or one of few texts: it is prepared once and kept.
func list[T any](ctx context.Context, s *Store, doing string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, s.fail(doing, err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, s.fail(doing, err)
	}
	out, err := collect(rows, scan)
	return out, s.fail(doing, err)
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

func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func scanID(row scanner) (id int64, err error) { return id, row.Scan(&id) }

func (s *Store) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	stmt := s.prepared[query]
	s.mu.Unlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := s.readers.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.prepared[query]; other != nil { // somebody was faster
		stmt.Close()
		return other, nil
	}
	s.prepared[query] = stmt
	return stmt, nil
}

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
	if kind := s.kind(err); kind != nil {
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
