package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectDevices = `SELECT id, name, unique_id, group_id, calendar_id, phone, model, contact, category, disabled,
	expires_at, attributes, disconnected_at, silent_after FROM devices`

func scanDevice(r scanner) (d data.Device, err error) {
	var expires, disconnected, silent int64
	var free string
	err = r.Scan(&d.ID, &d.Name, &d.UniqueID, &d.GroupID, &d.CalendarID, &d.Phone, &d.Model, &d.Contact, &d.Category, &d.Disabled,
		&expires, &free, &disconnected, &silent)
	if err != nil {
		return d, err
	}
	d.ExpiresAt, d.DisconnectedAt, d.SilentAfter = row.Time(expires), row.Time(disconnected), time.Duration(silent)*time.Second
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
		(name, unique_id, search, group_id, calendar_id, phone, model, contact, category, disabled, expires_at, attributes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
	return s.change(ctx, doing, `UPDATE devices SET name = ?, unique_id = ?, search = ?, group_id = ?, calendar_id = ?, phone = ?,
		model = ?, contact = ?, category = ?, disabled = ?, expires_at = ?, attributes = ? WHERE id = ?`,
		d.Name, d.UniqueID, row.Search(d), d.GroupID, d.CalendarID, d.Phone, d.Model, d.Contact, d.Category, d.Disabled,
		row.Millis(d.ExpiresAt), free, d.ID)
}

// DeleteDevice implements storage.Devices. Its history goes after it; what is
// left of that when the process dies goes when the database is opened.
func (s *Store) DeleteDevice(ctx context.Context, id int64) error {
	const doing = "delete device"
	err := s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		if err := mustChange(tx.ExecContext(ctx, `DELETE FROM devices WHERE id = ?`, id)); err != nil {
			return err
		}
		return forget(ctx, tx, data.DeviceKind, id)
	})
	if err != nil {
		return err
	}
	return s.fail(doing, s.Forget(ctx, id))
}

// Device implements storage.Devices.
func (s *Store) Device(ctx context.Context, id int64) (data.Device, error) {
	return s.device(ctx, "find device", selectDevices+` WHERE id = ?`, id)
}

// DeviceByUniqueID implements storage.Devices.
func (s *Store) DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	const doing = "find device by unique id"
	if !row.IsText(uniqueID) {
		return data.Device{}, s.fail(doing, data.ErrNotFound)
	}
	return s.device(ctx, doing, selectDevices+` WHERE unique_id = ?`, uniqueID)
}

func (s *Store) device(ctx context.Context, doing, query string, arg any) (data.Device, error) {
	d, err := one(ctx, s, doing, scanDevice, query, arg)
	if err != nil {
		return d, err
	}
	found := []data.Device{d}
	return found[0], s.fail(doing, s.addHeads(ctx, found))
}

// addHeads fills in what recent.db knows of devices.
func (s *Store) addHeads(ctx context.Context, devices []data.Device) error {
	byID := make(map[int64]*data.Device, len(devices))
	ids := make([]int64, len(devices))
	for i := range devices {
		byID[devices[i].ID], ids[i] = &devices[i], devices[i].ID
	}
	return s.recent.spoken(ctx, ids, func(id, lastUpdate int64, number uint32) {
		d := byID[id]
		if d == nil {
			return
		}
		d.LastUpdate = row.Time(lastUpdate)
		if number != 0 {
			d.PositionID = history.ID(id, number)
		}
	})
}

// ListDevices implements storage.Devices.
func (s *Store) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	var where []string
	var args []any
	filter := func(condition string, arg any) {
		where = append(where, condition)
		args = append(args, arg)
	}
	if f.IDs != nil {
		filter(`id IN (SELECT value FROM json_each(?))`, jsonIDs(f.IDs))
	}
	if f.UniqueIDs != nil {
		filter(`unique_id IN (SELECT value FROM json_each(?))`, jsonTexts(f.UniqueIDs))
	}
	if f.GroupIDs != nil {
		filter(`group_id IN (SELECT value FROM json_each(?))`, jsonIDs(f.GroupIDs))
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
	const doing = "list devices"
	found, err := list(ctx, s, doing, scanDevice, query+` ORDER BY name, id LIMIT ? OFFSET ?`, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, s.fail(doing, s.addHeads(ctx, found))
}

// GroupedDeviceIDs implements storage.Devices, in one row: reading ten thousand
// costs more than all the rest.
func (s *Store) GroupedDeviceIDs(ctx context.Context, groupIDs []int64) ([]int64, error) {
	return one(ctx, s, "list devices of groups", func(r scanner) (ids []int64, err error) {
		var all []byte
		if err := r.Scan(&all); err != nil {
			return nil, err
		}
		return ids, json.Unmarshal(all, &ids)
	}, `SELECT json_group_array(id) FROM (
		SELECT d.id FROM json_each(?) AS g CROSS JOIN devices AS d ON d.group_id = g.value AND d.group_id <> 0 ORDER BY d.id)`, jsonIDs(groupIDs))
}

// TouchDevices implements storage.Devices.
func (s *Store) TouchDevices(ctx context.Context, seen map[int64]time.Time) error {
	return s.fail("touch devices", s.Touch(ctx, seen))
}

// DisconnectDevices implements storage.Devices.
func (s *Store) DisconnectDevices(ctx context.Context, closed map[int64]data.Disconnection) error {
	const doing = "disconnect devices"
	if len(closed) == 0 {
		return nil
	}
	at := make(map[int64]int64, len(closed))
	if err := s.recent.spoken(ctx, slices.Collect(maps.Keys(closed)), func(id, lastUpdate int64, _ uint32) {
		if c, ok := closed[id]; ok && lastUpdate <= row.Millis(c.Spoke) {
			at[id] = row.Millis(c.At)
		}
	}); err != nil {
		return s.fail(doing, err)
	}
	return s.updateEach(ctx, doing, `UPDATE devices SET disconnected_at = e.value
		FROM json_each(?) AS e WHERE devices.id = CAST(e.key AS INTEGER) AND disconnected_at < e.value`, at)
}

// SetSilentAfter implements storage.Devices.
func (s *Store) SetSilentAfter(ctx context.Context, after map[int64]time.Duration) error {
	seconds := make(map[int64]int64, len(after))
	for id, d := range after {
		seconds[id] = int64(d / time.Second)
	}
	return s.updateEach(ctx, "set how long devices may be silent", `UPDATE devices SET silent_after = e.value
		FROM json_each(?) AS e WHERE devices.id = CAST(e.key AS INTEGER)`, seconds)
}

// updateEach runs a statement with numbers by id, as a JSON object.
func (s *Store) updateEach(ctx context.Context, doing, query string, values map[int64]int64) error {
	if len(values) == 0 {
		return nil
	}
	b, err := json.Marshal(values)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, string(b))
		return err
	})
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
