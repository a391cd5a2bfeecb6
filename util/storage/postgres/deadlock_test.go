package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// TestDeadlock has a statement take the rows 1, 2, 3 while another client has 3
// and waits for 1: the server breaks the statement off, and it is run again. A
// third client keeps row 2 until the other one waits, so that it is always the
// statement that closes the ring and is broken off.
func TestDeadlock(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	user := data.User{Name: "a", Email: "a@example.org"}
	ok(t, s.CreateUser(ctx, &user))
	for n := range byte(3) {
		ok(t, s.CreateSession(ctx, data.Session{TokenHash: [32]byte{n + 1}, UserID: user.ID, ExpiresAt: time.UnixMilli(int64(n) + 1)}))
	}
	_, clients := opened(t, url)
	holder, other := get2(clients.pool.Acquire(ctx)), get2(clients.pool.Acquire(ctx))
	defer holder.Release()
	defer other.Release()
	execute := func(conn *pgxpool.Conn, script string) {
		t.Helper()
		_, err := conn.Exec(ctx, script)
		ok(t, err)
	}
	take := func(conn *pgxpool.Conn, n byte) error {
		_, err := conn.Exec(ctx, `SELECT FROM sessions WHERE token_hash = $1 FOR UPDATE`, append([]byte{n}, make([]byte, 31)...))
		return err
	}
	execute(holder, `BEGIN`)
	ok(t, take(holder, 2))
	execute(other, `BEGIN; SET LOCAL deadlock_timeout = '1h'`)
	ok(t, take(other, 3))

	deleted := make(chan error, 1)
	go func() { deleted <- s.DeleteExpiredSessions(ctx, time.UnixMilli(9)) }()
	awaitWaiting(t, ctx, s, 1)
	taken := make(chan error, 1)
	go func() {
		err := take(other, 1)
		if _, rollback := other.Exec(ctx, `ROLLBACK`); err == nil {
			err = rollback
		}
		taken <- err
	}()
	awaitWaiting(t, ctx, s, 2)
	execute(holder, `ROLLBACK`)
	ok(t, <-taken)
	ok(t, <-deleted)
	equal(t, "sessions left", get2(one(ctx, s, "count", scanID, `SELECT count(*) FROM sessions`)), int64(0))
}

// awaitWaiting waits until n clients of the database wait for somebody's row.
func awaitWaiting(t *testing.T, ctx context.Context, s *Store, n int64) {
	t.Helper()
	for ctx.Err() == nil {
		waiting := get2(one(ctx, s, "count", scanID, `SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`))
		if waiting == n {
			return
		}
	}
	t.Fatal(ctx.Err())
}
