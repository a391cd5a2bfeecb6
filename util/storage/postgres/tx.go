package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tx is a transaction. What is queued goes to the server with the next question
// or the end, in one round trip, the beginning too.
type tx struct {
	conn  *pgxpool.Conn
	batch *pgx.Batch
}

// txKey is the key of a store's transaction in a context.
type txKey struct{ s *Store }

// txOf is the transaction that ctx belongs to, or nil.
func (s *Store) txOf(ctx context.Context) *tx {
	t, _ := ctx.Value(txKey{s}).(*tx)
	return t
}

// transact runs work in a transaction. All calls of the store with the context
// that work gets belong to it, so that none waits for a connection while it
// holds one; within such a call transact joins. Errors of work come back as
// they are, others say what was being done.
func (s *Store) transact(ctx context.Context, doing string, work func(ctx context.Context, t *tx) error) error {
	if t := s.txOf(ctx); t != nil {
		return work(ctx, t)
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.fail(doing, err)
	}
	defer conn.Release() // ends the connection if a transaction is left open
	t := &tx{conn: conn, batch: new(pgx.Batch)}
	t.batch.Queue(`BEGIN`)
	if err := work(context.WithValue(ctx, txKey{s}, t), t); err != nil {
		t.rollback(ctx)
		return err
	}
	if conn.Conn().PgConn().TxStatus() == 'E' { // work hid an error
		t.rollback(ctx)
		return s.fail(doing, pgx.ErrTxCommitRollback)
	}
	t.batch.Queue(`COMMIT`)
	if err := t.flush(ctx); err != nil {
		t.rollback(ctx)
		return s.fail(doing, err)
	}
	return nil
}

// durable makes the transaction wait for the disk, whatever the server's
// default. One that waits for standbys too is left alone.
func (t *tx) durable() {
	t.batch.Queue(`SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`)
}

// flush sends what is queued and reads the results.
func (t *tx) flush(ctx context.Context) error {
	if t.batch.Len() == 0 {
		return nil
	}
	b := t.batch
	t.batch = new(pgx.Batch)
	return t.conn.SendBatch(ctx, b).Close()
}

// rollbackTimeout bounds a rollback; a connection that takes longer is ended.
const rollbackTimeout = 2 * time.Second

func (t *tx) rollback(ctx context.Context) {
	if c := t.conn.Conn(); c.IsClosed() || c.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	t.conn.Exec(ctx, `ROLLBACK`) // if it fails, Release ends the connection
}

// rows runs a query and gives its rows to read.
func (s *Store) rows(ctx context.Context, read func(pgx.Rows) error, query string, args ...any) error {
	if t := s.txOf(ctx); t != nil {
		t.batch.Queue(query, args...).Query(read)
		return t.flush(ctx)
	}
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return read(rows)
}
