package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/waymark-gps/waymark/data"
)

// Keys of advisory locks, each with the number of the table history_lock, which
// is another one in every schema.
const (
	leadKey    = 0x576d0001
	lockKey    = 0x576d0002
	convertKey = 0x576d0003
)

// holdLimit is how long a transaction that holds Lock may stand still. It ends
// a process that hangs, not one that works.
const holdLimit = 5 * time.Minute

// Lead implements history.Backend: a lock of a transaction that does nothing
// else. (A pooler would not keep a lock of a session with its owner.) Who loses
// the connection loses the lock without notice, and two may lead until the
// first is done: what they change is guarded by Lock.
func (b backend) Lead(ctx context.Context) (release func(), ok bool, err error) {
	const doing = "lead"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	conn, err := b.s.pool.Acquire(ctx)
	if err != nil {
		return nil, false, b.s.fail(doing, err)
	}
	err = begin(ctx, conn.Conn(), 0)
	if err == nil {
		err = conn.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1::integer, 'history_lock'::regclass::oid::integer)`, leadKey).Scan(&ok)
	}
	if err != nil || !ok {
		giveBack(conn)
		return nil, false, b.s.fail(doing, err)
	}
	return func() { giveBack(conn) }, true, nil
}

// begin begins a transaction that may be idle; 0 is without limit. Nothing that
// vacuum would have to keep belongs to it.
func begin(ctx context.Context, conn *pgx.Conn, limit time.Duration) error {
	var b pgx.Batch
	b.Queue(`BEGIN`)
	b.Queue(`SET LOCAL idle_in_transaction_session_timeout = ` + millis(limit))
	return conn.SendBatch(ctx, &b).Close()
}

func giveBack(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	conn.Exec(ctx, `ROLLBACK`) // if it fails, Release ends the connection
	conn.Release()
}

// Lock implements history.Backend: a lock of a transaction, too. Who loses the
// connection loses the lock, and does not know: so each holder draws a token,
// and what only the holder may do asks within its transaction whether the token
// is still the last one. If it is not, that fails with data.ErrUnavailable. The
// next holder's draw waits for such transactions under way.
func (b backend) Lock(ctx context.Context) (unlock func(), err error) {
	const doing = "lock history"
	select {
	case b.s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, b.s.fail(doing, ctx.Err())
	}
	conn, err := b.s.wait(ctx, lockKey, holdLimit)
	if err == nil {
		var token int64
		token, err = one(ctx, b.s, doing, scanID, `UPDATE history_lock SET token = token + 1 RETURNING token`)
		b.s.token.Store(token)
		if err != nil {
			giveBack(conn)
		}
	}
	if err != nil {
		<-b.s.turn
		return nil, b.s.fail(doing, err)
	}
	return func() {
		b.s.token.Store(0)
		giveBack(conn)
		<-b.s.turn
	}, nil
}

// wait takes a lock of a transaction, which may be idle for as long as limit; 0
// is without limit. It waits until ctx ends; the server ends each attempt
// earlier, by its timeout for locks.
func (s *Store) wait(ctx context.Context, key int32, limit time.Duration) (*pgxpool.Conn, error) {
	for {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		err = begin(ctx, conn.Conn(), limit)
		if err == nil {
			_, err = conn.Exec(ctx, `SELECT pg_advisory_xact_lock($1::integer, 'history_lock'::regclass::oid::integer)`, key)
		}
		if err == nil {
			return conn, nil
		}
		giveBack(conn)
		if !hasCode(err, "55P03") { // lock_not_available
			return nil, err
		}
	}
}

// holdsLock fails if this process took Lock and has lost it to another one; it
// does not ask whether it was taken. Until the transaction ends nobody else gets
// it.
func (s *Store) holdsLock(ctx context.Context, doing string) error {
	token := s.token.Load()
	if token == 0 {
		return nil
	}
	held, err := list(ctx, s, doing, scanID, `SELECT token FROM history_lock WHERE token = $1 FOR SHARE`, token)
	if err == nil && len(held) == 0 {
		err = fmt.Errorf("%s: the connection that held the lock was lost, and another process has it: %w", doing, data.ErrUnavailable)
	}
	return err
}
