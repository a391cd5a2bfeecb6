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
	}
	return b.failed(doing, err)
}

// Update implements history.Backend.
func (b *backend) Update(ctx context.Context, deviceIDs []int64, work func(context.Context, history.Tx, map[int64]*history.Head) error) error {
	return b.write(ctx, "write positions", func(ctx context.Context, tx *sql.Tx) error {
		t := &hotTx{backend: b, tx: tx}
		heads, err := t.heads(ctx, deviceIDs)
		if err != nil {
			return err
		}
		return work(ctx, t, heads)
	})
}

// hotTx is history.Tx. What it reads is read on other connections: they see
// what was there before the transaction, and there is no other writer.
type hotTx struct {
	*backend
	tx         *sql.Tx
	generation int64
	appended   bool
}

// heads finds the heads of devices: in memory, unless another process has
// written since, else in the file; a device without one in waymark.db.
func (t *hotTx) heads(ctx context.Context, ids []int64) (map[int64]*history.Head, error) {
	r := t.s.recent
	var version int64
	if err := t.tx.StmtContext(ctx, r.current).QueryRowContext(ctx).Scan(&t.generation, &version); err != nil {
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
func (t *hotTx) HotKeys(ctx context.Context, at []history.Key) ([]history.Key, error) {
	list := []byte{'['}
	for i, k := range at {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, '[')
		list = strconv.AppendInt(list, k.DeviceID, 10)
		list = append(list, ',')
		list = strconv.AppendInt(list, k.Time, 10)
		list = append(list, ']')
	}
	list = append(list, ']')
	keys, err := all(ctx, t.s.recent.reader, func(r scanner) (k history.Key, err error) {
		return k, r.Scan(&k.DeviceID, &k.Time, &k.Fingerprint)
	}, `WITH asked AS MATERIALIZED (SELECT value ->> 0 AS device_id, value ->> 1 AS time FROM json_each(?))
		SELECT h.device_id, h.time, h.fingerprint FROM asked AS a CROSS JOIN hot_0 AS h ON h.device_id = a.device_id AND h.time = a.time
		UNION ALL
		SELECT h.device_id, h.time, h.fingerprint FROM asked AS a CROSS JOIN hot_1 AS h ON h.device_id = a.device_id AND h.time = a.time`,
		string(list))
	return keys, t.failed("find positions", err)
}

// AppendHot implements history.Tx.
func (t *hotTx) AppendHot(ctx context.Context, rows []history.Row) error {
	t.appended = true
	return t.s.recent.append[t.generation%2].run(ctx, t.tx, len(rows), func(args []any, i int) []any {
		r := &rows[i]
		return append(args, r.DeviceID, r.Time, int64(r.Number), int64(r.Fingerprint), r.Position)
	})
}

// SetHeads implements history.Tx. Of heads the newest position is given if it
// is another one than before; if rows were appended it is one of them.
func (t *hotTx) SetHeads(ctx context.Context, heads []*history.Head) error {
	r := t.s.recent
	err := r.setHeads.run(ctx, t.tx, len(heads), func(args []any, i int) []any {
		h := heads[i]
		return append(args, h.DeviceID, h.LastUpdate, int64(h.LastNumber), h.MaxTime, h.Thinned,
			h.Newest.Time, int64(h.Newest.Number), int64(h.Newest.Fingerprint))
	})
	if err != nil {
		return err
	}
	for _, h := range heads {
		if h.Newest.Position != nil && !t.appended {
			if _, err := t.tx.StmtContext(ctx, r.setNewest).ExecContext(ctx, h.Newest.Position, h.DeviceID); err != nil {
				return err
			}
		}
		known := *h
		known.Newest.Position = nil
		r.known[h.DeviceID] = known
	}
	return nil
}

// Heads implements history.Backend.
func (b *backend) Heads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	query, args := `SELECT `+headColumns+`, coalesce(newest,
			(SELECT position FROM hot_0 WHERE device_id = d.device_id AND time = newest_time AND number = newest_number),
			(SELECT position FROM hot_1 WHERE device_id = d.device_id AND time = newest_time AND number = newest_number))
		FROM heads AS d`, []any(nil)
	if deviceIDs != nil {
		query, args = query+` WHERE device_id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(deviceIDs)}
	}
	heads, err := all(ctx, b.s.recent.reader, func(r scanner) (h history.Head, err error) {
		err = r.Scan(&h.DeviceID, &h.LastUpdate, &h.LastNumber, &h.MaxTime, &h.Thinned,
			&h.Newest.Time, &h.Newest.Number, &h.Newest.Fingerprint, &h.Newest.Position)
		h.Newest.DeviceID = h.DeviceID
		if h.Newest.Position == nil {
			h.Newest = history.Row{} // it was deleted, and its head was not
		}
		return h, err
	}, query+` ORDER BY device_id`, args...)
	return heads, b.failed("read what is known of devices", err)
}

func scanRow(r scanner) (h history.Row, err error) {
	return h, r.Scan(&h.DeviceID, &h.Time, &h.Number, &h.Fingerprint, &h.Position)
}

// hot queries both hot tables at one moment. where has its arguments numbered:
// it stands there twice.
func (b *backend) hot(ctx context.Context, where, tail string, args ...any) ([]history.Row, error) {
	const columns = `SELECT device_id, time, number, fingerprint, position FROM `
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	rows, err := all(ctx, b.s.recent.reader, scanRow,
		`SELECT * FROM (`+columns+`hot_0 WHERE `+where+tail+`) UNION ALL SELECT * FROM (`+columns+`hot_1 WHERE `+where+tail+`)`+tail, args...)
	return rows, b.failed("read recent positions", err)
}

// Hot implements history.Backend.
func (b *backend) Hot(ctx context.Context, deviceID, from int64, after uint32, to int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, `device_id = ?1 AND time BETWEEN ?2 AND ?4 AND (time > ?2 OR number > ?3)`, ` ORDER BY time, number LIMIT ?5`,
		deviceID, from, int64(after), to, limit)
}

// HotBefore implements history.Backend.
func (b *backend) HotBefore(ctx context.Context, deviceID, before int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, `device_id = ?1 AND time < ?2`, ` ORDER BY time DESC, number DESC LIMIT ?3`, deviceID, before, limit)
}

// HotNumbers implements history.Backend.
func (b *backend) HotNumbers(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Row, error) {
	return b.hot(ctx, `device_id = ?1 AND number IN (SELECT value FROM json_each(?2))`, ``, deviceID, jsonNumbers(numbers))
}

func jsonNumbers(numbers []uint32) string {
	ids := make([]int64, len(numbers))
	for i, n := range numbers {
		ids[i] = int64(n)
	}
	return jsonIDs(ids)
}

// Generations implements history.Backend.
func (b *backend) Generations(ctx context.Context) ([]history.Generation, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	generations, err := all(ctx, b.s.recent.reader, func(r scanner) (g history.Generation, err error) {
		return g, r.Scan(&g.ID, &g.Since, &g.Sealed)
	}, `SELECT id, since, sealed FROM generations ORDER BY id`)
	for i := range generations {
		if err != nil {
			break
		}
		g := &generations[i]
		table := `hot_` + strconv.FormatInt(g.ID%2, 10)
		var n []int64
		if n, err = all(ctx, b.s.recent.reader, scanID, `SELECT coalesce(max(rowid), 0) FROM `+table); err != nil || n[0] < history.CompactRows {
			g.Rows = sum(n)
			continue
		}
		g.Rows = n[0]
		n, err = all(ctx, b.s.recent.reader, scanID, `SELECT count(*) FROM heads AS d WHERE EXISTS (SELECT 1 FROM `+table+` WHERE device_id = d.device_id)`)
		g.Devices = sum(n)
	}
	return generations, b.failed("look at recent positions", err)
}

func sum(n []int64) (total int64) {
	for _, v := range n {
		total += v
	}
	return total
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

// ScanHot implements history.Backend.
func (b *backend) ScanHot(ctx context.Context, generation, afterDevice, afterTime int64, each func(*history.Row) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	var r history.Row
	var position sql.RawBytes
	var failed error
	err := b.s.recent.reader.each(ctx, func(rows *sql.Rows) error {
		if err := rows.Scan(&r.DeviceID, &r.Time, &r.Number, &r.Fingerprint, &position); err != nil {
			return err
		}
		r.Position = position
		failed = each(&r)
		return failed
	}, `SELECT device_id, time, number, fingerprint, position FROM hot_`+strconv.FormatInt(generation%2, 10)+`
		WHERE (device_id, time) > (?, ?) AND EXISTS (SELECT 1 FROM generations WHERE id = ? AND sealed = 1)
		ORDER BY device_id, time, number`, afterDevice, afterTime, generation)
	if failed != nil {
		return failed
	}
	return b.failed("read recent positions", err)
}

// DropHot implements history.Backend.
func (b *backend) DropHot(ctx context.Context, generation int64) error {
	return b.write(ctx, "drop recent positions", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM generations WHERE id = ? AND sealed = 1`, generation)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		table := `hot_` + strconv.FormatInt(generation%2, 10)
		if _, err := tx.ExecContext(ctx, `UPDATE heads SET newest = h.position FROM `+table+` AS h
			WHERE newest IS NULL AND newest_number <> 0
			AND h.device_id = heads.device_id AND h.time = newest_time AND h.number = newest_number`); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM `+table)
		return err
	})
}

// DeleteHot implements history.Backend.
func (b *backend) DeleteHot(ctx context.Context, deviceID, from, to int64) error {
	return b.write(ctx, "delete recent positions", func(ctx context.Context, tx *sql.Tx) error {
		return deleteHot(ctx, tx, deviceID, from, to)
	})
}

func deleteHot(ctx context.Context, tx *sql.Tx, deviceID, from, to int64) error {
	for _, table := range [...]string{`hot_0`, `hot_1`} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE device_id = ? AND time BETWEEN ? AND ?`, deviceID, from, to); err != nil {
			return err
		}
	}
	return nil
}
