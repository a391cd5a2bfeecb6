package sqlite

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectPositions = `SELECT p.id, p.device_id, p.protocol, p.server_time, p.device_time, p.fix_time, p.valid, p.outdated,
	p.latitude, p.longitude, p.altitude, p.speed, p.course, p.accuracy, p.network, p.attributes FROM positions AS p`

func scanPosition(r scanner) (p data.Position, err error) {
	var server, device, fix int64
	var network, attributes sql.RawBytes // parsed before the next row
	err = r.Scan(&p.ID, &p.DeviceID, &p.Protocol, &server, &device, &fix, &p.Valid, &p.Outdated,
		&p.Latitude, &p.Longitude, &p.AltitudeM, &p.SpeedKnots, &p.CourseDeg, &p.AccuracyM, &network, &attributes)
	if err != nil {
		return p, err
	}
	p.ServerTime, p.DeviceTime, p.FixTime = row.Time(server), row.Time(device), row.Time(fix)
	return p, row.SetPositionTexts(&p, attributes, network)
}

// insertColumns is the number of columns an insert binds per position.
const insertColumns = 17

// insertSizes are the numbers of positions one statement inserts: any batch
// takes few statements, and few statements need be prepared.
var insertSizes = [...]int{64, 32, 16, 8, 4, 2, 1}

// positionStatements are the statements of InsertPositions, prepared on the
// writer beforehand: during a transaction it has no connection to do it on.
type positionStatements struct {
	heads, lastID, stored, move *sql.Stmt
	insert                      [len(insertSizes)]*sql.Stmt
}

func (p *positionStatements) prepare(ctx context.Context, db *sql.DB) (err error) {
	prepare := func(query string) (stmt *sql.Stmt) {
		if err == nil {
			stmt, err = db.PrepareContext(ctx, query)
		}
		return stmt
	}
	p.heads = prepare(`SELECT id, last_update, position_id, position_fix_time, position_device_time
		FROM devices WHERE id IN (SELECT value FROM json_each(?))`)
	p.lastID = prepare(`SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'positions'`)
	p.stored = prepare(`SELECT id FROM positions WHERE id BETWEEN ? AND ?`)
	p.move = prepare(`UPDATE devices SET last_update = ?, position_id = ?, position_fix_time = ?, position_device_time = ? WHERE id = ?`)
	one := `(?` + strings.Repeat(`,?`, insertColumns-1) + `)`
	for i, n := range insertSizes {
		p.insert[i] = prepare(`INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, outdated,
			latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint)
			VALUES ` + one + strings.Repeat(`,`+one, n-1) + ` ON CONFLICT (device_id, device_time, fingerprint) DO NOTHING`)
	}
	return err
}

// head is what a device knows about its newest position.
type head struct {
	lastUpdate, positionID, fixTime, deviceTime int64
	changed                                     bool
}

// InsertPositions implements storage.Positions. The positions take ids in their
// order, one after the other; the writer is alone, so the ids are known
// beforehand and nothing needs to be read back unless some were left out.
func (s *Store) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64) error {
	const doing = "insert positions"
	if err := row.CheckPositions(positions, fingerprints); err != nil {
		return s.fail(doing, err)
	}
	for i := range positions {
		positions[i].ID = 0
	}
	if len(positions) == 0 {
		return nil
	}
	attributes, network := row.PositionTexts(positions)
	ids := make([]int64, len(positions))
	err := s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		heads, err := s.heads(ctx, tx, positions)
		if err != nil {
			return err
		}
		known := make([]int, 0, len(positions))
		for i := range positions {
			if heads[positions[i].DeviceID] != nil {
				known = append(known, i)
			}
		}
		var lastID int64
		if err := tx.StmtContext(ctx, s.inserts.lastID).QueryRowContext(ctx).Scan(&lastID); err != nil {
			return err
		}
		args := make([]any, 0, insertColumns*min(len(known), insertSizes[0]))
		for rest := known; len(rest) > 0; {
			size := 0
			for insertSizes[size] > len(rest) {
				size++
			}
			part := rest[:insertSizes[size]]
			rest = rest[len(part):]
			args = args[:0]
			for n, i := range part {
				p := &positions[i]
				ids[i] = lastID + 1 + int64(n)
				args = append(args, ids[i], p.DeviceID, p.Protocol,
					row.Millis(p.ServerTime), row.Millis(p.DeviceTime), row.Millis(p.FixTime), p.Valid, p.Outdated,
					p.Latitude, p.Longitude, p.AltitudeM, p.SpeedKnots, p.CourseDeg, p.AccuracyM,
					network[i], attributes[i], int64(fingerprints[i]))
			}
			res, err := tx.StmtContext(ctx, s.inserts.insert[size]).ExecContext(ctx, args...)
			if err != nil {
				return err
			}
			if stored, err := res.RowsAffected(); err != nil {
				return err
			} else if stored < int64(len(part)) {
				if err := s.dropRepeats(ctx, tx, ids, part); err != nil {
					return err
				}
			}
			lastID += int64(len(part))
		}
		return s.moveHeads(ctx, tx, heads, positions, ids)
	})
	if err != nil {
		return err
	}
	for i := range positions {
		positions[i].ID = ids[i]
	}
	return nil
}

// heads reads the devices of a batch; those that do not exist are missing.
func (s *Store) heads(ctx context.Context, tx *sql.Tx, positions []data.Position) (map[int64]*head, error) {
	heads := make(map[int64]*head, len(positions))
	var ids []int64
	for i := range positions {
		id := positions[i].DeviceID
		if _, ok := heads[id]; !ok {
			heads[id] = nil
			ids = append(ids, id)
		}
	}
	rows, err := tx.StmtContext(ctx, s.inserts.heads).QueryContext(ctx, jsonIDs(ids))
	if err != nil {
		return nil, err
	}
	_, err = collect(rows, func(r scanner) (_ struct{}, err error) {
		var id int64
		h := new(head)
		err = r.Scan(&id, &h.lastUpdate, &h.positionID, &h.fixTime, &h.deviceTime)
		heads[id] = h
		return struct{}{}, err
	})
	return heads, err
}

// dropRepeats sets the ids of the positions to 0 that were stored before.
func (s *Store) dropRepeats(ctx context.Context, tx *sql.Tx, ids []int64, part []int) error {
	first, last := ids[part[0]], ids[part[len(part)-1]]
	rows, err := tx.StmtContext(ctx, s.inserts.stored).QueryContext(ctx, first, last)
	if err != nil {
		return err
	}
	stored, err := collect(rows, scanID)
	if err != nil {
		return err
	}
	isNew := make([]bool, len(part))
	for _, id := range stored {
		isNew[id-first] = true
	}
	for n, i := range part {
		if !isNew[n] {
			ids[i] = 0
		}
	}
	return nil
}

// moveHeads writes the newest position and time of each device. Among equals in
// both times the one stored last is the newest, as in deletePositions. A repeat
// says that the device has spoken, too.
func (s *Store) moveHeads(ctx context.Context, tx *sql.Tx, heads map[int64]*head, positions []data.Position, ids []int64) error {
	for i := range positions {
		p, h := &positions[i], heads[positions[i].DeviceID]
		if h == nil {
			continue
		}
		if seen := row.Millis(p.ServerTime); seen > h.lastUpdate {
			h.lastUpdate, h.changed = seen, true
		}
		fix, device := row.Millis(p.FixTime), row.Millis(p.DeviceTime)
		if ids[i] != 0 && (fix > h.fixTime || fix == h.fixTime && device >= h.deviceTime) {
			h.positionID, h.fixTime, h.deviceTime, h.changed = ids[i], fix, device, true
		}
	}
	move := tx.StmtContext(ctx, s.inserts.move)
	for id, h := range heads {
		if h == nil || !h.changed {
			continue
		}
		if _, err := move.ExecContext(ctx, h.lastUpdate, h.positionID, h.fixTime, h.deviceTime, id); err != nil {
			return err
		}
	}
	return nil
}

// PositionsByID implements storage.Positions.
func (s *Store) PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error) {
	return list(ctx, s, "find positions", scanPosition,
		selectPositions+` WHERE p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id`, jsonIDs(ids))
}

// LatestPositions implements storage.Positions.
func (s *Store) LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error) {
	const doing = "find latest positions"
	const query = selectPositions + ` JOIN devices AS d ON p.id = d.position_id`
	if deviceIDs == nil {
		return list(ctx, s, doing, scanPosition, query+` ORDER BY d.id`)
	}
	return list(ctx, s, doing, scanPosition,
		query+` WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id`, jsonIDs(deviceIDs))
}

// PositionsBetween implements storage.Positions.
func (s *Store) PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	return row.Walk(row.Place{FixTime: row.Millis(from)}, limit, func(after row.Place, n int) ([]data.Position, error) {
		return list(ctx, s, "read positions", scanPosition,
			selectPositions+` WHERE p.device_id = ? AND (p.fix_time, p.id) > (?, ?) AND p.fix_time <= ?
				ORDER BY p.fix_time, p.id LIMIT ?`, deviceID, after.FixTime, after.ID, row.Millis(to), n)
	}, each)
}

// DeletePositions implements storage.Positions.
func (s *Store) DeletePositions(ctx context.Context, deviceID int64, from, to time.Time) error {
	span := timeSpan{row.Millis(from), row.Millis(to)}
	return s.deletePositions(ctx, "delete positions", deviceID, span, func(ctx context.Context, tx *sql.Tx) error {
		var id int64
		var h head
		err := tx.QueryRowContext(ctx, `SELECT id, fix_time, device_time FROM positions WHERE device_id = ?
			ORDER BY fix_time DESC, device_time DESC, id DESC LIMIT 1`, deviceID).Scan(&id, &h.fixTime, &h.deviceTime)
		if err == sql.ErrNoRows {
			id, h.fixTime, h.deviceTime = 0, row.Millis(time.Time{}), row.Millis(time.Time{})
		} else if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE devices SET position_id = ?, position_fix_time = ?, position_device_time = ? WHERE id = ?`,
			id, h.fixTime, h.deviceTime, deviceID)
		return err
	})
}

// timeSpan is from and to in milliseconds, both within.
type timeSpan struct{ from, to int64 }

var allTime = timeSpan{math.MinInt64, math.MaxInt64}

// deletePortion is how many positions one transaction removes: other writers
// wait no longer than that takes.
const deletePortion = 5000

// deletePositions removes the positions of a device in portions, the oldest
// first, so that the device's newest position is never missing halfway. finish
// runs in the transaction of the last portion.
func (s *Store) deletePositions(ctx context.Context, doing string, deviceID int64, span timeSpan, finish func(context.Context, *sql.Tx) error) error {
	for done := false; !done; {
		err := s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `DELETE FROM positions WHERE id IN (SELECT id FROM positions
				WHERE device_id = ? AND fix_time BETWEEN ? AND ? ORDER BY fix_time, id LIMIT ?)`,
				deviceID, span.from, span.to, deletePortion)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil || n == deletePortion {
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
