package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectPositions = `SELECT p.id, p.device_id, p.protocol, p.server_time, p.device_time, p.fix_time, p.valid, p.outdated,
	p.latitude, p.longitude, p.altitude, p.speed, p.course, p.accuracy, p.network, p.attributes FROM positions AS p`

func scanPosition(r pgx.CollectableRow) (p data.Position, err error) {
	var server, device, fix int64
	var network, attributes pgtype.DriverBytes // parsed before the next row
	err = r.Scan(&p.ID, &p.DeviceID, &p.Protocol, &server, &device, &fix, &p.Valid, &p.Outdated,
		&p.Latitude, &p.Longitude, &p.AltitudeM, &p.SpeedKnots, &p.CourseDeg, &p.AccuracyM, &network, &attributes)
	if err != nil {
		return p, err
	}
	p.ServerTime, p.DeviceTime, p.FixTime = row.Time(server), row.Time(device), row.Time(fix)
	return p, row.SetPositionTexts(&p, attributes, network)
}

// insertPositions is one statement, so one transaction in one round trip. The
// devices are locked first, in the order of their ids: inserts for one device
// come one after the other, so the ids grow with them and the newest position
// is compared with what the insert before has left. What the statement reads of
// a device it has waited for is the row as the other left it.
//
// Among equals in both times the one stored last is the newest, as in
// deletePositions. A repeat says that the device has spoken, too.
const insertPositions = `WITH report AS (
	SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::boolean[],
		$8::double precision[], $9::double precision[], $10::double precision[], $11::double precision[],
		$12::double precision[], $13::double precision[], $14::text[], $15::text[], $16::bigint[])
	WITH ORDINALITY AS r (device_id, protocol, server_time, device_time, fix_time, valid, outdated,
		latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint, nr)
), locked AS MATERIALIZED (
	SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE
), stored AS (
	INSERT INTO positions (device_id, protocol, server_time, device_time, fix_time, valid, outdated,
		latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint)
	SELECT r.device_id, r.protocol, r.server_time, r.device_time, r.fix_time, r.valid, r.outdated,
		r.latitude, r.longitude, r.altitude, r.speed, r.course, r.accuracy, r.network, r.attributes, r.fingerprint
	FROM report AS r JOIN locked ON locked.id = r.device_id
	ORDER BY r.nr
	ON CONFLICT (device_id, device_time, fingerprint) DO NOTHING
	RETURNING id, device_id, device_time, fix_time, fingerprint
), newest AS (
	SELECT DISTINCT ON (device_id) device_id, id, fix_time, device_time
	FROM stored ORDER BY device_id, fix_time DESC, device_time DESC, id DESC
), spoken AS (
	SELECT device_id, max(server_time) AS at FROM report GROUP BY device_id
), moved AS (
	UPDATE devices AS d SET
		last_update = greatest(d.last_update, s.at),
		position_id = CASE WHEN (n.fix_time, n.device_time) >= (d.position_fix_time, d.position_device_time)
			THEN n.id ELSE d.position_id END,
		position_fix_time = CASE WHEN (n.fix_time, n.device_time) >= (d.position_fix_time, d.position_device_time)
			THEN n.fix_time ELSE d.position_fix_time END,
		position_device_time = CASE WHEN (n.fix_time, n.device_time) >= (d.position_fix_time, d.position_device_time)
			THEN n.device_time ELSE d.position_device_time END
	FROM locked JOIN spoken AS s ON s.device_id = locked.id LEFT JOIN newest AS n ON n.device_id = locked.id
	WHERE d.id = locked.id AND (s.at > d.last_update
		OR (n.fix_time, n.device_time) >= (d.position_fix_time, d.position_device_time))
)
SELECT id, device_id, device_time, fingerprint FROM stored`

// report is what makes a position the same as another one.
type report struct{ deviceID, deviceTime, fingerprint int64 }

type storedReport struct {
	id int64
	report
}

func scanStored(r pgx.CollectableRow) (s storedReport, err error) {
	return s, r.Scan(&s.id, &s.deviceID, &s.deviceTime, &s.fingerprint)
}

// InsertPositions implements storage.Positions.
func (s *Store) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64) error {
	const doing = "insert positions"
	if err := row.CheckPositions(positions, fingerprints); err != nil {
		return s.fail(doing, err)
	}
	n := len(positions)
	if n == 0 {
		return nil
	}
	ints, floats, bools := make([]int64, 5*n), make([]float64, 6*n), make([]bool, 2*n)
	deviceID, serverTime, deviceTime, fixTime, fingerprint := ints[:n], ints[n:2*n], ints[2*n:3*n], ints[3*n:4*n], ints[4*n:]
	latitude, longitude, altitude := floats[:n], floats[n:2*n], floats[2*n:3*n]
	speed, course, accuracy := floats[3*n:4*n], floats[4*n:5*n], floats[5*n:]
	valid, outdated := bools[:n], bools[n:]
	protocol := make([]string, n)
	attributes, network := row.PositionTexts(positions)
	first := make(map[report]*data.Position, n)
	for i := range positions {
		p := &positions[i]
		p.ID = 0
		deviceID[i], protocol[i] = p.DeviceID, p.Protocol
		serverTime[i], deviceTime[i], fixTime[i] = row.Millis(p.ServerTime), row.Millis(p.DeviceTime), row.Millis(p.FixTime)
		valid[i], outdated[i] = p.Valid, p.Outdated
		latitude[i], longitude[i], altitude[i] = p.Latitude, p.Longitude, p.AltitudeM
		speed[i], course[i], accuracy[i] = p.SpeedKnots, p.CourseDeg, p.AccuracyM
		fingerprint[i] = int64(fingerprints[i])
		if r := (report{deviceID[i], deviceTime[i], fingerprint[i]}); first[r] == nil {
			first[r] = p
		}
	}
	stored, err := list(ctx, s, doing, scanStored, insertPositions,
		deviceID, protocol, serverTime, deviceTime, fixTime, valid, outdated,
		latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint)
	if err != nil {
		return err
	}
	for i := range stored {
		first[stored[i].report].ID = stored[i].id
	}
	return nil
}

// PositionsByID implements storage.Positions.
func (s *Store) PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return list(ctx, s, "find positions", scanPosition, selectPositions+` WHERE p.id = ANY ($1) ORDER BY p.id`, ids)
}

// LatestPositions implements storage.Positions.
func (s *Store) LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error) {
	const doing = "find latest positions"
	const query = selectPositions + ` JOIN devices AS d ON p.id = d.position_id`
	if deviceIDs == nil {
		return list(ctx, s, doing, scanPosition, query+` ORDER BY d.id`)
	}
	return list(ctx, s, doing, scanPosition, query+` WHERE d.id = ANY ($1) ORDER BY d.id`, deviceIDs)
}

// PositionsBetween implements storage.Positions.
func (s *Store) PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	return row.Walk(row.Place{FixTime: row.Millis(from)}, limit, func(after row.Place, n int) ([]data.Position, error) {
		return list(ctx, s, "read positions", scanPosition,
			selectPositions+` WHERE p.device_id = $1 AND (p.fix_time, p.id) > ($2, $3) AND p.fix_time <= $4
				ORDER BY p.fix_time, p.id LIMIT $5`, deviceID, after.FixTime, after.ID, row.Millis(to), n)
	}, each)
}

// DeletePositions implements storage.Positions.
func (s *Store) DeletePositions(ctx context.Context, deviceID int64, from, to time.Time) error {
	span := timeSpan{row.Millis(from), row.Millis(to)}
	return s.deletePositions(ctx, "delete positions", deviceID, span, func(ctx context.Context, tx pgx.Tx) error {
		never := row.Millis(time.Time{})
		_, err := tx.Exec(ctx, `UPDATE devices AS d
			SET position_id = coalesce(n.id, 0), position_fix_time = coalesce(n.fix_time, $2), position_device_time = coalesce(n.device_time, $2)
			FROM (SELECT) AS always LEFT JOIN (SELECT id, fix_time, device_time FROM positions WHERE device_id = $1
				ORDER BY fix_time DESC, device_time DESC, id DESC LIMIT 1) AS n ON true
			WHERE d.id = $1`, deviceID, never)
		return err
	})
}

// timeSpan is from and to in milliseconds, both within.
type timeSpan struct{ from, to int64 }

var allTime = timeSpan{math.MinInt64, math.MaxInt64}

// deletePortion is how many positions one transaction removes: inserts for the
// device wait no longer than that takes.
const deletePortion = 5000

// deletePositions removes the positions of a device in portions, the oldest
// first, so that the device's newest position is never missing halfway. finish
// runs in the transaction of the last portion.
func (s *Store) deletePositions(ctx context.Context, doing string, deviceID int64, span timeSpan, finish func(context.Context, pgx.Tx) error) error {
	for done := false; !done; {
		err := s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
			// Nobody may insert meanwhile, or a position outlives its device.
			if _, err := tx.Exec(ctx, `SELECT FROM devices WHERE id = $1 FOR UPDATE`, deviceID); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `DELETE FROM positions WHERE id IN (SELECT id FROM positions
				WHERE device_id = $1 AND fix_time BETWEEN $2 AND $3 ORDER BY fix_time, id LIMIT $4)`,
				deviceID, span.from, span.to, deletePortion)
			if err != nil || tag.RowsAffected() == deletePortion {
				return err
			}
			done = true
			return finish(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
