package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// What positions mean lies beside the positions, so that one transaction stores
// both. Times are milliseconds since 1970 UTC; shift_mm and shift_ms are added
// to the totals in a row: late reports shift many.
const findingsSchema = `
CREATE TABLE trips (
    device_id INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    end       INTEGER NOT NULL,
    row       BLOB    NOT NULL,
    shift_mm  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE stops (
    device_id INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    end       INTEGER NOT NULL,
    row       BLOB    NOT NULL,
    shift_mm  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE days (
    device_id INTEGER NOT NULL,
    number    INTEGER NOT NULL, -- days since 1970-01-01
    row       BLOB    NOT NULL,
    shift_mm  INTEGER NOT NULL DEFAULT 0,
    shift_ms  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
    device_id INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    state     BLOB    NOT NULL,
    shift_mm  INTEGER NOT NULL DEFAULT 0,
    shift_ms  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, time)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id      INTEGER NOT NULL,
    time           INTEGER NOT NULL,
    type           TEXT    NOT NULL,
    geofence_id    INTEGER NOT NULL,
    maintenance_id INTEGER NOT NULL,
    detail         TEXT    NOT NULL,
    end_time       INTEGER NOT NULL, -- -62135596800000 is none
    server_time    INTEGER NOT NULL,
    position_id    INTEGER NOT NULL,
    attributes     TEXT    NOT NULL, -- JSON object
    found          INTEGER, -- the time of the report that showed it, which may take it back
    told           INTEGER NOT NULL DEFAULT 0,
    UNIQUE (device_id, time, type, geofence_id, maintenance_id, detail)
) STRICT;
CREATE INDEX events_untold ON events (id) WHERE told = 0;
CREATE INDEX events_found ON events (device_id, found) WHERE found IS NOT NULL;
`

// findingStmts are prepared on the writer, see recent.prepare.
type findingStmts struct {
	trip, stop, day, checkpoint, known, event, over, again *sql.Stmt
}

func (f *findingStmts) prepare(ctx context.Context, db *sql.DB) error {
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&f.trip, `INSERT OR REPLACE INTO trips (device_id, start, end, row) VALUES (?, ?, ?, ?)`},
		{&f.stop, `INSERT OR REPLACE INTO stops (device_id, start, end, row) VALUES (?, ?, ?, ?)`},
		{&f.day, `INSERT OR REPLACE INTO days (device_id, number, row) VALUES (?, ?, ?)`},
		{&f.checkpoint, `INSERT OR REPLACE INTO checkpoints (device_id, time, state) VALUES (?, ?, ?)`},
		{&f.known, `SELECT id, end_time, coalesce(found = ?, 0) FROM events WHERE device_id = ? AND time = ? AND type = ? AND geofence_id = ? AND maintenance_id = ? AND detail = ?`},
		{&f.event, `INSERT INTO events (device_id, time, type, geofence_id, maintenance_id, detail, end_time, server_time, position_id, attributes, found)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&f.over, `UPDATE events SET end_time = ?, attributes = ? WHERE id = ?`},
		{&f.again, `UPDATE events SET found = ?, position_id = ? WHERE id = ?`},
	} {
		var err error
		if *p.stmt, err = db.PrepareContext(ctx, p.query); err != nil {
			return err
		}
	}
	return nil
}

// PutFindings implements history.Tx.
func (t *hotTx) PutFindings(ctx context.Context, findings []storage.Findings) error {
	f := &t.s.recent.findings
	var buf []byte
	for i := range findings {
		of := &findings[i]
		if of.Undo != nil {
			if err := t.undo(ctx, of.DeviceID, of.Undo); err != nil {
				return err
			}
		}
		exec := func(stmt *sql.Stmt, args ...any) error {
			_, err := t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
			return err
		}
		for j := range of.Trips {
			r := &of.Trips[j]
			buf = r.Append(buf[:0])
			if err := exec(f.trip, of.DeviceID, r.Start.Time, r.End.Time, buf); err != nil {
				return err
			}
		}
		for j := range of.Stops {
			r := &of.Stops[j]
			buf = r.Append(buf[:0])
			if err := exec(f.stop, of.DeviceID, r.Start.Time, r.End.Time, buf); err != nil {
				return err
			}
		}
		for j := range of.Days {
			r := &of.Days[j]
			buf = r.Append(buf[:0])
			if err := exec(f.day, of.DeviceID, r.Number, buf); err != nil {
				return err
			}
		}
		for _, c := range of.Checkpoints {
			if err := exec(f.checkpoint, of.DeviceID, c.Time, c.State); err != nil {
				return err
			}
		}
		for j := range of.Events {
			e := &of.Events[j]
			var err error
			if e.Fresh, err = t.putEvent(ctx, &e.Event, &e.At); err != nil {
				return err
			}
		}
		if of.Undo != nil {
			if _, err := t.tx.ExecContext(ctx, `DELETE FROM events WHERE device_id = ? AND found = ?`, of.DeviceID, doomed); err != nil {
				return err
			}
		}
	}
	return nil
}

// PutEvents implements history.Tx.
func (t *hotTx) PutEvents(ctx context.Context, events []*data.Event) error {
	for _, e := range events {
		if _, err := t.putEvent(ctx, e, nil); err != nil {
			return err
		}
	}
	return nil
}

// doomed takes the place of the time in events.found that an Undo takes back:
// those that are not found again then go.
const doomed = math.MinInt64

// putEvent stores an event; found is nil for one that no report has shown.
func (t *hotTx) putEvent(ctx context.Context, e *data.Event, found *int64) (fresh bool, err error) {
	f := &t.s.recent.findings
	exec := func(stmt *sql.Stmt, args ...any) (sql.Result, error) {
		return t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	at, end, none := row.Millis(e.Time), row.Millis(e.End), row.Millis(zeroTime)
	var ended int64
	var again bool
	err = t.tx.StmtContext(ctx, f.known).QueryRowContext(ctx, doomed, e.DeviceID, at, e.Type, e.GeofenceID, e.MaintenanceID, e.Detail).
		Scan(&e.ID, &ended, &again)
	if errors.Is(err, sql.ErrNoRows) {
		res, err := exec(f.event, e.DeviceID, at, e.Type, e.GeofenceID, e.MaintenanceID, e.Detail,
			end, row.Millis(e.ServerTime), e.PositionID, row.EncodeAttributes(e.Attributes), found)
		if err != nil {
			return false, err
		}
		e.ID, err = res.LastInsertId()
		return true, err
	}
	if err == nil && again && found != nil {
		_, err = exec(f.again, *found, e.PositionID, e.ID)
	}
	if err == nil && (end != none || again && ended == none) {
		_, err = exec(f.over, end, row.EncodeAttributes(e.Attributes), e.ID)
	}
	return false, err
}

// undo takes back what was found.
func (t *hotTx) undo(ctx context.Context, device int64, u *storage.Undo) error {
	from, until := u.From, u.Until
	for _, d := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM trips WHERE device_id = ?1 AND start BETWEEN ?2 AND ?3 AND end > ?2 AND end <= ?3`, []any{device, from.Trips, until.Trips}},
		{`DELETE FROM stops WHERE device_id = ? AND start >= ? AND start < ?`, []any{device, from.Stops, until.Stops}},
		{`DELETE FROM days WHERE device_id = ? AND number >= ? AND number < ?`, []any{device, from.Day, until.Day}},
		{`DELETE FROM checkpoints WHERE device_id = ? AND time > ? AND time <= ?`, []any{device, from.Time, until.Time}},
		{
			`UPDATE events SET end_time = ? WHERE ? AND device_id = ? AND found IS NOT NULL AND end_time > ?`,
			[]any{row.Millis(zeroTime), u.AllAfter(), device, max(from.Time, row.Millis(zeroTime))},
		},
		{`UPDATE events SET found = ? WHERE device_id = ? AND found > ? AND found <= ?`, []any{doomed, device, from.Time, until.Time}},
	} {
		if _, err := t.tx.ExecContext(ctx, d.query, d.args...); err != nil {
			return err
		}
	}
	if u.Shift == (fix.Totals{}) {
		return nil
	}
	mm, ms := u.Shift.DistanceMM, u.Shift.EngineMS
	for _, d := range []struct {
		query string
		args  []any
	}{
		{`UPDATE trips SET shift_mm = shift_mm + ? WHERE device_id = ? AND start >= ?3 AND end > ?3`, []any{mm, device, until.Trips}},
		{`UPDATE stops SET shift_mm = shift_mm + ? WHERE device_id = ? AND start >= ?`, []any{mm, device, until.Stops}},
		{`UPDATE days SET shift_mm = shift_mm + ?, shift_ms = shift_ms + ? WHERE device_id = ? AND number >= ?`, []any{mm, ms, device, until.Day}},
		{`UPDATE checkpoints SET shift_mm = shift_mm + ?, shift_ms = shift_ms + ? WHERE device_id = ? AND time > ?`, []any{mm, ms, device, until.Time}},
	} {
		if _, err := t.tx.ExecContext(ctx, d.query, d.args...); err != nil {
			return err
		}
	}
	return nil
}
