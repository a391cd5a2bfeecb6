package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// reader runs queries on a file. A query is a constant, or one of few texts: it
// is prepared once and kept.
type reader struct {
	db *sql.DB

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func newReader(db *sql.DB) *reader { return &reader{db: db, prepared: make(map[string]*sql.Stmt)} }

func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	stmt := r.prepared[query]
	r.mu.Unlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.prepared[query]; other != nil { // somebody was faster
		stmt.Close()
		return other, nil
	}
	r.prepared[query] = stmt
	return stmt, nil
}

// each calls do for the rows of a query, which are then read no more.
func (r *reader) each(ctx context.Context, do func(*sql.Rows) error, query string, args ...any) error {
	stmt, err := r.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect reads all rows of a query.
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

// all returns the rows of a query; those read before an error come with it.
func all[T any](ctx context.Context, r *reader, scan func(scanner) (T, error), query string, args ...any) (out []T, err error) {
	err = r.each(ctx, func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, query, args...)
	return out, err
}
