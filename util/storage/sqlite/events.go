package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectEvents = `SELECT id, device_id, time, type, geofence_id, maintenance_id, detail, end_time, server_time, position_id, attributes FROM events`

func scanEvent(r scanner) (e data.Event, err error) {
	var at, end, server int64
	var attributes string
	if err = r.Scan(&e.ID, &e.DeviceID, &at, &e.Type, &e.GeofenceID, &e.MaintenanceID, &e.Detail, &end, &server, &e.PositionID, &attributes); err != nil {
		return e, err
	}
	e.Time, e.End, e.ServerTime = row.Time(at), row.Time(end), row.Time(server)
	e.Attributes, err = row.DecodeAttributes(attributes)
	return e, err
}

func (s *Store) events(ctx context.Context, doing, query string, args ...any) (found []data.Event, err error) {
	err = s.readRecent(ctx, doing, func(r scanner) error {
		e, err := scanEvent(r)
		found = append(found, e)
		return err
	}, query, args...)
	return found, err
}

// Event implements storage.Events.
func (s *Store) Event(ctx context.Context, id int64) (data.Event, error) {
	found, err := s.events(ctx, "find event", selectEvents+` WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = s.fail("find event", data.ErrNotFound)
	}
	if err != nil {
		return data.Event{}, err
	}
	return found[0], nil
}

// eventPage is how many events are read at a time.
const eventPage = 1000

// EventsBetween implements storage.Events.
func (s *Store) EventsBetween(ctx context.Context, f storage.EventFilter, limit int, each func(*data.Event) error) error {
	where := []string{`(device_id, time, id) > (?, ?, ?)`}
	var args []any
	filter := func(condition string, more ...any) {
		where = append(where, condition)
		args = append(args, more...)
	}
	if f.DeviceIDs != nil {
		filter(`device_id IN (SELECT value FROM json_each(?))`, jsonIDs(f.DeviceIDs))
	}
	if f.Types != nil {
		filter(`type IN (SELECT value FROM json_each(?))`, jsonTexts(f.Types))
	}
	if !f.From.IsZero() {
		filter(`time >= ?`, row.Millis(f.From))
	}
	if !f.To.IsZero() {
		filter(`time <= ?`, row.Millis(f.To))
	}
	query := selectEvents + ` WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY device_id, time, id LIMIT ?`
	if limit <= 0 {
		limit = int(^uint(0) >> 1)
	}
	device, at, id := int64(0), int64(0), int64(0)
	for limit > 0 {
		n := min(limit, eventPage)
		found, err := s.events(ctx, "list events", query, append(append([]any{device, at, id}, args...), n)...)
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
		device, at, id = last.DeviceID, row.Millis(last.Time), last.ID
		limit -= n
	}
	return nil
}

// UntoldEvents implements storage.Events.
func (s *Store) UntoldEvents(ctx context.Context, limit int) ([]data.Event, error) {
	return s.events(ctx, "list untold events", selectEvents+` WHERE told = 0 ORDER BY id LIMIT ?`, limit)
}

// MarkEventsTold implements storage.Events.
func (s *Store) MarkEventsTold(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return (&backend{s}).write(ctx, "mark events", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE events SET told = 1 WHERE id IN (SELECT value FROM json_each(?))`, jsonIDs(ids))
		return err
	})
}
