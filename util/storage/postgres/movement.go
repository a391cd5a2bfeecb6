package postgres

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

var noTime time.Time

// devicesAtOnce is of how many devices one query reads rows.
const devicesAtOnce = 64

// finding is a row as the database holds it.
type finding struct {
	DeviceID int64
	Row      []byte
	ShiftMM  int64
	ShiftMS  int64
}

// rowsOf reads rows of devices, some devices at a time, and calls each for them.
func rowsOf(ctx context.Context, s *Store, doing string, deviceIDs []int64, each func(*finding) error, query string, args ...any) error {
	ids := slices.Clone(deviceIDs)
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), devicesAtOnce) {
		found, err := list(ctx, s, doing, pgx.RowToStructByPos[finding], query, append([]any{some}, args...)...)
		if err != nil {
			return err
		}
		for i := range found {
			if err := each(&found[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// spans selects the rows of a table that overlap a range. Rows of a device do
// not overlap each other: before those that begin within the range there is one
// at most that reaches into it.
func spans(table string) string {
	return `SELECT r.device_id, r.row_data, r.shift_mm, 0::bigint FROM unnest($1::bigint[]) AS d (id)
		CROSS JOIN LATERAL (SELECT coalesce((SELECT max(start_time) FROM ` + table + ` WHERE device_id = d.id AND start_time <= $2), $2) AS at) AS first
		JOIN ` + table + ` AS r ON r.device_id = d.id AND r.start_time BETWEEN first.at AND $3 AND r.end_time >= $2
		ORDER BY d.id, r.start_time`
}

// Trips implements storage.Movement.
func (s *Store) Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Trip) error) error {
	return rowsOf(ctx, s, "list trips", deviceIDs, func(k *finding) error {
		var t trips.Trip
		if err := t.Decode(k.Row); err != nil {
			return err
		}
		t.Shift(fix.Totals{DistanceMM: k.ShiftMM})
		return each(k.DeviceID, &t)
	}, spans(`trips`), row.Millis(from), row.Millis(to))
}

// Stops implements storage.Movement.
func (s *Store) Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Stop) error) error {
	return rowsOf(ctx, s, "list stops", deviceIDs, func(k *finding) error {
		var t trips.Stop
		if err := t.Decode(k.Row); err != nil {
			return err
		}
		t.Shift(fix.Totals{DistanceMM: k.ShiftMM})
		return each(k.DeviceID, &t)
	}, spans(`stops`), row.Millis(from), row.Millis(to))
}

// Days implements storage.Movement.
func (s *Store) Days(ctx context.Context, deviceIDs []int64, from, to int64, each func(int64, *trips.Day) error) error {
	return rowsOf(ctx, s, "list days", deviceIDs, func(k *finding) error {
		var t trips.Day
		if err := t.Decode(k.Row); err != nil {
			return err
		}
		t.Shift(fix.Totals{DistanceMM: k.ShiftMM, EngineMS: k.ShiftMS})
		return each(k.DeviceID, &t)
	}, `SELECT device_id, row_data, shift_mm, shift_ms FROM days WHERE device_id = ANY ($1) AND number BETWEEN $2 AND $3
		ORDER BY device_id, number`, from, to)
}

type checkpoint struct {
	DeviceID, Time   int64
	State            []byte
	ShiftMM, ShiftMS int64
}

func (c *checkpoint) checkpoint() movement.Checkpoint {
	return movement.Checkpoint{Time: c.Time, State: c.State, Shift: fix.Totals{DistanceMM: c.ShiftMM, EngineMS: c.ShiftMS}}
}

// CheckpointsBefore implements storage.Movement.
func (s *Store) CheckpointsBefore(ctx context.Context, deviceIDs []int64, before time.Time) (map[int64]movement.Checkpoint, error) {
	found, err := list(ctx, s, "find checkpoints", pgx.RowToStructByPos[checkpoint], `SELECT c.device_id, c.time, c.state, c.shift_mm, c.shift_ms
		FROM unnest($1::bigint[]) AS d (id)
		CROSS JOIN LATERAL (SELECT * FROM checkpoints WHERE device_id = d.id AND time < $2 ORDER BY time DESC LIMIT 1) AS c`,
		deviceIDs, row.Millis(before))
	out := make(map[int64]movement.Checkpoint, len(found))
	for i := range found {
		out[found[i].DeviceID] = found[i].checkpoint()
	}
	return out, err
}

// CheckpointsAfter implements storage.Movement.
func (s *Store) CheckpointsAfter(ctx context.Context, deviceID int64, after time.Time, limit int) ([]movement.Checkpoint, error) {
	found, err := list(ctx, s, "list checkpoints", pgx.RowToStructByPos[checkpoint], `SELECT device_id, time, state, shift_mm, shift_ms
		FROM checkpoints WHERE device_id = $1 AND time > $2 ORDER BY time LIMIT $3`, deviceID, row.Millis(after), min(limit, math.MaxInt32))
	out := make([]movement.Checkpoint, len(found))
	for i := range found {
		out[i] = found[i].checkpoint()
	}
	return out, err
}
