package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// convertPortion is how many positions are moved at once.
const convertPortion = 5000

// oldPosition is a row of schema 1.
type oldPosition struct {
	data.Position
	fingerprint int64
}

func scanOldPosition(r scanner) (p oldPosition, err error) {
	var server, device, fix int64
	var network, attributes sql.RawBytes // parsed before the next row
	err = r.Scan(&p.ID, &p.DeviceID, &p.Protocol, &server, &device, &fix, &p.Valid, &p.Outdated,
		&p.Latitude, &p.Longitude, &p.AltitudeM, &p.SpeedKnots, &p.CourseDeg, &p.AccuracyM, &network, &attributes, &p.fingerprint)
	if err != nil {
		return p, err
	}
	p.ServerTime, p.DeviceTime, p.FixTime = row.Time(server), row.Time(device), row.Time(fix)
	return p, row.SetPositionTexts(&p.Position, attributes, network)
}

// convert moves the positions of schema 1 into history. They come in the order
// of their ids and take new ones. What was moved before the process died is
// known as repeated, so it may begin anew. The caller holds the lock.
func (s *Store) convert(ctx context.Context, log *slog.Logger) error {
	var left int
	err := s.writer.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'old_positions'`).Scan(&left)
	if err != nil || left == 0 {
		return err
	}
	var last int64
	if err := s.writer.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM old_positions`).Scan(&last); err != nil {
		return err
	}
	if last > 0 {
		log.Info("moving positions into history, this is done once", "positions", last)
	}
	began, said := time.Now(), time.Now()
	moved := 0
	for after := int64(0); after < last; {
		var n int
		if after, n, err = s.convertSome(ctx, after); err != nil {
			return fmt.Errorf("move positions into history: %w", err)
		}
		if n == 0 {
			break
		}
		moved += n
		if err := s.CompactIfDue(ctx); err != nil {
			return fmt.Errorf("move positions into history: %w", err)
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			log.Info("moving positions into history", "moved", moved, "of", last)
		}
	}
	if err := s.convertHeads(ctx); err != nil {
		return fmt.Errorf("move what is known of devices: %w", err)
	}
	// Both go at once: neither is converted without the other.
	if err := s.write(ctx, "remove the old positions", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DROP TABLE old_positions; DROP TABLE old_devices`)
		return err
	}); err != nil {
		return err
	}
	if moved == 0 {
		return nil
	}
	if _, err := s.writer.ExecContext(ctx, `VACUUM`); err != nil {
		log.Warn("the room of the old positions is used again, but not given back", "err", err)
	}
	log.Info("positions moved into history", "positions", moved, "took", time.Since(began).Round(time.Second))
	return nil
}

func (s *Store) convertSome(ctx context.Context, after int64) (last int64, n int, err error) {
	old, err := list(ctx, s, "read old positions", scanOldPosition, `SELECT id, device_id, protocol, server_time, device_time, fix_time,
		valid, outdated, latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint
		FROM old_positions WHERE id > ? ORDER BY id LIMIT ?`, after, convertPortion)
	if err != nil || len(old) == 0 {
		return after, 0, err
	}
	last = old[len(old)-1].ID
	positions, fingerprints := make([]data.Position, len(old)), make([]uint64, len(old))
	for i := range old {
		positions[i], fingerprints[i] = old[i].Position, uint64(old[i].fingerprint)
	}
	return last, len(old), s.InsertPositions(ctx, positions, fingerprints, nil)
}

// convertHeads keeps when devices last spoke.
func (s *Store) convertHeads(ctx context.Context) error {
	type spoken struct{ id, at int64 }
	old, err := list(ctx, s, "read old devices", func(r scanner) (d spoken, err error) {
		return d, r.Scan(&d.id, &d.at)
	}, `SELECT id, last_update FROM old_devices`)
	if err != nil {
		return err
	}
	seen := make(map[int64]time.Time, len(old))
	for _, d := range old {
		seen[d.id] = row.Time(d.at)
	}
	return s.TouchDevices(ctx, seen)
}
