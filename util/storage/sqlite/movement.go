package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

var zeroTime time.Time

// rowsOf reads the rows of devices, one device after the other, so that they come
// in the order of the table, and calls each for them.
func rowsOf[T any](ctx context.Context, s *Store, doing string, deviceIDs []int64, scan func(scanner, *T) error,
	each func(int64, *T) error, query string, from, to int64,
) error {
	ids := slices.Clone(deviceIDs)
	slices.Sort(ids)
	var found []T
	for _, id := range slices.Compact(ids) {
		found = found[:0]
		if err := s.readRecent(ctx, doing, func(r scanner) error {
			found = append(found, *new(T))
			return scan(r, &found[len(found)-1])
		}, query, id, from, to); err != nil {
			return err
		}
		for i := range found {
			if err := each(id, &found[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRecent calls do for the rows of a query to recent.db.
func (s *Store) readRecent(ctx context.Context, doing string, do func(scanner) error, query string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	err := s.recent.reader.each(ctx, func(rows *sql.Rows) error { return do(rows) }, query, args...)
	return (&backend{s}).failed(doing, err)
}

// spans selects the rows of a table that overlap a range. Rows of a device do
// not overlap each other: before those that begin within the range there is one
// at most that reaches into it.
func spans(table string) string {
	return `SELECT row, shift_mm FROM ` + table + ` WHERE device_id = ?1 AND end >= ?2 AND start <= ?3
		AND start >= coalesce((SELECT max(start) FROM ` + table + ` WHERE device_id = ?1 AND start <= ?2), ?2) ORDER BY start`
}

// Trips implements storage.Movement.
func (s *Store) Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Trip) error) error {
	var b sql.RawBytes
	var shift fix.Totals
	return rowsOf(ctx, s, "list trips", deviceIDs, func(r scanner, t *trips.Trip) error {
		if err := r.Scan(&b, &shift.DistanceMM); err != nil {
			return err
		}
		defer t.Shift(shift)
		return t.Decode(b)
	}, each, spans(`trips`), row.Millis(from), row.Millis(to))
}

// Stops implements storage.Movement.
func (s *Store) Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Stop) error) error {
	var b sql.RawBytes
	var shift fix.Totals
	return rowsOf(ctx, s, "list stops", deviceIDs, func(r scanner, t *trips.Stop) error {
		if err := r.Scan(&b, &shift.DistanceMM); err != nil {
			return err
		}
		defer t.Shift(shift)
		return t.Decode(b)
	}, each, spans(`stops`), row.Millis(from), row.Millis(to))
}

// Days implements storage.Movement.
func (s *Store) Days(ctx context.Context, deviceIDs []int64, from, to int64, each func(int64, *trips.Day) error) error {
	var b sql.RawBytes
	var shift fix.Totals
	return rowsOf(ctx, s, "list days", deviceIDs, func(r scanner, t *trips.Day) error {
		if err := r.Scan(&b, &shift.DistanceMM, &shift.EngineMS); err != nil {
			return err
		}
		defer t.Shift(shift)
		return t.Decode(b)
	}, each, `SELECT row, shift_mm, shift_ms FROM days WHERE device_id = ? AND number BETWEEN ? AND ? ORDER BY number`, from, to)
}

// CheckpointsBefore implements storage.Movement.
func (s *Store) CheckpointsBefore(ctx context.Context, deviceIDs []int64, before time.Time) (map[int64]movement.Checkpoint, error) {
	found := make(map[int64]movement.Checkpoint, len(deviceIDs))
	err := s.readRecent(ctx, "find checkpoints", func(r scanner) error {
		var id int64
		c, err := scanCheckpoint(r, &id)
		found[id] = c
		return err
	}, `SELECT c.device_id, c.time, c.state, c.shift_mm, c.shift_ms FROM json_each(?1) AS d CROSS JOIN checkpoints AS c ON c.device_id = d.value
		AND c.time = (SELECT max(time) FROM checkpoints WHERE device_id = d.value AND time < ?2)`, jsonIDs(deviceIDs), row.Millis(before))
	return found, err
}

// CheckpointsAfter implements storage.Movement.
func (s *Store) CheckpointsAfter(ctx context.Context, deviceID int64, after time.Time, limit int) (found []movement.Checkpoint, err error) {
	err = s.readRecent(ctx, "list checkpoints", func(r scanner) error {
		var id int64
		c, err := scanCheckpoint(r, &id)
		found = append(found, c)
		return err
	}, `SELECT device_id, time, state, shift_mm, shift_ms FROM checkpoints WHERE device_id = ? AND time > ? ORDER BY time LIMIT ?`,
		deviceID, row.Millis(after), limit)
	return found, err
}

func scanCheckpoint(r scanner, id *int64) (c movement.Checkpoint, err error) {
	return c, r.Scan(id, &c.Time, &c.State, &c.Shift.DistanceMM, &c.Shift.EngineMS)
}
