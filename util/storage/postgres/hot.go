package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
)

const selectHot = `SELECT device_id, time, number, fingerprint, position FROM hot`

func scanHot(r pgx.CollectableRow) (h history.Row, err error) {
	var fingerprint int32
	err = r.Scan(&h.DeviceID, &h.Time, &h.Number, &fingerprint, &h.Position)
	h.Fingerprint = uint32(fingerprint)
	return h, err
}

// Hot implements history.Backend.
func (b backend) Hot(ctx context.Context, deviceID, from int64, after uint32, to int64, limit int) ([]history.Row, error) {
	return list(ctx, b.s, "read hot positions", scanHot, selectHot+`
		WHERE device_id = $1 AND (time, number) > ($2, $3::bigint) AND time <= $4 ORDER BY time, number LIMIT $5`,
		deviceID, from, int64(after), to, limit)
}

// HotBefore implements history.Backend.
func (b backend) HotBefore(ctx context.Context, deviceID, before int64, limit int) ([]history.Row, error) {
	return list(ctx, b.s, "read hot positions", scanHot, selectHot+`
		WHERE device_id = $1 AND time < $2 ORDER BY time DESC, number DESC LIMIT $3`, deviceID, before, limit)
}

// HotNumbers implements history.Backend. The index holds the numbers, in
// another order: it is read for the whole device, the rows are not.
func (b backend) HotNumbers(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Row, error) {
	return list(ctx, b.s, "find hot positions", scanHot, selectHot+`
		WHERE device_id = $1 AND number = ANY ($2) ORDER BY time, number`, deviceID, wide(numbers))
}

// wide makes numbers what the database can hold.
func wide(numbers []uint32) []int64 {
	out := make([]int64, len(numbers))
	for i, n := range numbers {
		out[i] = int64(n)
	}
	return out
}

// DeleteHot implements history.Backend.
func (b backend) DeleteHot(ctx context.Context, deviceID, from, to int64) error {
	const doing = "delete hot positions"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return b.s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
		if err := b.s.holdsLock(ctx, doing); err != nil {
			return err
		}
		_, err := b.s.exec(ctx, doing, `DELETE FROM hot WHERE device_id = $1 AND time BETWEEN $2 AND $3`, deviceID, from, to)
		return err
	})
}

// scanPage is how many rows ScanHot holds at a time: about a megabyte.
const scanPage = 4000

// ScanHot implements history.Backend. No connection is held while each works.
// The query names the generation's own table, so that it is planned for what
// that holds.
func (b backend) ScanHot(ctx context.Context, generation, afterDevice, afterTime int64, each func(*history.Row) error) error {
	query := `SELECT device_id, time, number, fingerprint, position FROM ` + hotTable(generation) + `
		WHERE (device_id, time, number) > ($1, $2, $3::bigint) ORDER BY device_id, time, number LIMIT $4`
	last := history.Row{DeviceID: afterDevice, Time: afterTime, Number: math.MaxUint32}
	for {
		rows, err := list(ctx, b.s, "read a generation", scanHot, query, last.DeviceID, last.Time, int64(last.Number), scanPage)
		if hasCode(err, "42P01") { // undefined_table: it is dropped
			return nil
		}
		if err != nil {
			return err
		}
		for i := range rows {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < scanPage {
			return nil
		}
		last = rows[scanPage-1]
	}
}

// Generations implements history.Backend. The rows of small generations are
// counted, those of others told from their size, as the planner does.
func (b backend) Generations(ctx context.Context) ([]history.Generation, error) {
	const doing = "list generations"
	type generation struct {
		ID, Since    int64
		Sealed       bool
		Pages, Guess int64
	}
	// to_regclass and pg_relation_size are null for a table that was dropped.
	found, err := list(ctx, b.s, doing, pgx.RowToStructByPos[generation], `SELECT g.id, g.since, g.sealed, coalesce(s.pages, 0),
			coalesce(CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE 40 END * s.pages, 0)::bigint
		FROM hot_generations AS g
		LEFT JOIN pg_class AS c ON c.oid = to_regclass('hot_' || g.id)
		CROSS JOIN LATERAL (SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages) AS s
		ORDER BY g.id`)
	if err != nil {
		return nil, err
	}
	out := make([]history.Generation, len(found))
	for i, f := range found {
		g := &out[i]
		*g = history.Generation{ID: f.ID, Since: f.Since, Sealed: f.Sealed, Rows: f.Guess}
		if f.Pages < countedPages {
			g.Rows, err = one(ctx, b.s, doing, scanID, `SELECT count(*) FROM hot WHERE generation = $1`, g.ID)
		} else {
			g.Devices, err = b.devicesIn(ctx, doing, g.ID)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// devicesIn counts the devices of a generation by going from one to the next in
// the index.
func (b backend) devicesIn(ctx context.Context, doing string, generation int64) (int64, error) {
	return one(ctx, b.s, doing, scanID, `WITH RECURSIVE device AS (
			SELECT min(device_id) AS id FROM hot WHERE generation = $1
			UNION ALL
			SELECT (SELECT min(h.device_id) FROM hot AS h WHERE h.generation = $1 AND h.device_id > device.id)
			FROM device WHERE device.id IS NOT NULL
		) SELECT count(id) FROM device`, generation)
}

// countedPages is up to which size the rows of a generation are counted: some
// 10,000 of them.
const countedPages = 256

// Seal implements history.Backend. The table of the next generation is there
// before the moment that it is needed, which is short.
func (b backend) Seal(ctx context.Context, now int64) error {
	const doing = "seal a generation"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	current, err := b.current(ctx, doing)
	if err != nil || current == 0 {
		return err
	}
	next := hotTable(current + 1)
	err = b.s.politely(ctx, doing, func(ctx context.Context, t *tx) error {
		return b.s.attach(ctx, t, doing, "hot", next, fmt.Sprintf("IN (%d)", current+1), "autovacuum_vacuum_insert_threshold = -1")
	})
	if err != nil {
		return err
	}
	return b.s.politely(ctx, doing, func(ctx context.Context, t *tx) error {
		t.durable()
		t.batch.Queue(`LOCK TABLE hot_generations IN EXCLUSIVE MODE`) // waits for who adds rows
		if again, err := b.current(ctx, doing); err != nil || again != current {
			return err // another process was quicker
		}
		t.batch.Queue(`UPDATE hot_generations SET sealed = true WHERE id = $1`, current)
		t.batch.Queue(`INSERT INTO hot_generations (id, since, sealed)
			VALUES ($1, $2, false)`, current+1, now)
		return nil
	})
}

// current is the current generation, 0 while a sealed one is left.
func (b backend) current(ctx context.Context, doing string) (int64, error) {
	return one(ctx, b.s, doing, scanID, `SELECT CASE WHEN bool_or(sealed) THEN 0 ELSE max(id) END FROM hot_generations`)
}

// hotTable is the table of a generation, which needs no quotes.
func hotTable(generation int64) string { return fmt.Sprintf("hot_%d", generation) }

// DropHot implements history.Backend. A generation that is gone is no error.
func (b backend) DropHot(ctx context.Context, generation int64) error {
	const doing = "drop a generation"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return b.s.politely(ctx, doing, func(ctx context.Context, t *tx) error {
		if err := b.s.holdsLock(ctx, doing); err != nil {
			return err
		}
		open, err := list(ctx, b.s, doing, scanID, `SELECT id FROM hot_generations WHERE id = $1 AND NOT sealed`, generation)
		if err != nil {
			return err
		}
		if len(open) > 0 {
			return fmt.Errorf("%s: generation %d is not sealed: %w", doing, generation, data.ErrConflict)
		}
		t.batch.Queue(`DROP TABLE IF EXISTS ` + hotTable(generation))
		t.batch.Queue(`DELETE FROM hot_generations WHERE id = $1`, generation)
		return nil
	})
}
