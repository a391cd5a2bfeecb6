package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectDeliveries = `SELECT id, key, user_id, device_id, event_id, notification_id, event_type, event_time, channel, target,
	severity, subject, text, details, escalation, state, attempts, error, created_at, due_at, expires_at, changed_at,
	acknowledged_at, acknowledged_by FROM deliveries`

// waits finds deliveries that wait by their indexes, which want it written so.
const waits = `state IN ('queued', 'sending')`

func scanDelivery(r scanner) (d data.Delivery, err error) {
	var device *int64
	var details string
	var event, created, due, expires, changed, acknowledged int64
	err = r.Scan(&d.ID, &d.Key, &d.UserID, &device, &d.EventID, &d.NotificationID, &d.EventType, &event, &d.Channel, &d.Target,
		&d.Severity, &d.Subject, &d.Text, &details, &d.Escalation, &d.State, &d.Attempts, &d.Error, &created, &due, &expires, &changed,
		&acknowledged, &d.AcknowledgedBy)
	d.DeviceID, d.Details, d.EventTime = row.ID(device), []byte(details), row.Time(event)
	d.CreatedAt, d.DueAt, d.ExpiresAt, d.ChangedAt = row.Time(created), row.Time(due), row.Time(expires), row.Time(changed)
	d.AcknowledgedAt = row.Time(acknowledged)
	return d, err
}

// AddDeliveries implements storage.Deliveries.
func (s *Store) AddDeliveries(ctx context.Context, deliveries []data.Delivery) error {
	const doing = "store deliveries"
	for i := range deliveries {
		if err := row.Delivery(&deliveries[i]); err != nil {
			return s.fail(doing, err)
		}
	}
	return s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		for i := range deliveries {
			if err := addDelivery(ctx, tx, &deliveries[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func addDelivery(ctx context.Context, tx *sql.Tx, d *data.Delivery) error {
	d.ID = 0
	var waiting int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE user_id = ? AND channel = ? AND `+waits, d.UserID, d.Channel).Scan(&waiting)
	if err != nil {
		return err
	}
	state, why := d.State, d.Error
	if waiting >= data.MaxWaitingDeliveries {
		state, why = data.DeliveryFailed, row.TooManyWait
	}
	device := row.OptionalID(d.DeviceID)
	err = tx.QueryRowContext(ctx, `INSERT INTO deliveries (key, user_id, device_id, event_id, notification_id, event_type, event_time,
			channel, target, severity, subject, text, details, escalation, state, attempts, error, created_at, due_at, expires_at,
			changed_at, acknowledged_at, acknowledged_by)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, 0
		WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2) AND (?3 IS NULL OR EXISTS (SELECT 1 FROM devices WHERE id = ?3))
		ON CONFLICT (key) DO NOTHING RETURNING id`,
		d.Key, d.UserID, device, d.EventID, d.NotificationID, d.EventType, row.Millis(d.EventTime), d.Channel, d.Target,
		d.Severity, d.Subject, d.Text, string(d.Details), d.Escalation, string(state), d.Attempts, why,
		row.Millis(d.CreatedAt), row.Millis(d.DueAt), row.Millis(d.ExpiresAt), row.Millis(d.ChangedAt), row.Millis(time.Time{})).Scan(&d.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	d.State, d.Error = state, why
	return err
}

// DueDeliveries implements storage.Deliveries.
func (s *Store) DueDeliveries(ctx context.Context, channels []string, now time.Time, limit int) ([]data.Delivery, error) {
	return list(ctx, s, "list due deliveries", scanDelivery, selectDeliveries+` WHERE `+waits+` AND channel IN (SELECT value FROM json_each(?))
		AND due_at <= ? ORDER BY due_at, id LIMIT ?`, jsonTexts(channels), row.Millis(now), limit)
}

// ChangeDelivery implements storage.Deliveries.
func (s *Store) ChangeDelivery(ctx context.Context, d *data.Delivery, from ...data.DeliveryState) error {
	const doing = "change delivery"
	n, err := s.exec(ctx, doing, `UPDATE deliveries SET state = ?, attempts = ?, error = ?, due_at = ?, changed_at = ?
		WHERE id = ? AND state IN (SELECT value FROM json_each(?))`,
		string(d.State), d.Attempts, row.DeliveryError(d.Error), row.Millis(d.DueAt), row.Millis(d.ChangedAt), d.ID, jsonTexts(row.DeliveryStates(from)))
	if err == nil && n == 0 {
		err = s.fail(doing, data.ErrConflict)
	}
	return err
}

// Delivery implements storage.Deliveries.
func (s *Store) Delivery(ctx context.Context, id int64) (data.Delivery, error) {
	return one(ctx, s, "find delivery", scanDelivery, selectDeliveries+` WHERE id = ?`, id)
}

// ListDeliveries implements storage.Deliveries.
func (s *Store) ListDeliveries(ctx context.Context, f storage.DeliveryFilter) ([]data.Delivery, error) {
	where := []string{`1`}
	var args []any
	add := func(chosen bool, condition string, arg any) {
		if chosen {
			where, args = append(where, condition), append(args, arg)
		}
	}
	if f.UserIDs != nil {
		add(true, `user_id IN (SELECT value FROM json_each(?))`, jsonIDs(f.UserIDs))
	}
	add(f.NotificationID != 0, `notification_id = ?`, f.NotificationID)
	add(f.EventID != 0, `event_id = ?`, f.EventID)
	add(f.DeviceID != 0, `device_id = ?`, f.DeviceID)
	add(!f.From.IsZero(), `created_at >= ?`, row.Millis(f.From))
	add(!f.To.IsZero(), `created_at <= ?`, row.Millis(f.To))
	add(f.Before != 0, `id < ?`, f.Before)
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // no limit
	}
	return list(ctx, s, "list deliveries", scanDelivery,
		selectDeliveries+` WHERE `+strings.Join(where, ` AND `)+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}

// AcknowledgeDelivery implements storage.Deliveries.
func (s *Store) AcknowledgeDelivery(ctx context.Context, id, userID int64, at time.Time) error {
	return s.change(ctx, "acknowledge delivery", `UPDATE deliveries
		SET acknowledged_at = iif(acknowledged_at = ?1, ?2, acknowledged_at), acknowledged_by = iif(acknowledged_at = ?1, ?3, acknowledged_by),
			state = iif(escalation AND state = 'queued' AND id <> ?4, 'cancelled', state),
			changed_at = iif(escalation AND state = 'queued' AND id <> ?4, ?2, changed_at)
		WHERE id = ?4 OR (event_id <> 0 AND (event_id, notification_id) = (SELECT event_id, notification_id FROM deliveries WHERE id = ?4))`,
		row.Millis(time.Time{}), row.Millis(at), userID, id)
}

// LastTold implements storage.Deliveries.
func (s *Store) LastTold(ctx context.Context, notificationID, deviceID, exceptEventID int64, t time.Time) (time.Time, error) {
	const near = `FROM deliveries WHERE notification_id = ?1 AND device_id = ?2 AND event_id <> ?3 AND event_time `
	at, err := one(ctx, s, "find what was told last", func(r scanner) (at time.Time, err error) {
		var before, after *int64
		err = r.Scan(&before, &after)
		return row.Nearest(t, before, after), err
	}, `SELECT (SELECT max(event_time) `+near+`<= ?4), (SELECT min(event_time) `+near+`>= ?4)`, notificationID, deviceID, exceptEventID, row.Millis(t))
	return at, err
}

// DeleteDeliveries implements storage.Deliveries.
func (s *Store) DeleteDeliveries(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, "delete old deliveries", `DELETE FROM deliveries WHERE created_at < ? AND NOT `+waits, row.Millis(before))
	return err
}
