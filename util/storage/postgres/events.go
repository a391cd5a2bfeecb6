package postgres

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectEvents = `SELECT id, device_id, time, type, geofence_id, maintenance_id, detail, end_time, server_time, position_id, attributes FROM events`

func scanEvent(r pgx.CollectableRow) (e data.Event, err error) {
	var at, end, server int64
	var attributes string
	if err = r.Scan(&e.ID, &e.DeviceID, &at, &e.Type, &e.GeofenceID, &e.MaintenanceID, &e.Detail, &end, &server, &e.PositionID, &attributes); err != nil {
		return e, err
	}
	e.Time, e.End, e.ServerTime = row.Time(at), row.Time(end), row.Time(server)
	e.Attributes, err = row.DecodeAttributes(attributes)
	return e, err
}

// Event implements storage.Events.
func (s *Store) Event(ctx context.Context, id int64) (data.Event, error) {
	return one(ctx, s, "find event", scanEvent, selectEvents+` WHERE id = $1`, id)
}

// eventPage is how many events are read at a time.
const eventPage = 1000

// EventsBetween implements storage.Events.
func (s *Store) EventsBetween(ctx context.Context, f storage.EventFilter, limit int, each func(*data.Event) error) error {
	args := []any{int64(0), int64(0), int64(0), int64(0)} // where the page begins, and its size
	where := []string{`(device_id, time, id) > ($1, $2, $3)`}
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.DeviceIDs != nil {
		filter(`device_id = ANY ($%d)`, f.DeviceIDs)
	}
	if f.Types != nil {
		filter(`type = ANY ($%d)`, f.Types)
	}
	if !f.From.IsZero() {
		filter(`time >= $%d`, row.Millis(f.From))
	}
	if !f.To.IsZero() {
		filter(`time <= $%d`, row.Millis(f.To))
	}
	query := selectEvents + ` WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY device_id, time, id LIMIT $4`
	if limit <= 0 {
		limit = math.MaxInt
	}
	for limit > 0 {
		n := min(limit, eventPage)
		args[3] = int64(n)
		found, err := list(ctx, s, "list events", scanEvent, query, args...)
		if err != nil {
			return err
		}
		for i := range found {
			if err := each(&found[i]); err != nil {
				return err
			}
		}
		if len(found) < n {
			return nil
		}
		last := &found[n-1]
		args[0], args[1], args[2] = last.DeviceID, row.Millis(last.Time), last.ID
		limit -= n
	}
	return nil
}

// UntoldEvents implements storage.Events.
func (s *Store) UntoldEvents(ctx context.Context, limit int) ([]data.Event, error) {
	return list(ctx, s, "list untold events", scanEvent, selectEvents+` WHERE NOT told ORDER BY id LIMIT $1`, limit)
}

// MarkEventsTold implements storage.Events.
func (s *Store) MarkEventsTold(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.exec(ctx, "mark events", `UPDATE events SET told = true WHERE id = ANY ($1)`, ids)
	return err
}
