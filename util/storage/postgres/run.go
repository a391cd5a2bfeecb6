package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/waymark-gps/waymark/data"
)

// list runs a query and returns its rows. Rows that a statement of several
// parts returns are read to the end, so the statement is done.
func list[T any](ctx context.Context, s *Store, doing string, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	var out []T
	err := s.again(ctx, func() error {
		out = nil
		return s.rows(ctx, func(rows pgx.Rows) (err error) {
			out, err = pgx.AppendRows(out, rows, scan)
			return err
		}, query, args...)
	})
	return out, s.fail(doing, err)
}

// one is list for the first row; no row is data.ErrNotFound.
func one[T any](ctx context.Context, s *Store, doing string, scan pgx.RowToFunc[T], query string, args ...any) (T, error) {
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

var (
	scanID   = pgx.RowTo[int64]
	scanBool = pgx.RowTo[bool]
	scanText = pgx.RowTo[string]
)

// exec runs one statement and tells how many rows it changed.
func (s *Store) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	var n int64
	err := s.again(ctx, func() error {
		return s.rows(ctx, func(rows pgx.Rows) error {
			rows.Close()
			n = rows.CommandTag().RowsAffected()
			return rows.Err()
		}, query, args...)
	})
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

// write runs work in a transaction, and again if that met a deadlock: work keeps
// nothing of a run that failed.
func (s *Store) write(ctx context.Context, doing string, work func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return s.fail(doing, s.again(ctx, func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return work(ctx, tx) })
	}))
}

// attempts is how often something is tried that the server breaks off because
// of a deadlock. Each time somebody else got on, so a few are enough.
const attempts = 5

// again runs try until it meets no deadlock. What belongs to a transaction that
// ctx carries is run once: the server has ended all of it.
func (s *Store) again(ctx context.Context, try func() error) error {
	err := try()
	for n := 1; n < attempts && hasCode(err, "40P01") && s.txOf(ctx) == nil; n++ { // deadlock_detected
		err = try()
	}
	return err
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
// itself or belongs to none. Codes: PostgreSQL manual, appendix A.
func (s *Store) kind(err error) error {
	var connect *pgconn.ConnectError
	var network net.Error
	var e *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case s.closed.Load(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, pgconn.ErrConnClosed),
		errors.As(err, &connect), errors.As(err, &network):
		return data.ErrUnavailable
	case errors.Is(err, pgx.ErrNoRows):
		return data.ErrNotFound
	case !errors.As(err, &e):
		if pgconn.SafeToRetry(err) {
			return data.ErrUnavailable
		}
		return nil
	}
	switch e.Code {
	case "23505": // unique_violation
		return data.ErrConflict
	case "23503": // foreign_key_violation
		return data.ErrNotFound
	}
	switch e.Code[:2] {
	case "22", "23", "54": // data exception, integrity violation, limit exceeded
		return data.ErrInvalid
	case "08", // connection exception
		"25", // invalid transaction state: a standby that cannot write
		"40", // transaction rollback: deadlock
		"53", // insufficient resources: full disk, too many connections
		"55", // not in the state needed: lock timeout
		"57", // operator intervention: shutdown, statement timeout
		"58": // system error
		return data.ErrUnavailable
	}
	return nil
}
