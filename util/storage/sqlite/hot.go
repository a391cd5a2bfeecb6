package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
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
			if was, ok := r.known[h.DeviceID]; !ok || was.LastNumber == h.LastNumber || was.Thinned != h.Thinned {
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
			h.Newest.Time, int64(h.Newest.Number), int64(h.Newest.Fingerprint), newest)
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

// Heads implements history.Backend.
func (b *backend) Heads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	heads, err := b.readHeads(ctx, deviceIDs)
	return heads, b.failed("read what is known of devices", err)
}

func (b *backend) readHeads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	r := b.s.recent
	// The index first: what moves on meanwhile is in the file then.
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return nil, err
	}
	query, args := `SELECT `+headColumns+`, newest FROM heads`, []any(nil)
	if deviceIDs != nil {
		query, args = query+` WHERE device_id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(deviceIDs)}
	}
	heads, err := all(ctx, r.reader, func(r scanner) (h history.Head, err error) {
		err = r.Scan(&h.DeviceID, &h.LastUpdate, &h.LastNumber, &h.MaxTime, &h.Thinned,
			&h.Newest.Time, &h.Newest.Number, &h.Newest.Fingerprint, &h.Newest.Position)
		h.Newest.DeviceID = h.DeviceID
		return h, err
	}, query+` ORDER BY device_id`, args...)
	if err != nil {
		return nil, err
	}
	var hot []located
	for i := range heads {
		h := &heads[i]
		r.index.over(h)
		if h.Newest.Number != 0 && h.Newest.Position == nil {
			hot = append(hot, r.index.at(h.DeviceID, h.Newest.Time, h.Newest.Number)...)
		}
	}
	rows, err := b.fetch(ctx, hot)
	if err != nil {
		return nil, err
	}
	newest := make(map[int64]history.Row, len(rows))
	for _, row := range rows {
		newest[row.DeviceID] = row
	}
	for i := range heads {
		if h := &heads[i]; h.Newest.Position == nil {
			h.Newest = newest[h.DeviceID] // none if it was deleted, and its head was not
		}
	}
	return heads, nil
}

// fetch reads positions from the hot tables, by device, time and number. What is
// not there any more is left out: it has moved into blocks, or is deleted.
func (b *backend) fetch(ctx context.Context, where []located) ([]history.Row, error) {
	rows := make([]history.Row, 0, len(where))
	slices.SortFunc(where, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.chunk, b.chunk), cmp.Compare(a.offset, b.offset))
	})
	for len(where) > 0 {
		n, generation := 1, where[0].generation
		for n < len(where) && where[n].generation == generation {
			n++
		}
		some := where[:n]
		where = where[n:]
		err := b.chunks(ctx, generation, some, func(chunk []byte, refs []located) error {
			for _, at := range refs {
				r, _, err := rowAt(chunk, int(at.offset))
				if err != nil || r.erased || r.DeviceID != at.deviceID || r.Number != at.number {
					continue
				}
				r.Position = slices.Clone(r.Position)
				rows = append(rows, r.Row)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Number, b.Number))
	})
	return rows, nil
}

// chunks reads the chunks that hold positions of a generation, which are in
// the order of chunks. Damaged ones were named when the index was read.
func (b *backend) chunks(ctx context.Context, generation int64, where []located, each func(chunk []byte, refs []located) error) error {
	var ids []int64
	for i, at := range where {
		if i == 0 || where[i-1].chunk != at.chunk {
			ids = append(ids, int64(at.chunk))
		}
	}
	var chunk sql.RawBytes
	return b.s.recent.reader.each(ctx, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id, &chunk); err != nil {
			return err
		}
		for int64(where[0].chunk) < id {
			where = where[1:]
		}
		n := 0
		for n < len(where) && int64(where[n].chunk) == id {
			n++
		}
		refs := where[:n]
		where = where[n:]
		if openChunk(chunk) != nil {
			return nil
		}
		return each(chunk, refs)
	}, `SELECT id, rows FROM hot_`+strconv.FormatInt(generation%2, 10)+`
		WHERE id IN (SELECT value FROM json_each(?)) AND EXISTS (SELECT 1 FROM generations WHERE id = ?) ORDER BY id`, jsonIDs(ids), generation)
}

// hot reads the positions of a device that pick chooses from those of each hot
// table; newestFirst turns their order.
func (b *backend) hot(ctx context.Context, deviceID int64, limit int, newestFirst bool, pick func([]hotRef) []hotRef) ([]history.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	r := b.s.recent
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return nil, b.failed("read recent positions", err)
	}
	found := r.index.find(deviceID, pick)
	if newestFirst {
		found = found[max(0, len(found)-limit):]
	} else {
		found = found[:min(limit, len(found))]
	}
	rows, err := b.fetch(ctx, found)
	if newestFirst {
		slices.Reverse(rows)
	}
	return rows, b.failed("read recent positions", err)
}

// Hot implements history.Backend.
func (b *backend) Hot(ctx context.Context, deviceID, from int64, after uint32, to int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, deviceID, limit, false, func(refs []hotRef) []hotRef { return between(refs, from, after, to, limit) })
}

// HotBefore implements history.Backend.
func (b *backend) HotBefore(ctx context.Context, deviceID, t int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, deviceID, limit, true, func(refs []hotRef) []hotRef { return before(refs, t, limit) })
}

// HotNumbers implements history.Backend.
func (b *backend) HotNumbers(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Row, error) {
	return b.hot(ctx, deviceID, math.MaxInt, false, func(refs []hotRef) (some []hotRef) {
		for _, r := range refs {
			if slices.Contains(numbers, r.number) {
				some = append(some, r)
			}
		}
		return some
	})
}

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

// DeleteHot implements history.Backend.
func (b *backend) DeleteHot(ctx context.Context, deviceID, from, to int64) error {
	return b.erase(ctx, "delete recent positions", deviceID, from, to, nil)
}

// erase blots out positions of a device, and runs more work in the same
// transaction.
func (b *backend) erase(ctx context.Context, doing string, deviceID, from, to int64, more func(context.Context, *sql.Tx) error) error {
	r := b.s.recent
	edits := make(map[int64]int64)
	var gone []located
	return b.writeThen(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		if err := r.index.refresh(ctx, r.reader); err != nil {
			return err
		}
		gone = r.index.find(deviceID, func(refs []hotRef) []hotRef { return between(refs, from-1, math.MaxUint32, to, len(refs)) })
		t := &hotTx{backend: b, tx: tx}
		if len(gone) > 0 {
			// What these positions say about the head is said by it from now on.
			heads, err := t.heads(ctx, []int64{deviceID})
			if err != nil {
				return err
			}
			if h := heads[deviceID]; h != nil {
				if err := t.saveHeads(ctx, []*history.Head{h}); err != nil {
					return err
				}
			}
		}
		if err := t.erase(ctx, gone, edits); err != nil {
			return err
		}
		if more == nil {
			return nil
		}
		return more(ctx, tx)
	}, func() {
		for generation, edit := range edits {
			r.index.erase(generation, edit, slices.DeleteFunc(slices.Clone(gone), func(g located) bool { return g.generation != generation }))
		}
	})
}

// erase writes the chunks anew that hold positions.
func (t *hotTx) erase(ctx context.Context, gone []located, edits map[int64]int64) error {
	slices.SortFunc(gone, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.chunk, b.chunk))
	})
	for len(gone) > 0 {
		n, generation := 1, gone[0].generation
		for n < len(gone) && gone[n].generation == generation {
			n++
		}
		table := `hot_` + strconv.FormatInt(generation%2, 10)
		err := t.backend.chunks(ctx, generation, gone[:n], func(chunk []byte, refs []located) error {
			chunk = slices.Clone(chunk)
			for _, at := range refs {
				if err := eraseRow(chunk, int(at.offset)); err != nil {
					return err
				}
			}
			_, err := t.tx.ExecContext(ctx, `UPDATE `+table+` SET points = points - ?, rows = ? WHERE id = ?`, len(refs), chunk, refs[0].chunk)
			return err
		})
		if err != nil {
			return err
		}
		var edit int64
		if err := t.tx.QueryRowContext(ctx, `UPDATE generations SET edits = edits + 1 WHERE id = ? RETURNING edits`, generation).Scan(&edit); err != nil {
			return err
		}
		edits[generation] = edit
		gone = gone[n:]
	}
	return nil
}
