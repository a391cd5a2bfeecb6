package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// Server implements storage.Settings.
func (s *Store) Server(ctx context.Context) (v data.Server, err error) {
	const doing = "read server settings"
	bodies, err := list(ctx, s, doing, pgx.RowTo[string], `SELECT body FROM server`)
	if err == nil && len(bodies) > 0 {
		err = s.fail(doing, row.DecodeJSON("server settings", bodies[0], &v))
	}
	return v, err
}

// UpdateServer implements storage.Settings.
func (s *Store) UpdateServer(ctx context.Context, v *data.Server) error {
	const doing = "update server settings"
	body, err := json.Marshal(v)
	if err != nil {
		return s.fail(doing, err)
	}
	_, err = s.exec(ctx, doing, `INSERT INTO server (id, body) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, string(body))
	return err
}

// PutMedia implements storage.Devices.
func (s *Store) PutMedia(ctx context.Context, m *data.Media) error {
	const doing = "store media"
	if err := row.CheckMedia(m); err != nil {
		return s.fail(doing, err)
	}
	_, err := s.exec(ctx, doing, `INSERT INTO media (device_id, name, type, content) VALUES ($1, $2, $3, $4)
		ON CONFLICT (device_id, name) DO UPDATE SET type = excluded.type, content = excluded.content`, m.DeviceID, m.Name, m.Type, m.Content)
	return err
}

// Media implements storage.Devices.
func (s *Store) Media(ctx context.Context, deviceID int64, name string) (data.Media, error) {
	return one(ctx, s, "find media", func(r pgx.CollectableRow) (m data.Media, err error) {
		return m, r.Scan(&m.DeviceID, &m.Name, &m.Type, &m.Content)
	}, `SELECT device_id, name, type, content FROM media WHERE device_id = $1 AND name = $2`, deviceID, row.Clean(name, row.MaxKey))
}

// TrimMedia implements storage.Devices.
func (s *Store) TrimMedia(ctx context.Context, deviceID int64, files int, bytes int64) error {
	_, err := s.exec(ctx, "remove old media", `DELETE FROM media WHERE device_id = $1 AND name IN (
		SELECT name FROM (
			SELECT name, row_number() OVER newest AS files, sum(octet_length(content)) OVER newest AS bytes
			FROM media WHERE device_id = $1 AND name >= '0' AND name < ':'
			WINDOW newest AS (ORDER BY name DESC)) AS sent
		WHERE files > $2 OR bytes > $3)`, deviceID, files, bytes)
	return err
}
