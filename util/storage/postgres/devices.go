package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectDevices = `SELECT id, name, unique_id, group_id, phone, model, contact, category, disabled,
	expires_at, attributes, last_update, position_id FROM devices`

func scanDevice(r pgx.CollectableRow) (d data.Device, err error) {
	var expires, update int64
	var free string
	err = r.Scan(&d.ID, &d.Name, &d.UniqueID, &d.GroupID, &d.Phone, &d.Model, &d.Contact, &d.Category, &d.Disabled,
		&expires, &free, &update, &d.PositionID)
	if err != nil {
		return d, err
	}
	d.ExpiresAt, d.LastUpdate = row.Time(expires), row.Time(update)
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
	id, err := one(ctx, s, doing, scanID, `INSERT INTO devices
		(name, unique_id, search, group_id, phone, model, contact, category, disabled, expires_at, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
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
	return s.change(ctx, doing, `UPDATE devices SET name = $1, unique_id = $2, search = $3, group_id = $4, phone = $5,
		model = $6, contact = $7, category = $8, disabled = $9, expires_at = $10, attributes = $11 WHERE id = $12`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
		row.Millis(d.ExpiresAt), free, d.ID)
}

// DeleteDevice implements storage.Devices.
func (s *Store) DeleteDevice(ctx context.Context, id int64) error {
	return s.deletePositions(ctx, "delete device", id, allTime, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM devices WHERE id = $1`, id)
		if err == nil && tag.RowsAffected() == 0 {
			err = data.ErrNotFound
		}
		return err
	})
}

// Device implements storage.Devices.
func (s *Store) Device(ctx context.Context, id int64) (data.Device, error) {
	return one(ctx, s, "find device", scanDevice, selectDevices+` WHERE id = $1`, id)
}

// DeviceByUniqueID implements storage.Devices.
func (s *Store) DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	const doing = "find device by unique id"
	if !row.IsText(uniqueID) {
		return data.Device{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanDevice, selectDevices+` WHERE unique_id = $1`, uniqueID)
}

// ListDevices implements storage.Devices.
func (s *Store) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	var where []string
	var args []any
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.UserID != 0 {
		filter(`id IN (SELECT device_id FROM user_devices WHERE user_id = $%d)`, f.UserID)
	}
	if f.IDs != nil {
		filter(`id = ANY ($%d)`, f.IDs)
	}
	if f.UniqueIDs != nil {
		filter(`unique_id = ANY ($%d)`, texts(f.UniqueIDs))
	}
	if f.Keyword != "" {
		if !row.IsText(f.Keyword) {
			return nil, nil
		}
		filter(`strpos(search, $%d) > 0`, row.Keyword(f.Keyword))
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
	query += fmt.Sprintf(` ORDER BY name, id LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	return list(ctx, s, "list devices", scanDevice, query, args...)
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
			SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)
		UPDATE devices AS d SET last_update = seen.at
		FROM unnest($1::bigint[], $2::bigint[]) AS seen (id, at) JOIN locked ON locked.id = seen.id
		WHERE d.id = seen.id AND d.last_update < seen.at`, ids, at)
	return err
}
