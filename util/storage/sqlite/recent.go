package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// recentVersion is the schema of recent.db that this program knows; PRAGMA
// user_version keeps it.
const recentVersion = 1

// recentPage is the size of the pages of recent.db in bytes. A batch changes a
// page of the index for nearly each of its positions, which small ones make less
// to write; still smaller ones take more time than that saves.
const recentPage = 2048

// Each of the two hot tables holds a generation, in turns: they are emptied as a
// whole, which SQLite does without looking at the rows. Heads are small, so that
// a batch changes few pages of them; their newest position comes to them when
// it leaves the hot tables.
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
CREATE TABLE hot_0 (
    device_id   INTEGER,
    time        INTEGER,
    number      INTEGER,
    fingerprint INTEGER,
    position    BLOB
);
CREATE INDEX hot_0_time ON hot_0 (device_id, time);
CREATE TABLE hot_1 (
    device_id   INTEGER,
    time        INTEGER,
    number      INTEGER,
    fingerprint INTEGER,
    position    BLOB
);
CREATE INDEX hot_1_time ON hot_1 (device_id, time);
`

// recent is recent.db.
type recent struct {
	writer  *sql.DB
	readers *sql.DB
	reader  *reader

	heads, current, setNewest *sql.Stmt
	append                    [2]multi
	setHeads                  multi

	// turn holds the turn to write; who has it may use what follows.
	turn    chan struct{}
	known   map[int64]history.Head // without Newest.Position
	version int64                  // of the data that known is of; other processes change it
}

// maxKnown bounds the heads that are kept in memory, some 100 bytes each.
const maxKnown = 1 << 17

func openRecent(ctx context.Context, path string) (_ *recent, err error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	r := &recent{turn: make(chan struct{}, 1), known: make(map[int64]history.Head)}
	if r.writer, r.readers, err = connect(path, recentPage); err != nil {
		return nil, err
	}
	r.reader = newReader(r.readers)
	if err = schema(ctx, r.writer, path, recentVersion, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, recentSchema); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO generations (id, since, sealed) VALUES (1, ?, 0)`, time.Now().UnixMilli())
		return err
	}); err == nil {
		err = r.prepare(ctx)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// schema makes the schema of an empty file and refuses one that is newer.
func schema(ctx context.Context, db *sql.DB, path string, known int64, create func(*sql.Tx) error) error {
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
	case have != 0 || tables != 0:
		return notOurs(path)
	}
	if err := create(tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprint(`PRAGMA user_version = `, known)); err != nil {
		return err
	}
	return tx.Commit()
}

const headColumns = `device_id, last_update, last_number, max_time, thinned, newest_time, newest_number, newest_fingerprint`

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
	r.current = prepare(`SELECT id, data_version FROM generations, pragma_data_version WHERE sealed = 0`)
	r.setNewest = prepare(`UPDATE heads SET newest = ? WHERE device_id = ?`)
	if err != nil {
		return err
	}
	for i := range r.append {
		r.append[i], err = prepareMulti(ctx, r.writer, fmt.Sprintf(`INSERT INTO hot_%d (device_id, time, number, fingerprint, position) VALUES `, i), 5, ``)
		if err != nil {
			return err
		}
	}
	r.setHeads, err = prepareMulti(ctx, r.writer, `INSERT INTO heads (`+headColumns+`) VALUES `, 8, ` ON CONFLICT (device_id) DO UPDATE SET
		last_update = excluded.last_update, last_number = excluded.last_number, max_time = excluded.max_time, thinned = excluded.thinned,
		newest_time = excluded.newest_time, newest_number = excluded.newest_number, newest_fingerprint = excluded.newest_fingerprint,
		newest = CASE WHEN newest_number = excluded.newest_number THEN newest END`)
	return err
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
	query, args := `SELECT device_id, last_update, newest_number FROM heads`, []any(nil)
	const many = 1000 // of more, it is as fast to read all
	if len(ids) == 1 {
		query, args = query+` WHERE device_id = ?`, []any{ids[0]}
	} else if len(ids) < many {
		query, args = query+` WHERE device_id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(ids)}
	}
	var id, lastUpdate int64
	var number uint32
	return r.reader.each(ctx, func(rows *sql.Rows) error {
		err := rows.Scan(&id, &lastUpdate, &number)
		if err == nil {
			do(id, lastUpdate, number)
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
		&h.Newest.Time, &h.Newest.Number, &h.Newest.Fingerprint)
	h.Newest.DeviceID = h.DeviceID
	return h, err
}
