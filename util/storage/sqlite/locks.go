package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// locks keep processes and goroutines from doing some things at once: each is a
// transaction on an empty database, which the death of its owner ends.
type locks struct {
	lead, change *sql.DB
	leads        atomic.Bool // somebody in this process does
}

func openLocks(recentPath string) (*locks, error) {
	lead, err := openLock(recentPath+"-lead", 0)
	if err != nil {
		return nil, err
	}
	change, err := openLock(recentPath+"-lock", opTimeout)
	if err != nil {
		lead.Close()
		return nil, err
	}
	return &locks{lead: lead, change: change}, nil
}

func (l *locks) close() error { return errors.Join(l.lead.Close(), l.change.Close()) }

// hold waits for a lock, until ctx ends or for wait.
func hold(ctx context.Context, db *sql.DB, wait time.Duration) (release func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := db.Conn(waiting)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(waiting, `BEGIN EXCLUSIVE`); err != nil {
		conn.Close()
		return nil, err
	}
	return func() {
		// It holds nothing that could fail to be rolled back.
		conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		conn.Close()
	}, nil
}

// Lead implements history.Backend.
func (b *backend) Lead(ctx context.Context) (release func(), ok bool, err error) {
	l := b.s.locks
	if !l.leads.CompareAndSwap(false, true) {
		return nil, false, nil
	}
	unlock, err := hold(ctx, l.lead, opTimeout)
	var e *driver.Error
	if err == nil {
		return func() {
			unlock()
			l.leads.Store(false)
		}, true, nil
	}
	l.leads.Store(false)
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY { // another process does
		return nil, false, nil
	}
	return nil, false, b.s.fail("lead the upkeep of history", err)
}

// Lock implements history.Backend.
func (b *backend) Lock(ctx context.Context) (unlock func(), err error) {
	unlock, err = hold(ctx, b.s.locks.change, opTimeout)
	return unlock, b.s.fail("wait for a change of history", err)
}
