package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// RecordUnknownDevices implements storage.UnknownDevices. The list is short and
// written seldom: writers take turns with the whole table.
func (s *Store) RecordUnknownDevices(ctx context.Context, seen []data.UnknownDevice) error {
	if len(seen) == 0 {
		return nil
	}
	seen = row.Unknown(seen)
	return s.write(ctx, "record unknown devices", func(ctx context.Context, tx pgx.Tx) error {
		// On its own: preparing the batch takes locks that would meet others'.
		if _, err := tx.Exec(ctx, `LOCK TABLE unknown_devices IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		return tx.SendBatch(ctx, recordUnknown(seen)).Close()
	})
}

func recordUnknown(seen []data.UnknownDevice) *pgx.Batch {
	var b pgx.Batch
	for i := range seen {
		u := &seen[i]
		b.Queue(`INSERT INTO unknown_devices AS u (protocol, unique_id, address, first_seen, last_seen, count, last_frame, details)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (protocol, unique_id) DO UPDATE SET address = excluded.address, last_seen = excluded.last_seen,
				count = u.count + excluded.count, last_frame = excluded.last_frame,
				details = CASE WHEN excluded.details = '{}' THEN u.details ELSE excluded.details END`,
			u.Protocol, u.UniqueID, u.Address, row.Millis(u.FirstSeen), row.Millis(u.LastSeen), u.Count, u.LastFrame, row.UnknownDetails(u))
	}
	for known, most := range map[bool]int{true: storage.MaxUnknownDevices, false: storage.MaxUnrecognised} {
		b.Queue(`DELETE FROM unknown_devices WHERE (protocol, unique_id) IN (
			SELECT protocol, unique_id FROM unknown_devices WHERE (protocol <> '') = $1
			ORDER BY last_seen DESC, protocol, unique_id OFFSET $2)`, known, most)
	}
	return &b
}

// ListUnknownDevices implements storage.UnknownDevices.
func (s *Store) ListUnknownDevices(ctx context.Context) ([]data.UnknownDevice, error) {
	return list(ctx, s, "list unknown devices", func(r pgx.CollectableRow) (u data.UnknownDevice, err error) {
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
	_, err := s.exec(ctx, "forget unknown device", `DELETE FROM unknown_devices WHERE unique_id = $1`, row.Clean(uniqueID, row.MaxKey))
	return err
}
