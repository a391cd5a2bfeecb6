package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectDevices = `SELECT id, name, unique_id, group_id, phone, model, contact, category, disabled,
	expires_at, attributes, last_update, position_id FROM devices`

func scanDevice(r scanner) (d data.Device, err error) {
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
	id, err := s.insert(ctx, doing, `INSERT INTO devices
		(name, unique_id, search, group_id, phone, model, contact, category, disabled, expires_at, attributes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
	return s.change(ctx, doing, `UPDATE devices SET name = ?, unique_id = ?, search = ?, group_id = ?, phone = ?,
		model = ?, contact = ?, category = ?, disabled = ?, expires_at = ?, attributes = ? WHERE id = ?`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
		row.Millis(d.ExpiresAt), free, d.ID)
}

// DeleteDevice implements storage.Devices.
func (s *Store) DeleteDevice(ctx context.Context, id int64) error {
	return s.deletePositions(ctx, "delete device", id, allTime, func(ctx context.Context, tx *sql.Tx) error {
		return mustChange(tx.ExecContext(ctx, `DELETE FROM devices WHERE id = ?`, id))
	})
}

// Device implements storage.Devices.
func (s *Store) Device(ctx context.Context, id int64) (data.Device, error) {
	return one(ctx, s, "find device", scanDevice, selectDevices+` WHERE id = ?`, id)
}

// DeviceByUniqueID implements storage.Devices.
func (s *Store) DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	const doing = "find device by unique id"
	if !row.IsText(uniqueID) {
		return data.Device{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanDevice, selectDevices+` WHERE unique_id = ?`, uniqueID)
}

// ListDevices implements storage.Devices.
func (s *Store) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	var where []string
	var args []any
	filter := func(condition string, arg any) {
		where = append(where, condition)
		args = append(args, arg)
	}
	if f.UserID != 0 {
		filter(`id IN (SELECT device_id FROM user_devices WHERE user_id = ?)`, f.UserID)
	}
	if f.IDs != nil {
		filter(`id IN (SELECT value FROM json_each(?))`, jsonIDs(f.IDs))
	}
	if f.UniqueIDs != nil {
		filter(`unique_id IN (SELECT value FROM json_each(?))`, jsonTexts(f.UniqueIDs))
	}
	if f.Keyword != "" {
		if !row.IsText(f.Keyword) {
			return nil, nil
		}
		filter(`instr(search, ?) > 0`, row.Keyword(f.Keyword))
	}
	query := selectDevices
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // no limit
	}
	args = append(args, limit, max(f.Offset, 0))
	return list(ctx, s, "list devices", scanDevice, query+` ORDER BY name, id LIMIT ? OFFSET ?`, args...)
}

// TouchDevices implements storage.Devices.
func (s *Store) TouchDevices(ctx context.Context, seen map[int64]time.Time) error {
	if len(seen) == 0 {
		return nil
	}
	pairs := []byte{'['}
	for id, t := range seen {
		if len(pairs) > 1 {
			pairs = append(pairs, ',')
		}
		pairs = append(pairs, '[')
		pairs = strconv.AppendInt(pairs, id, 10)
		pairs = append(pairs, ',')
		pairs = strconv.AppendInt(pairs, row.Millis(t), 10)
		pairs = append(pairs, ']')
	}
	_, err := s.exec(ctx, "touch devices", `UPDATE devices SET last_update = seen.at
		FROM (SELECT value ->> 0 AS id, value ->> 1 AS at FROM json_each(?)) AS seen
		WHERE devices.id = seen.id AND devices.last_update < seen.at`, string(append(pairs, ']')))
	return err
}

// jsonIDs writes ids as a JSON list, for json_each: one statement for any
// number of them.
func jsonIDs(ids []int64) string {
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(append(b, ']'))
}

func jsonTexts(texts []string) string {
	kept := make([]string, 0, len(texts))
	for _, s := range texts {
		if row.IsText(s) {
			kept = append(kept, s)
		}
	}
	b, err := json.Marshal(kept)
	if err != nil {
		panic(err) // a list of texts always marshals
	}
	return string(b)
}

// mustChange makes a statement that found no row data.ErrNotFound.
func mustChange(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = data.ErrNotFound
	}
	return err
}
