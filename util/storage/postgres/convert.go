package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const (
	// convertPortion is how many positions are moved at once.
	convertPortion = 5000
	// convertNews is how often the log says how far it is.
	convertNews = 10 * time.Second
)

// oldPosition is a row of schema 1.
type oldPosition struct {
	data.Position
	fingerprint int64
}

func scanOldPosition(r pgx.CollectableRow) (p oldPosition, err error) {
	var server, device, fix int64
	var network, attributes pgtype.DriverBytes // parsed before the next row
	err = r.Scan(&p.ID, &p.DeviceID, &p.Protocol, &server, &device, &fix, &p.Valid, &p.Outdated,
		&p.Latitude, &p.Longitude, &p.AltitudeM, &p.SpeedKnots, &p.CourseDeg, &p.AccuracyM, &network, &attributes, &p.fingerprint)
	if err != nil {
		return p, err
	}
	p.ServerTime, p.DeviceTime, p.FixTime = row.Time(server), row.Time(device), row.Time(fix)
	return p, row.SetPositionTexts(&p.Position, attributes, network)
}

// convert moves the positions of schema 1 into history, in the order of their
// ids; they take new ones. Of several processes one does, the others wait. Each
// portion is removed once it is moved: who is interrupted goes on from there,
// and what was moved but not removed is known as repeated.
func (s *Store) convert(ctx context.Context, log *slog.Logger) error {
	const doing = "move positions into history"
	if left, err := s.oldLeft(ctx, doing); err != nil || !left {
		return err
	}
	conn, err := s.wait(ctx, convertKey, 0)
	if err != nil {
		return s.fail(doing, err)
	}
	defer giveBack(conn)
	if left, err := s.oldLeft(ctx, doing); err != nil || !left { // another process was quicker
		return err
	}
	ends, err := list(ctx, s, doing, scanID, `SELECT id FROM (SELECT min(id) AS id FROM old_positions UNION ALL SELECT max(id) FROM old_positions) AS e
		WHERE id IS NOT NULL ORDER BY id`)
	if err != nil {
		return err
	}
	if len(ends) > 0 {
		if err := s.convertAll(ctx, log, ends[0], ends[1]); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	_, err = s.exec(ctx, doing, `DROP TABLE old_positions`)
	return err
}

func (s *Store) oldLeft(ctx context.Context, doing string) (bool, error) {
	return one(ctx, s, doing, scanBool, `SELECT to_regclass('old_positions') IS NOT NULL`)
}

func (s *Store) convertAll(ctx context.Context, log *slog.Logger, first, last int64) error {
	log.Info("moving positions into history, this is done once", "positions", last-first+1)
	began, said := time.Now(), time.Now()
	moved := 0
	for {
		n, err := s.convertSome(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		moved += n
		if err := s.CompactIfDue(ctx); err != nil {
			return err
		}
		if time.Since(said) > convertNews {
			said = time.Now()
			log.Info("moving positions into history", "moved", moved, "of", last-first+1)
		}
	}
	log.Info("positions moved into history", "positions", moved, "took", time.Since(began).Round(time.Second))
	return nil
}

// convertSome moves the oldest portion and returns how many that were.
func (s *Store) convertSome(ctx context.Context) (int, error) {
	old, err := list(ctx, s, "read old positions", scanOldPosition, `SELECT id, device_id, protocol, server_time, device_time, fix_time,
		valid, outdated, latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint
		FROM old_positions ORDER BY id LIMIT $1`, convertPortion)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	positions, fingerprints := make([]data.Position, len(old)), make([]uint64, len(old))
	for i := range old {
		positions[i], fingerprints[i] = old[i].Position, uint64(old[i].fingerprint)
	}
	if err := s.InsertPositions(ctx, positions, fingerprints, nil); err != nil {
		return 0, err
	}
	_, err = s.exec(ctx, "remove old positions", `DELETE FROM old_positions WHERE id <= $1`, old[len(old)-1].ID)
	return len(old), err
}
