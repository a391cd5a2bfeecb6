package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// backend is history.Backend on the files of a Store.
type backend struct{ s *Store }

var _ history.Backend = (*backend)(nil)

// failed says what was being done with recent.db and of which kind the
// error is.
func (b *backend) failed(doing string, err error) error {
	recentPath, _ := beside(b.s.path)
	return b.s.fail(doing, b.s.named(recentPath, err))
}

// write runs work in a transaction of recent.db.
func (b *backend) write(ctx context.Context, doing string, work func(context.Context, *sql.Tx) error) error {
	return b.writeThen(ctx, doing, work, func() {})
}

// writeThen is write, and done is called when all is on disk and before the next
// transaction begins.
func (b *backend) writeThen(ctx context.Context, doing string, work func(context.Context, *sql.Tx) error, done func()) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	r := b.s.recent
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return b.failed(doing, ctx.Err())
	}
	tx, err := r.writer.BeginTx(ctx, nil)
	if err != nil {
		return b.failed(doing, err)
	}
	defer tx.Rollback() // no effect after a commit
	if err = work(ctx, tx); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		clear(r.known) // of what did not come about
	} else {
		done()
	}
	return b.failed(doing, err)
}

// Update implements history.Backend.
func (b *backend) Update(ctx context.Context, deviceIDs []int64, work func(context.Context, history.Tx, map[int64]*history.Head) error) error {
	t := &hotTx{backend: b}
	return b.writeThen(ctx, "write positions", func(ctx context.Context, tx *sql.Tx) error {
		t.tx = tx
		heads, err := t.heads(ctx, deviceIDs)
		if err != nil {
			return err
		}
		if err := work(ctx, t, heads); err != nil {
			return err
		}
		return t.flush(ctx, heads)
	}, t.applied)
}

// hotTx is history.Tx. What it reads is read on other connections: they see
// what was there before the transaction, and there is no other writer.
type hotTx struct {
	*backend
	tx         *sql.Tx
	generation int64
	last       int64 // id of the newest chunk
	rows       []history.Row
	chunks     chunkWriter
	ends       []int // of the chunks in its room
}

// heads finds the heads of devices: in memory, unless another process has
// written since, else in the file; a device without one in waymark.db.
func (t *hotTx) heads(ctx context.Context, ids []int64) (map[int64]*history.Head, error) {
	r := t.s.recent
	var version int64
	if err := t.tx.StmtContext(ctx, r.current).QueryRowContext(ctx).Scan(&t.generation, &t.last, &version); err != nil {
		return nil, fmt.Errorf("find the current generation: %w", err)
	}
	if version != r.version || len(r.known) > maxKnown {
		clear(r.known)
		r.version = version
	}
	heads := make(map[int64]*history.Head, len(ids))
	all := make([]history.Head, 0, len(ids)) // it does not grow: pointers into it stay good
	var missing []int64
	for _, id := range ids {
		if h, ok := r.known[id]; ok {
			all = append(all, h)
			heads[id] = &all[len(all)-1]
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return heads, nil
	}
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return nil, err
	}
	rows, err := t.tx.StmtContext(ctx, r.heads).QueryContext(ctx, jsonIDs(missing))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		h, err := scanHead(rows)
		if err != nil {
			return nil, err
		}
		r.index.over(&h)
		r.known[h.DeviceID] = h
		all = append(all, h)
		heads[h.DeviceID] = &all[len(all)-1]
	}
	if err := rows.Err(); err != nil || len(heads) == len(ids) {
		return heads, err
	}
	missing = slices.DeleteFunc(missing, func(id int64) bool { return heads[id] != nil })
	found, err := list(ctx, t.s, "find devices", scanID, `SELECT id FROM devices WHERE id IN (SELECT value FROM json_each(?))`, jsonIDs(missing))
	if err != nil {
		return nil, err
	}
	for _, id := range found {
		heads[id] = &history.Head{DeviceID: id, LastUpdate: history.ZeroTime}
	}
	return heads, nil
}

// HotKeys implements history.Tx.
func (t *hotTx) HotKeys(ctx context.Context, at []history.Key) (keys []history.Key, err error) {
	if err := t.s.recent.index.refresh(ctx, t.s.recent.reader); err != nil {
		return nil, t.failed("find positions", err)
	}
	for _, k := range at {
		keys = t.s.recent.index.keys(keys, k.DeviceID, k.Time)
	}
	return keys, nil
}

// AppendHot implements history.Tx.
func (t *hotTx) AppendHot(_ context.Context, rows []history.Row) error {
	t.rows = append(t.rows, rows...)
	return nil
}

// SetHeads implements history.Tx. What the positions of this transaction say
// themselves need not be written: see hotIndex.over.
func (t *hotTx) SetHeads(ctx context.Context, heads []*history.Head) error {
	r := t.s.recent
	unsaid := heads
	if len(t.rows) > 0 {
		unsaid = nil
		for _, h := range heads {
			if was, ok := r.known[h.DeviceID]; !ok || was.LastNumber == h.LastNumber || was.Thinned != h.Thinned || was.Epoch != h.Epoch {
				unsaid = append(unsaid, h)
			}
		}
	}
	if err := t.saveHeads(ctx, unsaid); err != nil {
		return err
	}
	for _, h := range heads {
		known := *h
		known.Newest.Position = nil
		r.known[h.DeviceID] = known
	}
	return nil
}

// saveHeads writes heads. A newest position that is given is written, unless it
// lies in a hot table; one that is not stays if it is the same.
func (t *hotTx) saveHeads(ctx context.Context, heads []*history.Head) error {
	return t.s.recent.setHeads.run(ctx, t.tx, len(heads), func(args []any, i int) []any {
		h := heads[i]
		newest := h.Newest.Position
		if len(t.rows) > 0 {
			newest = nil
		}
		return append(args, h.DeviceID, h.LastUpdate, int64(h.LastNumber), h.MaxTime, h.Thinned,
			h.Newest.Time, int64(h.Newest.Number), int64(h.Newest.Fingerprint), h.Epoch, newest)
	})
}

// flush writes what was appended, in chunks.
func (t *hotTx) flush(ctx context.Context, heads map[int64]*history.Head) error {
	if len(t.rows) == 0 {
		return nil
	}
	insert := t.tx.StmtContext(ctx, t.s.recent.append[t.generation%2])
	t.chunks = chunkWriter{room: t.s.recent.chunks[:0], put: func(points int, chunk []byte) error {
		t.ends = append(t.ends, len(t.chunks.room))
		_, err := insert.ExecContext(ctx, t.last+int64(len(t.ends)), points, chunk)
		return err
	}}
	for i := range t.rows {
		r := &t.rows[i]
		if err := t.chunks.add(r, heads[r.DeviceID].LastUpdate); err != nil {
			return err
		}
	}
	return t.chunks.close()
}

// applied tells the index what was written.
func (t *hotTx) applied() {
	r := t.s.recent
	if cap(t.chunks.room) <= maxChunks {
		r.chunks = t.chunks.room
	}
	begin := 0
	for i, end := range t.ends {
		r.index.apply(t.generation, t.last+1+int64(i), t.chunks.room[begin:end])
		begin = end
	}
}

// maxChunks bounds the room for chunks that is kept for the next transaction.
const maxChunks = 1 << 20

// Generations implements history.Backend.
func (b *backend) Generations(ctx context.Context) ([]history.Generation, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if err := b.s.recent.index.refresh(ctx, b.s.recent.reader); err != nil {
		return nil, b.failed("look at recent positions", err)
	}
	return b.s.recent.index.generations(), nil
}

// Seal implements history.Backend.
func (b *backend) Seal(ctx context.Context, now int64) error {
	return b.write(ctx, "seal recent positions", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE generations SET sealed = 1 WHERE (SELECT count(*) FROM generations) = 1`)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO generations (id, since, sealed) SELECT max(id) + 1, ?, 0 FROM generations`, now)
		return err
	})
}

// DropHot implements history.Backend.
func (b *backend) DropHot(ctx context.Context, generation int64) error {
	r := b.s.recent
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return b.failed("drop recent positions", err)
	}
	ids, _ := r.index.devicesOf(generation)
	// What the positions say about heads goes into these.
	heads, err := b.Heads(ctx, ids)
	if err != nil {
		return err
	}
	return b.write(ctx, "drop recent positions", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM generations WHERE id = ? AND sealed = 1`, generation)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		t := &hotTx{backend: b, tx: tx}
		now, err := t.heads(ctx, ids)
		if err != nil {
			return err
		}
		var save []*history.Head
		for i := range heads {
			h := now[heads[i].DeviceID]
			if h == nil {
				continue // its device is gone
			}
			if h.Newest.Number == heads[i].Newest.Number {
				h.Newest.Position = heads[i].Newest.Position
			}
			save = append(save, h)
		}
		if err := t.saveHeads(ctx, save); err != nil {
			return err
		}
		table := `hot_` + strconv.FormatInt(generation%2, 10)
		if _, err := tx.ExecContext(ctx, `INSERT INTO hot_aside (rows) SELECT rows FROM `+table+` WHERE id IN (SELECT value FROM json_each(?))`,
			jsonIDs(r.index.damaged(generation))); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM `+table)
		return err
	})
}
