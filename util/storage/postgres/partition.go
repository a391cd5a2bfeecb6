package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// politeWait is how long a change of tables waits for a lock, because
	// everybody else queues behind it.
	politeWait = 100 * time.Millisecond
	// minPause and maxPause are between its attempts.
	minPause, maxPause = 20 * time.Millisecond, time.Second
)

// politely is transact for work that takes strong locks: it waits for them for
// a moment only and tries again after a pause, until ctx ends.
func (s *Store) politely(ctx context.Context, doing string, work func(ctx context.Context, t *tx) error) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
			t.batch.Queue(`SET LOCAL lock_timeout = ` + millis(politeWait))
			return work(ctx, t)
		})
		if !hasCode(err, "55P03") { // lock_not_available
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func hasCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

// attach makes a table a partition, if it is not there yet. Unlike CREATE TABLE
// ... PARTITION OF it lets others go on reading and writing meanwhile.
func (s *Store) attach(ctx context.Context, t *tx, doing, parent, name, bounds, options string) error {
	t.batch.Queue(`LOCK TABLE ` + parent + ` IN SHARE UPDATE EXCLUSIVE MODE`) // one at a time
	there, err := one(ctx, s, doing, scanBool, `SELECT to_regclass($1) IS NOT NULL`, name)
	if err != nil || there {
		return err
	}
	t.batch.Queue(fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING ALL) WITH (%s)`, name, parent, options))
	t.batch.Queue(fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES %s`, parent, name, bounds))
	return nil
}
