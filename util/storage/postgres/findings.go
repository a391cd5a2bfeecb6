package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// PutFindings implements history.Tx.
func (u update) PutFindings(ctx context.Context, findings []storage.Findings) error {
	for i := range findings {
		of := &findings[i]
		if of.Undo != nil {
			u.undo(of.DeviceID, of.Undo)
		}
		for j := range of.Trips {
			r := &of.Trips[j]
			u.t.batch.Queue(putSpan(`trips`), of.DeviceID, r.Start.Time, r.End.Time, r.Append(nil))
		}
		for j := range of.Stops {
			r := &of.Stops[j]
			u.t.batch.Queue(putSpan(`stops`), of.DeviceID, r.Start.Time, r.End.Time, r.Append(nil))
		}
		for j := range of.Days {
			r := &of.Days[j]
			u.t.batch.Queue(`INSERT INTO days (device_id, number, row_data) VALUES ($1, $2, $3)
				ON CONFLICT (device_id, number) DO UPDATE SET row_data = excluded.row_data, shift_mm = 0, shift_ms = 0`,
				of.DeviceID, r.Number, r.Append(nil))
		}
		for _, c := range of.Checkpoints {
			u.t.batch.Queue(`INSERT INTO checkpoints (device_id, time, state) VALUES ($1, $2, $3)
				ON CONFLICT (device_id, time) DO UPDATE SET state = excluded.state, shift_mm = 0, shift_ms = 0`,
				of.DeviceID, c.Time, c.State)
		}
		for j := range of.Events {
			e := &of.Events[j]
			u.putEvent(&e.Event, &e.Fresh, &e.At)
		}
		if of.Undo != nil {
			u.t.batch.Queue(`DELETE FROM events WHERE device_id = $1 AND found = $2`, of.DeviceID, int64(doomed))
		}
	}
	return nil
}

func putSpan(table string) string {
	return `INSERT INTO ` + table + ` (device_id, start_time, end_time, row_data) VALUES ($1, $2, $3, $4)
		ON CONFLICT (device_id, start_time) DO UPDATE SET end_time = excluded.end_time, row_data = excluded.row_data, shift_mm = 0`
}

// PutEvents implements history.Tx.
func (u update) PutEvents(_ context.Context, events []*data.Event) error {
	for _, e := range events {
		u.putEvent(e, new(bool), nil)
	}
	return nil
}

// doomed takes the place of the time in events.found that an Undo takes back:
// those that are not found again then go.
const doomed = math.MinInt64

// putEvent stores an event when what is queued goes to the server, and sets its
// ID then; found is nil for one that no report has shown.
func (u update) putEvent(e *data.Event, fresh *bool, found *int64) {
	u.t.batch.Queue(`INSERT INTO events AS e
			(device_id, time, type, geofence_id, maintenance_id, detail, end_time, server_time, position_id, attributes, found)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (device_id, time, type, geofence_id, maintenance_id, detail) DO UPDATE SET
			end_time = CASE WHEN excluded.end_time = $12 THEN e.end_time ELSE excluded.end_time END,
			attributes = CASE WHEN excluded.end_time <> $12 OR e.found = $13 AND e.end_time = $12 THEN excluded.attributes ELSE e.attributes END,
			position_id = CASE WHEN e.found = $13 THEN excluded.position_id ELSE e.position_id END,
			found = CASE WHEN e.found = $13 THEN excluded.found ELSE e.found END
		RETURNING id, xmax = 0`, // of a row that was there xmax is the lock that the update took
		e.DeviceID, row.Millis(e.Time), e.Type, e.GeofenceID, e.MaintenanceID, e.Detail, row.Millis(e.End), row.Millis(e.ServerTime),
		e.PositionID, row.EncodeAttributes(e.Attributes), found, row.Millis(noTime), int64(doomed),
	).QueryRow(func(r pgx.Row) error { return r.Scan(&e.ID, fresh) })
}

// undo takes back what was found.
func (u update) undo(device int64, o *storage.Undo) {
	from, until := o.From, o.Until
	q := func(query string, args ...any) { u.t.batch.Queue(query, append([]any{device}, args...)...) }
	q(`DELETE FROM trips WHERE device_id = $1 AND start_time BETWEEN $2 AND $3 AND end_time > $2 AND end_time <= $3`, from.Trips, until.Trips)
	q(`DELETE FROM stops WHERE device_id = $1 AND start_time >= $2 AND start_time < $3`, from.Stops, until.Stops)
	q(`DELETE FROM days WHERE device_id = $1 AND number >= $2 AND number < $3`, from.Day, until.Day)
	q(`DELETE FROM checkpoints WHERE device_id = $1 AND time > $2 AND time <= $3`, from.Time, until.Time)
	if o.AllAfter() {
		q(`UPDATE events SET end_time = $3 WHERE device_id = $1 AND found IS NOT NULL AND end_time > $2`,
			max(from.Time, row.Millis(noTime)), row.Millis(noTime))
	}
	q(`UPDATE events SET found = $2 WHERE device_id = $1 AND found > $3 AND found <= $4`, int64(doomed), from.Time, until.Time)
	if o.Shift == (fix.Totals{}) {
		return
	}
	mm, ms := o.Shift.DistanceMM, o.Shift.EngineMS
	q(`UPDATE trips SET shift_mm = shift_mm + $2 WHERE device_id = $1 AND start_time >= $3 AND end_time > $3`, mm, until.Trips)
	q(`UPDATE stops SET shift_mm = shift_mm + $2 WHERE device_id = $1 AND start_time >= $3`, mm, until.Stops)
	q(`UPDATE days SET shift_mm = shift_mm + $2, shift_ms = shift_ms + $3 WHERE device_id = $1 AND number >= $4`, mm, ms, until.Day)
	q(`UPDATE checkpoints SET shift_mm = shift_mm + $2, shift_ms = shift_ms + $3 WHERE device_id = $1 AND time > $4`, mm, ms, until.Time)
}
