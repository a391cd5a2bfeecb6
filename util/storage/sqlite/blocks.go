package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// secondBits is how much of a block's key is the second, counted from the
// year 1: enough for the year 9999.
const secondBits = 40

// blockID is the key of the block of a device that begins at a time.
func blockID(deviceID, ms int64) int64 {
	ms = min(max(ms, history.ZeroTime), math.MaxInt64/2)
	return deviceID<<secondBits | min((ms-history.ZeroTime)/1000, 1<<secondBits-1)
}

const selectBlocks = `SELECT id, first, last, min_number, max_number, points, data FROM blocks WHERE `

func scanBlock(r scanner) (b history.Block, err error) {
	err = r.Scan(&b.DeviceID, &b.First, &b.Last, &b.MinNumber, &b.MaxNumber, &b.Points, &b.Data)
	b.DeviceID >>= secondBits
	return b, err
}

// gather adds the blocks of some months that a query finds, until there are
// limit. Months that are damaged are left out, and named in the error.
func (b *backend) gather(ctx context.Context, months []int64, limit int, where string, args func(left int) []any) (blocks []history.Block, err error) {
	var damage error
	for _, at := range months {
		if len(blocks) >= limit {
			break
		}
		err := b.s.months.use(ctx, at, false, func(ctx context.Context, m *month) error {
			some, err := all(ctx, m.reader, scanBlock, selectBlocks+where, args(limit-len(blocks))...)
			blocks = append(blocks, some...)
			return err
		})
		if errors.Is(err, block.ErrCorrupt) {
			damage = errors.Join(damage, err)
		} else if err != nil {
			return nil, b.s.fail("read history", err)
		}
	}
	return blocks, damage
}

// Blocks implements history.Backend. What overlaps a time begins in its hour.
func (b *backend) Blocks(ctx context.Context, deviceID, from, to int64, limit int) ([]history.Block, error) {
	if from > to {
		return nil, nil
	}
	begin := max(history.Hour(max(from, history.ZeroTime)), history.ZeroTime)
	months, err := b.s.months.between(begin, to)
	if err != nil {
		return nil, b.s.fail("list history", err)
	}
	return b.gather(ctx, months, limit, `id BETWEEN ? AND ? AND last >= ? AND first <= ? ORDER BY id LIMIT ?`, func(left int) []any {
		return []any{blockID(deviceID, begin), blockID(deviceID, to), from, to, left}
	})
}

// BlocksBefore implements history.Backend.
func (b *backend) BlocksBefore(ctx context.Context, deviceID, before int64, limit int) ([]history.Block, error) {
	months, err := b.s.months.between(history.ZeroTime, before)
	if err != nil {
		return nil, b.s.fail("list history", err)
	}
	slices.Reverse(months)
	return b.gather(ctx, months, limit, `id BETWEEN ? AND ? AND first < ? ORDER BY id DESC LIMIT ?`, func(left int) []any {
		return []any{blockID(deviceID, history.ZeroTime), blockID(deviceID, before), before, left}
	})
}

// BlocksWith implements history.Backend.
func (b *backend) BlocksWith(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Block, error) {
	months, err := b.s.months.between(history.ZeroTime, math.MaxInt64)
	if err != nil {
		return nil, b.s.fail("list history", err)
	}
	list := jsonNumbers(numbers)
	return b.gather(ctx, months, math.MaxInt, `id BETWEEN ? AND ?
		AND EXISTS (SELECT 1 FROM json_each(?) AS n WHERE n.value BETWEEN min_number AND max_number)`, func(int) []any {
		return []any{blockID(deviceID, history.ZeroTime), blockID(deviceID, math.MaxInt64), list}
	})
}

// BlocksAt implements history.Tx: a query for each device and hour.
func (t *hotTx) BlocksAt(ctx context.Context, at []history.Key) (blocks []history.Block, err error) {
	at = slices.Clone(at)
	slices.SortFunc(at, func(a, b history.Key) int {
		return cmp.Or(cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.Time, b.Time))
	})
	var damage error
	for len(at) > 0 {
		n, hour := 1, history.Hour(at[0].Time)
		for n < len(at) && at[n].DeviceID == at[0].DeviceID && history.Hour(at[n].Time) == hour {
			n++
		}
		some, err := t.Blocks(ctx, at[0].DeviceID, at[0].Time, at[n-1].Time, math.MaxInt32)
		if errors.Is(err, block.ErrCorrupt) {
			damage = errors.Join(damage, err)
		} else if err != nil {
			return nil, err
		}
		blocks = append(blocks, some...)
		at = at[n:]
	}
	return blocks, damage
}

// ReplaceBlocks implements history.Backend.
func (b *backend) ReplaceBlocks(ctx context.Context, changes []history.Change) error {
	byMonth := make(map[int64][]*history.Change)
	for i := range changes {
		c := &changes[i]
		for _, first := range [][]int64{c.Remove, c.Aside, firsts(c.Put)} {
			if len(first) > 0 {
				at := history.Month(first[0])
				byMonth[at] = append(byMonth[at], c)
				break
			}
		}
	}
	for at, some := range byMonth {
		if err := b.changeMonth(ctx, at, true, func(ctx context.Context, tx *sql.Tx) error { return replace(ctx, tx, some) }); err != nil {
			return b.s.fail("write history", err)
		}
	}
	return nil
}

func firsts(blocks []history.Block) (out []int64) {
	for i := range blocks {
		out = append(out, blocks[i].First)
	}
	return out
}

func replace(ctx context.Context, tx *sql.Tx, changes []*history.Change) error {
	remove, err := tx.PrepareContext(ctx, `DELETE FROM blocks WHERE id = ?`)
	if err != nil {
		return err
	}
	defer remove.Close()
	put, err := tx.PrepareContext(ctx, `INSERT INTO blocks (id, first, last, min_number, max_number, points, data) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, c := range changes {
		for _, first := range c.Aside {
			if _, err := tx.ExecContext(ctx, `INSERT INTO blocks_aside SELECT id, first, last, min_number, max_number, points, data FROM blocks WHERE id = ?`,
				blockID(c.DeviceID, first)); err != nil {
				return err
			}
		}
		for _, first := range slices.Concat(c.Aside, c.Remove) {
			if _, err := remove.ExecContext(ctx, blockID(c.DeviceID, first)); err != nil {
				return err
			}
		}
		for i := range c.Put {
			p := &c.Put[i]
			if _, err := put.ExecContext(ctx, blockID(c.DeviceID, p.First), p.First, p.Last, int64(p.MinNumber), int64(p.MaxNumber), p.Points, p.Data); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeMonth runs work in a transaction of a month's file, then gives back
// room if much of it is empty.
func (b *backend) changeMonth(ctx context.Context, at int64, create bool, work func(context.Context, *sql.Tx) error) error {
	return b.s.months.use(ctx, at, create, func(ctx context.Context, m *month) error {
		tx, err := m.reader.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // no effect after a commit
		if err := work(ctx, tx); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		return giveBack(ctx, m.reader.db)
	})
}

// giveBack shortens a file of which more than a quarter, and a megabyte, is empty.
func giveBack(ctx context.Context, db *sql.DB) error {
	const least = 256 // pages of 4 KiB
	var free, pages int64
	if err := db.QueryRowContext(ctx, `SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count`).Scan(&free, &pages); err != nil {
		return err
	}
	if free < least || free < pages/4 {
		return nil
	}
	rows, err := db.QueryContext(ctx, `PRAGMA incremental_vacuum`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // a row stands for a page
	}
	return rows.Err()
}

// DeleteBlocks implements history.Backend.
func (b *backend) DeleteBlocks(ctx context.Context, deviceID, from, to int64) error {
	months, err := b.s.months.between(from, to)
	if err != nil {
		return b.s.fail("list history", err)
	}
	for _, at := range months {
		err := b.changeMonth(ctx, at, false, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM blocks WHERE id BETWEEN ? AND ? AND first >= ? AND last <= ?`,
				blockID(deviceID, from), blockID(deviceID, to), from, to)
			return err
		})
		if err != nil {
			return b.s.fail("delete history", err)
		}
	}
	return nil
}

// DropDevice implements history.Backend.
func (b *backend) DropDevice(ctx context.Context, deviceID int64) error {
	// Without a head and a device, nothing more is inserted.
	err := b.erase(ctx, "delete history of device", deviceID, math.MinInt64+1, math.MaxInt64, func(ctx context.Context, tx *sql.Tx) error {
		delete(b.s.recent.known, deviceID)
		_, err := tx.ExecContext(ctx, `UPDATE heads SET newest_number = 0, newest = NULL WHERE device_id = ?`, deviceID)
		return err
	})
	if err != nil {
		return err
	}
	if err := b.DeleteBlocks(ctx, deviceID, math.MinInt64, math.MaxInt64); err != nil {
		return err
	}
	// The head goes last: as long as it is there, the rest is looked for (forgetStrangers).
	return b.erase(ctx, "delete history of device", deviceID, math.MinInt64+1, math.MaxInt64, func(ctx context.Context, tx *sql.Tx) error {
		delete(b.s.recent.known, deviceID)
		for _, table := range [...]string{`trips`, `stops`, `days`, `checkpoints`, `events`, `heads`} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE device_id = ?`, deviceID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Spans implements history.Backend.
func (b *backend) Spans(context.Context) ([]int64, error) {
	months, err := b.s.months.between(math.MinInt64, math.MaxInt64)
	return months, b.s.fail("list history", err)
}

// DropSpan implements history.Backend.
func (b *backend) DropSpan(_ context.Context, month int64) error {
	return b.s.fail("delete a month of history", b.s.months.drop(month))
}

func jsonNumbers(numbers []uint32) string {
	ids := make([]int64, len(numbers))
	for i, n := range numbers {
		ids[i] = int64(n)
	}
	return jsonIDs(ids)
}
