package sqlite

import (
	"context"
	"database/sql"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// RecordUnknownDevices implements storage.UnknownDevices.
func (s *Store) RecordUnknownDevices(ctx context.Context, seen []data.UnknownDevice) error {
	if len(seen) == 0 {
		return nil
	}
	seen = row.Unknown(seen)
	return s.write(ctx, "record unknown devices", func(ctx context.Context, tx *sql.Tx) error {
		for i := range seen {
			u := &seen[i]
			_, err := tx.ExecContext(ctx, `INSERT INTO unknown_devices (protocol, unique_id, address, first_seen, last_seen, count, last_frame, details)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (protocol, unique_id) DO UPDATE SET address = excluded.address, last_seen = excluded.last_seen,
					count = count + excluded.count, last_frame = excluded.last_frame,
					details = CASE WHEN excluded.details = '{}' THEN details ELSE excluded.details END`,
				u.Protocol, u.UniqueID, u.Address, row.Millis(u.FirstSeen), row.Millis(u.LastSeen), u.Count, u.LastFrame, row.UnknownDetails(u))
			if err != nil {
				return err
			}
		}
		for known, most := range map[bool]int{true: storage.MaxUnknownDevices, false: storage.MaxUnrecognised} {
			_, err := tx.ExecContext(ctx, `DELETE FROM unknown_devices WHERE (protocol, unique_id) IN (
				SELECT protocol, unique_id FROM unknown_devices WHERE (protocol <> '') = ?
				ORDER BY last_seen DESC, protocol, unique_id LIMIT -1 OFFSET ?)`, known, most)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ListUnknownDevices implements storage.UnknownDevices.
func (s *Store) ListUnknownDevices(ctx context.Context) ([]data.UnknownDevice, error) {
	return list(ctx, s, "list unknown devices", func(r scanner) (u data.UnknownDevice, err error) {
		var first, last int64
		var details string
		if err = r.Scan(&u.Protocol, &u.UniqueID, &u.Address, &first, &last, &u.Count, &u.LastFrame, &details); err != nil {
			return u, err
		}
		u.FirstSeen, u.LastSeen = row.Time(first), row.Time(last)
		return u, row.SetUnknownDetails(&u, details)
	}, `SELECT protocol, unique_id, address, first_seen, last_seen, count, last_frame, details
		FROM unknown_devices ORDER BY last_seen DESC, protocol, unique_id`)
}

// ForgetUnknownDevice implements storage.UnknownDevices.
func (s *Store) ForgetUnknownDevice(ctx context.Context, uniqueID string) error {
	_, err := s.exec(ctx, "forget unknown device", `DELETE FROM unknown_devices WHERE unique_id = ?`, row.Clean(uniqueID, row.MaxKey))
	return err
}
