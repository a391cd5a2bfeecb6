package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// recentVersion is the schema of recent.db that this program knows; PRAGMA
// user_version keeps it.
const recentVersion = 2

// recentPage is the size of the pages of recent.db in bytes.
const recentPage = 4096

// Each of the two hot tables holds a generation, in turns: they are emptied as a
// whole, which SQLite does without looking at the rows. A head is as it was when
// something was last written that the hot tables do not say themselves.
const recentSchema = `
CREATE TABLE heads (
    device_id          INTEGER PRIMARY KEY,
    last_update        INTEGER NOT NULL,
    last_number        INTEGER NOT NULL,
    max_time           INTEGER NOT NULL,
    thinned            INTEGER NOT NULL,
    newest_time        INTEGER NOT NULL,
    newest_number      INTEGER NOT NULL, -- 0 for no position
    newest_fingerprint INTEGER NOT NULL,
    newest             BLOB              -- null: it is in a hot table
) STRICT;
CREATE TABLE generations (
    id     INTEGER PRIMARY KEY, -- its rows are in hot_0 or hot_1: id modulo 2
    since  INTEGER NOT NULL,
    sealed INTEGER NOT NULL
) STRICT;
` + recentSchema2

// What came with version 2: what the positions mean together, and positions in
// chunks (see chunk.go) instead of a row and an entry of an index each.
const recentSchema2 = `
ALTER TABLE heads ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;       -- storage.Arrival.Epoch
ALTER TABLE generations ADD COLUMN edits INTEGER NOT NULL DEFAULT 0; -- how often positions were erased
CREATE TABLE hot_0 (
    id     INTEGER PRIMARY KEY,
    points INTEGER NOT NULL, -- not erased
    rows   BLOB NOT NULL
) STRICT;
CREATE TABLE hot_1 (
    id     INTEGER PRIMARY KEY,
    points INTEGER NOT NULL,
    rows   BLOB NOT NULL
) STRICT;
CREATE TABLE hot_aside (
    id   INTEGER PRIMARY KEY,
    rows BLOB NOT NULL       -- a chunk that could not be read
) STRICT;
` + findingsSchema

// recent is recent.db.
type recent struct {
	writer  *sql.DB
	readers *sql.DB
	reader  *reader

	heads, current *sql.Stmt
	append         [2]*sql.Stmt
	setHeads       multi
	findings       findingStmts

	index hotIndex
	slice slice

	// turn holds the turn to write; who has it may use what follows.
	turn    chan struct{}
	known   map[int64]history.Head // without Newest.Position
	version int64                  // of the data that known is of; other processes change it
	chunks  []byte                 // room for them
}

// maxKnown bounds the heads that are kept in memory, some 100 bytes each.
const maxKnown = 1 << 17

func openRecent(ctx context.Context, path string, log *slog.Logger) (_ *recent, err error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	r := &recent{turn: make(chan struct{}, 1), known: make(map[int64]history.Head)}
	r.index.log, r.index.path = log, path
	if r.writer, r.readers, err = connect(path, recentPage); err != nil {
		return nil, err
	}
	r.reader = newReader(r.readers)
	if err = schema(ctx, r.writer, path, recentVersion, func(tx *sql.Tx, have int64) error {
		if have == 1 {
			return upgradeRecent(ctx, tx)
		}
		if _, err := tx.ExecContext(ctx, recentSchema); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO generations (id, since, sealed) VALUES (1, ?, 0)`, time.Now().UnixMilli())
		return err
	}); err == nil {
		err = r.prepare(ctx)
	}
	if err == nil {
		err = r.index.refresh(ctx, r.reader)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// schema has bring make the schema of an empty file (have is 0) or bring an
// older one up to date, and refuses one that is newer.
func schema(ctx context.Context, db *sql.DB, path string, known int64, bring func(tx *sql.Tx, have int64) error) error {
	var version int64
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil || version == known {
		return err // as nearly always, nothing to do and nobody to wait for
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after a commit
	var have, tables int64
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	switch {
	case have > known:
		return newer(path, have, known)
	case have == known:
		return nil
	case have == 0 && tables != 0, have < 0:
		return notOurs(path)
	}
	if err := bring(tx, have); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprint(`PRAGMA user_version = `, known)); err != nil {
		return err
	}
	return tx.Commit()
}

const headColumns = `device_id, last_update, last_number, max_time, thinned, newest_time, newest_number, newest_fingerprint, epoch`

// prepare prepares the statements of inserts on the writer beforehand: during a
// transaction it has no connection to do it on.
func (r *recent) prepare(ctx context.Context) (err error) {
	prepare := func(query string) (stmt *sql.Stmt) {
		if err == nil {
			stmt, err = r.writer.PrepareContext(ctx, query)
		}
		return stmt
	}
	r.heads = prepare(`SELECT ` + headColumns + ` FROM heads WHERE device_id IN (SELECT value FROM json_each(?))`)
	r.current = prepare(`SELECT id, CASE id % 2 WHEN 0 THEN (SELECT coalesce(max(id), 0) FROM hot_0) ELSE (SELECT coalesce(max(id), 0) FROM hot_1) END,
		data_version FROM generations, pragma_data_version WHERE sealed = 0`)
	for i := range r.append {
		r.append[i] = prepare(fmt.Sprintf(`INSERT INTO hot_%d (id, points, rows) VALUES (?, ?, ?)`, i))
	}
	if err != nil {
		return err
	}
	r.setHeads, err = prepareMulti(ctx, r.writer, `INSERT INTO heads (`+headColumns+`, newest) VALUES `, 10, ` ON CONFLICT (device_id) DO UPDATE SET
		last_update = excluded.last_update, last_number = excluded.last_number, max_time = excluded.max_time, thinned = excluded.thinned,
		newest_time = excluded.newest_time, newest_number = excluded.newest_number, newest_fingerprint = excluded.newest_fingerprint, epoch = excluded.epoch,
		newest = CASE WHEN excluded.newest IS NOT NULL THEN excluded.newest WHEN newest_number = excluded.newest_number THEN newest END`)
	if err != nil {
		return err
	}
	return r.findings.prepare(ctx, r.writer)
}

func (r *recent) close() error {
	err := r.readers.Close()
	if e := r.writer.Close(); err == nil {
		err = e
	}
	return err
}

// spoken calls do for the heads of devices: when they last spoke, and the
// number of their newest position.
func (r *recent) spoken(ctx context.Context, ids []int64, do func(id, lastUpdate int64, number uint32)) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return err
	}
	query, args := `SELECT `+headColumns+` FROM heads`, []any(nil)
	const many = 1000 // of more, it is as fast to read all
	if len(ids) == 1 {
		query, args = query+` WHERE device_id = ?`, []any{ids[0]}
	} else if len(ids) < many {
		query, args = query+` WHERE device_id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(ids)}
	}
	return r.reader.each(ctx, func(rows *sql.Rows) error {
		h, err := scanHead(rows)
		if err == nil {
			r.index.over(&h)
			do(h.DeviceID, h.LastUpdate, h.Newest.Number)
		}
		return err
	}, query, args...)
}

// multi is an INSERT of rows, prepared for some numbers of them: any number
// takes few statements, and few need be prepared.
type multi struct {
	columns int
	stmts   [len(multiSizes)]*sql.Stmt
}

var multiSizes = [...]int{64, 16, 4, 1}

func prepareMulti(ctx context.Context, db *sql.DB, insert string, columns int, tail string) (m multi, err error) {
	m.columns = columns
	one := `(?` + strings.Repeat(`,?`, columns-1) + `)`
	for i, n := range multiSizes {
		if m.stmts[i], err = db.PrepareContext(ctx, insert+one+strings.Repeat(`,`+one, n-1)+tail); err != nil {
			return m, err
		}
	}
	return m, nil
}

// run inserts n rows; bind appends the values of row i to args.
func (m *multi) run(ctx context.Context, tx *sql.Tx, n int, bind func(args []any, i int) []any) error {
	args := make([]any, 0, m.columns*min(n, multiSizes[0]))
	for i, size := 0, 0; i < n; {
		for multiSizes[size] > n-i {
			size++
		}
		args = args[:0]
		for range multiSizes[size] {
			args = bind(args, i)
			i++
		}
		if _, err := tx.StmtContext(ctx, m.stmts[size]).ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func scanHead(r scanner) (h history.Head, err error) {
	err = r.Scan(&h.DeviceID, &h.LastUpdate, &h.LastNumber, &h.MaxTime, &h.Thinned,
		&h.Newest.Time, &h.Newest.Number, &h.Newest.Fingerprint, &h.Epoch)
	h.Newest.DeviceID = h.DeviceID
	return h, err
}

// upgradeRecent brings version 1, with a row for each position, to version 2.
func upgradeRecent(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `ALTER TABLE hot_0 RENAME TO old_0; ALTER TABLE hot_1 RENAME TO old_1;`+recentSchema2); err != nil {
		return err
	}
	for table := range 2 {
		if err := chunkTable(ctx, tx, table); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`DROP TABLE old_%d`, table)); err != nil {
			return err
		}
	}
	return nil
}

func chunkTable(ctx context.Context, tx *sql.Tx, table int) error {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT o.device_id, o.time, o.number, o.fingerprint, o.position, h.last_update
		FROM old_%d AS o JOIN heads AS h USING (device_id) ORDER BY o.rowid`, table))
	if err != nil {
		return err
	}
	defer rows.Close()
	var w chunkWriter
	w.put = func(points int, chunk []byte) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO hot_%d (points, rows) VALUES (?, ?)`, table), points, chunk)
		w.room, w.begin = w.room[:0], 0
		return err
	}
	for rows.Next() {
		var r history.Row
		var lastUpdate int64
		if err := rows.Scan(&r.DeviceID, &r.Time, &r.Number, &r.Fingerprint, &r.Position, &lastUpdate); err != nil {
			return err
		}
		if err := w.add(&r, lastUpdate); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.close()
}
