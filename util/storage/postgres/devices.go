package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectDevices = `SELECT d.id, d.name, d.unique_id, d.group_id, d.calendar_id, d.phone, d.model, d.contact, d.category, d.disabled,
	d.expires_at, d.attributes, d.disconnected_at, d.silent_after, coalesce(h.last_update, -62135596800000), coalesce(h.newest_number, 0)
	FROM devices AS d LEFT JOIN device_heads AS h ON h.device_id = d.id`

func scanDevice(r pgx.CollectableRow) (d data.Device, err error) {
	var expires, disconnected, silent, update int64
	var free string
	var number uint32
	err = r.Scan(&d.ID, &d.Name, &d.UniqueID, &d.GroupID, &d.CalendarID, &d.Phone, &d.Model, &d.Contact, &d.Category, &d.Disabled,
		&expires, &free, &disconnected, &silent, &update, &number)
	if err != nil {
		return d, err
	}
	d.ExpiresAt, d.LastUpdate = row.Time(expires), row.Time(update)
	d.DisconnectedAt, d.SilentAfter = row.Time(disconnected), time.Duration(silent)*time.Second
	if number != 0 {
		d.PositionID = history.ID(d.ID, number)
	}
	d.Attributes, err = row.DecodeFree(free)
	return d, err
}

// CreateDevice implements storage.Devices.
func (s *Store) CreateDevice(ctx context.Context, d *data.Device) error {
	const doing = "create device"
	if err := row.CheckDevice(d); err != nil {
		return s.fail(doing, err)
	}
	free, err := row.EncodeFree(d.Attributes)
	if err != nil {
		return s.fail(doing, err)
	}
	id, err := one(ctx, s, doing, scanID, `WITH made AS (INSERT INTO devices
		(name, unique_id, search, group_id, calendar_id, phone, model, contact, category, disabled, expires_at, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id)
		INSERT INTO device_heads (device_id) SELECT id FROM made RETURNING device_id`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.CalendarID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
		row.Millis(d.ExpiresAt), free)
	if err != nil {
		return err
	}
	d.ID = id
	return nil
}

// UpdateDevice implements storage.Devices.
func (s *Store) UpdateDevice(ctx context.Context, d *data.Device) error {
	const doing = "update device"
	if err := row.CheckDevice(d); err != nil {
		return s.fail(doing, err)
	}
	free, err := row.EncodeFree(d.Attributes)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.change(ctx, doing, `UPDATE devices SET name = $1, unique_id = $2, search = $3, group_id = $4, calendar_id = $5, phone = $6,
		model = $7, contact = $8, category = $9, disabled = $10, expires_at = $11, attributes = $12 WHERE id = $13`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.CalendarID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
		row.Millis(d.ExpiresAt), free, d.ID)
}

// Device implements storage.Devices.
func (s *Store) Device(ctx context.Context, id int64) (data.Device, error) {
	return one(ctx, s, "find device", scanDevice, selectDevices+` WHERE d.id = $1`, id)
}

// DeviceByUniqueID implements storage.Devices.
func (s *Store) DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	const doing = "find device by unique id"
	if !row.IsText(uniqueID) {
		return data.Device{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanDevice, selectDevices+` WHERE d.unique_id = $1`, uniqueID)
}

// ListDevices implements storage.Devices.
func (s *Store) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	var where []string
	var args []any
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.IDs != nil {
		filter(`d.id = ANY ($%d)`, f.IDs)
	}
	if f.UniqueIDs != nil {
		filter(`d.unique_id = ANY ($%d)`, texts(f.UniqueIDs))
	}
	if f.GroupIDs != nil {
		filter(`group_id = ANY ($%d)`, f.GroupIDs)
	}
	if f.Keyword != "" {
		if !row.IsText(f.Keyword) {
			return nil, nil
		}
		filter(`strpos(d.search, $%d) > 0`, row.Keyword(f.Keyword))
	}
	query := selectDevices
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	var limit *int // null is no limit
	if f.Limit > 0 {
		limit = &f.Limit
	}
	args = append(args, limit, max(f.Offset, 0))
	query += fmt.Sprintf(` ORDER BY d.name, d.id LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	return list(ctx, s, "list devices", scanDevice, query, args...)
}

// GroupedDeviceIDs implements storage.Devices.
func (s *Store) GroupedDeviceIDs(ctx context.Context, groupIDs []int64) ([]int64, error) {
	return list(ctx, s, "list devices of groups", scanID, `SELECT id FROM devices WHERE group_id = ANY ($1) AND group_id <> 0 ORDER BY id`, groupIDs)
}

// texts are those that can be in the database.
func texts(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, s := range all {
		if row.IsText(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// TouchDevices implements storage.Devices.
func (s *Store) TouchDevices(ctx context.Context, seen map[int64]time.Time) error {
	if len(seen) == 0 {
		return nil
	}
	ids, at := make([]int64, 0, len(seen)), make([]int64, 0, len(seen))
	for id, t := range seen {
		ids = append(ids, id)
		at = append(at, row.Millis(t))
	}
	_, err := s.exec(ctx, "touch devices", `WITH locked AS MATERIALIZED (
			SELECT device_id FROM device_heads WHERE device_id = ANY ($1) ORDER BY device_id FOR NO KEY UPDATE)
		UPDATE device_heads AS h SET last_update = seen.at
		FROM unnest($1::bigint[], $2::bigint[]) AS seen (id, at) JOIN locked ON locked.device_id = seen.id
		WHERE h.device_id = seen.id AND h.last_update < seen.at`, ids, at)
	return err
}

// DisconnectDevices implements storage.Devices.
func (s *Store) DisconnectDevices(ctx context.Context, closed map[int64]data.Disconnection) error {
	if len(closed) == 0 {
		return nil
	}
	var ids, spoke, at []int64
	for id, c := range closed {
		ids = append(ids, id)
		spoke = append(spoke, row.Millis(c.Spoke))
		at = append(at, row.Millis(c.At))
	}
	_, err := s.exec(ctx, "disconnect devices", `WITH closed AS MATERIALIZED (
			SELECT d.id, c.at FROM devices AS d JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (id, spoke, at) ON c.id = d.id
			JOIN device_heads AS h ON h.device_id = d.id
			WHERE h.last_update <= c.spoke AND d.disconnected_at < c.at ORDER BY d.id FOR NO KEY UPDATE OF d)
		UPDATE devices AS d SET disconnected_at = closed.at FROM closed WHERE d.id = closed.id`, ids, spoke, at)
	return err
}

// SetSilentAfter implements storage.Devices.
func (s *Store) SetSilentAfter(ctx context.Context, after map[int64]time.Duration) error {
	if len(after) == 0 {
		return nil
	}
	var ids, seconds []int64
	for id, d := range after {
		ids = append(ids, id)
		seconds = append(seconds, int64(d/time.Second))
	}
	_, err := s.exec(ctx, "set how long devices may be silent", `WITH changed AS MATERIALIZED (
			SELECT d.id, c.seconds FROM devices AS d JOIN unnest($1::bigint[], $2::bigint[]) AS c (id, seconds) ON c.id = d.id
			ORDER BY d.id FOR NO KEY UPDATE OF d)
		UPDATE devices AS d SET silent_after = changed.seconds FROM changed WHERE d.id = changed.id`, ids, seconds)
	return err
}
