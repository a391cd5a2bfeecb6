package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

var scanBlock = pgx.RowToStructByPos[history.Block]

const hour = int64(time.Hour / time.Millisecond)

// blocks reads those that a condition chooses. What the server finds damaged
// does not hide the others: they come with an error that wraps block.ErrCorrupt.
func (s *Store) blocks(ctx context.Context, doing, condition string, args ...any) ([]history.Block, error) {
	const columns = `SELECT b.device_id, b.first_time, b.last_time, b.min_number, b.max_number, b.points, `
	found, err := s.attempt(ctx, doing, columns+`b.data FROM position_blocks AS b`+condition, args...)
	if !isDamage(err) {
		return found, err
	}
	// The data of a block may lie elsewhere than the rest of it.
	found, err = s.attempt(ctx, doing, columns+`''::bytea FROM position_blocks AS b`+condition, args...)
	if isDamage(err) {
		return nil, damaged(err)
	}
	var damage []error
	kept := found[:0]
	for _, b := range found {
		whole, e := s.attempt(ctx, doing, columns+`b.data FROM position_blocks AS b
			WHERE b.device_id = $1 AND b.first_time = $2`, b.DeviceID, b.First)
		switch {
		case isDamage(e):
			damage = append(damage, fmt.Errorf("the block of device %d at %s: %w", b.DeviceID,
				time.UnixMilli(b.First).UTC().Format(time.DateTime), damaged(e)))
		case e != nil:
			return nil, e
		default: // none if it was replaced meanwhile
			kept = append(kept, whole...)
		}
	}
	return kept, errors.Join(append(damage, err)...)
}

// attempt reads blocks such that a transaction goes on if it fails.
func (s *Store) attempt(ctx context.Context, doing, query string, args ...any) ([]history.Block, error) {
	t := s.txOf(ctx)
	if t != nil {
		t.batch.Queue(`SAVEPOINT attempt`)
	}
	found, err := list(ctx, s, doing, scanBlock, query, args...)
	switch {
	case t == nil:
	case err == nil:
		t.batch.Queue(`RELEASE attempt`)
	case isDamage(err):
		t.batch.Queue(`ROLLBACK TO attempt`)
		err = errors.Join(err, t.flush(ctx)) // at once: a statement cannot be prepared before it
	}
	return found, err
}

// isDamage tells whether the server cannot read its own files.
func isDamage(err error) bool {
	return hasCode(err, "XX001") || hasCode(err, "XX002") // data_corrupted, index_corrupted
}

func damaged(err error) error {
	return fmt.Errorf("%w: check the server's disk and restore the database from a backup: %w", block.ErrCorrupt, err)
}

// Blocks implements history.Backend. A block ends less than an hour after it
// begins.
func (b backend) Blocks(ctx context.Context, deviceID, from, to int64, limit int) ([]history.Block, error) {
	return b.s.blocks(ctx, "read blocks", `
		WHERE b.device_id = $1 AND b.first_time BETWEEN $2 AND $3 AND b.last_time >= $4 ORDER BY b.first_time LIMIT $5`,
		deviceID, max(from, math.MinInt64+hour)-hour, to, from, limit)
}

// BlocksBefore implements history.Backend.
func (b backend) BlocksBefore(ctx context.Context, deviceID, before int64, limit int) ([]history.Block, error) {
	return b.s.blocks(ctx, "read blocks", `
		WHERE b.device_id = $1 AND b.first_time < $2 ORDER BY b.first_time DESC LIMIT $3`, deviceID, before, limit)
}

// BlocksWith implements history.Backend.
func (b backend) BlocksWith(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Block, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	return b.s.blocks(ctx, "find blocks", `
		WHERE b.device_id = $1 AND b.max_number >= $3 AND b.min_number <= $4
			AND EXISTS (SELECT FROM unnest($2::bigint[]) AS n (number) WHERE n.number BETWEEN b.min_number AND b.max_number)
		ORDER BY b.first_time`, deviceID, wide(numbers), int64(slices.Min(numbers)), int64(slices.Max(numbers)))
}

// DeleteBlocks implements history.Backend.
func (b backend) DeleteBlocks(ctx context.Context, deviceID, from, to int64) error {
	const doing = "delete blocks"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return b.s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
		if err := b.s.holdsLock(ctx, doing); err != nil {
			return err
		}
		_, err := b.s.exec(ctx, doing, `DELETE FROM position_blocks
			WHERE device_id = $1 AND first_time BETWEEN $2 AND $3 AND last_time <= $3`, deviceID, from, to)
		return err
	})
}

// ReplaceBlocks implements history.Backend. New blocks of devices that do not
// exist any more are left out.
func (b backend) ReplaceBlocks(ctx context.Context, changes []history.Change) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	months := make(map[month]*monthChange)
	for i := range changes {
		add(months, &changes[i])
	}
	err := b.replace(ctx, months)
	if b.s.txOf(ctx) != nil {
		return err
	}
	switch {
	case hasCode(err, "42P01"): // undefined_table: another process has dropped a month
		b.s.months.Clear()
		err = b.replace(ctx, months)
	case isDamage(err): // of what shall go aside: its data stays behind
		for _, c := range months {
			c.withoutData = true
		}
		err = b.replace(ctx, months)
	}
	if isDamage(err) {
		err = damaged(err)
	}
	return err
}

func (b backend) replace(ctx context.Context, months map[month]*monthChange) error {
	const doing = "replace blocks"
	there := make([]month, 0, len(months))
	for m, c := range months {
		ok, err := b.s.prepare(ctx, m, len(c.put) > 0)
		if err != nil {
			return err
		}
		if ok {
			there = append(there, m)
		}
	}
	slices.Sort(there) // the same order of locks in every process
	return b.s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
		t.durable()
		if err := b.s.holdsLock(ctx, doing); err != nil {
			return err
		}
		for _, m := range there {
			months[m].queue(t, m)
		}
		return b.s.fail(doing, t.flush(ctx))
	})
}

// monthChange is what changes in one month.
type monthChange struct {
	remove, aside keys
	put           []*history.Block
	withoutData   bool // what goes aside loses its data, which cannot be read
}

// keys name blocks: devices and First.
type keys struct{ deviceID, first []int64 }

func (k *keys) add(deviceID int64, first []int64) {
	for _, f := range first {
		k.deviceID, k.first = append(k.deviceID, deviceID), append(k.first, f)
	}
}

// add adds a change, which lies within one hour, to its month.
func add(months map[month]*monthChange, c *history.Change) {
	var at int64
	switch {
	case len(c.Put) > 0:
		at = c.Put[0].First
	case len(c.Remove) > 0:
		at = c.Remove[0]
	case len(c.Aside) > 0:
		at = c.Aside[0]
	default:
		return
	}
	m := monthOf(at)
	if months[m] == nil {
		months[m] = new(monthChange)
	}
	mc := months[m]
	mc.remove.add(c.DeviceID, c.Remove)
	mc.aside.add(c.DeviceID, c.Aside)
	for i := range c.Put {
		mc.put = append(mc.put, &c.Put[i])
	}
}

// queue names the month's own table: nothing to look for, no other locked.
func (c *monthChange) queue(t *tx, m month) {
	table := m.table()
	const named = ` USING unnest($1::bigint[], $2::bigint[]) AS k (device_id, first_time)
		WHERE b.device_id = k.device_id AND b.first_time = k.first_time`
	if len(c.remove.first) > 0 {
		t.batch.Queue(`DELETE FROM `+table+` AS b`+named, c.remove.deviceID, c.remove.first)
	}
	if len(c.aside.first) > 0 {
		kept := "b.data"
		if c.withoutData {
			kept = "''::bytea"
		}
		t.batch.Queue(`WITH gone AS (DELETE FROM `+table+` AS b`+named+`
				RETURNING b.device_id, b.first_time, b.last_time, b.min_number, b.max_number, b.points, `+kept+` AS data)
			INSERT INTO blocks_aside (device_id, first_time, last_time, min_number, max_number, points, data)
			SELECT device_id, first_time, last_time, min_number, max_number, points, data FROM gone`,
			c.aside.deviceID, c.aside.first)
	}
	if len(c.put) > 0 {
		c.queuePut(t, table)
	}
}

func (c *monthChange) queuePut(t *tx, table string) {
	n := len(c.put)
	ints := make([]int64, 5*n)
	deviceID, first, last, minNumber, maxNumber := ints[:n], ints[n:2*n], ints[2*n:3*n], ints[3*n:4*n], ints[4*n:]
	points, data := make([]int32, n), make([][]byte, n)
	for i, b := range c.put {
		deviceID[i], first[i], last[i] = b.DeviceID, b.First, b.Last
		minNumber[i], maxNumber[i] = int64(b.MinNumber), int64(b.MaxNumber)
		points[i], data[i] = int32(b.Points), b.Data
	}
	// The heads are locked so that no block outlives its device.
	t.batch.Queue(`WITH heads AS MATERIALIZED (
			SELECT device_id FROM device_heads WHERE device_id = ANY ($1) ORDER BY device_id FOR KEY SHARE)
		INSERT INTO `+table+` (device_id, first_time, last_time, min_number, max_number, points, data)
		SELECT b.device_id, b.first_time, b.last_time, b.min_number, b.max_number, b.points, b.data
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[], $7::bytea[])
			AS b (device_id, first_time, last_time, min_number, max_number, points, data)
		JOIN heads ON heads.device_id = b.device_id`,
		deviceID, first, last, minNumber, maxNumber, points, data)
}
