package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// backend is a history.Backend.
//
// Its calls with the context that Update gives to its work belong to Update's
// transaction: they are on disk when Update returns.
//
// Who writes and who seals meet at the table hot_generations: Update holds it
// in row share mode from its beginning to its end, Seal takes it in exclusive
// mode for the moment of the change. So a generation that rows are added to
// stays the current one until they are committed, and nothing is added to one
// that is sealed. Locks are taken in this order:
//
//	hot_generations, heads by id, hot and position_blocks
type backend struct{ s *Store }

var _ history.Backend = backend{}

const selectHeads = `SELECT device_id, last_update, last_number, max_time, thinned,
	newest_time, newest_number, newest_fingerprint, newest_position, epoch FROM device_heads`

func scanHead(r pgx.CollectableRow) (h history.Head, err error) {
	n := &h.Newest
	var fingerprint int32
	err = r.Scan(&h.DeviceID, &h.LastUpdate, &h.LastNumber, &h.MaxTime, &h.Thinned, &n.Time, &n.Number, &fingerprint, &n.Position, &h.Epoch)
	n.DeviceID, n.Fingerprint = h.DeviceID, uint32(fingerprint)
	return h, err
}

// Heads implements history.Backend.
func (b backend) Heads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	const doing = "read heads"
	if deviceIDs == nil {
		return list(ctx, b.s, doing, scanHead, selectHeads+` ORDER BY device_id`)
	}
	return list(ctx, b.s, doing, scanHead, selectHeads+` WHERE device_id = ANY ($1) ORDER BY device_id`, deviceIDs)
}

// errNoHead says that devices exist whose heads do not.
var errNoHead = errors.New("devices without head")

// Update implements history.Backend: two round trips if work asks nothing. What
// work gives to its Tx goes to the server when it returns or asks something.
func (b backend) Update(ctx context.Context, deviceIDs []int64, work func(context.Context, history.Tx, map[int64]*history.Head) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	err := b.update(ctx, deviceIDs, work, true)
	if !errors.Is(err, errNoHead) {
		return err
	}
	// In a transaction of its own: with heads locked, it would meet others.
	_, err = b.s.exec(ctx, "make heads", `INSERT INTO device_heads (device_id)
		SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE ON CONFLICT DO NOTHING`, deviceIDs)
	if err != nil {
		return err
	}
	return b.update(ctx, deviceIDs, work, false)
}

func (b backend) update(ctx context.Context, deviceIDs []int64, work func(context.Context, history.Tx, map[int64]*history.Head) error, ask bool) error {
	const doing = "update positions"
	return b.s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
		t.durable()
		t.batch.Queue(`LOCK TABLE hot_generations IN ROW SHARE MODE`)
		locked, err := list(ctx, b.s, doing, scanHead,
			selectHeads+` WHERE device_id = ANY ($1) ORDER BY device_id FOR NO KEY UPDATE`, deviceIDs)
		if err != nil {
			return err
		}
		heads := make(map[int64]*history.Head, len(locked))
		for i := range locked {
			heads[locked[i].DeviceID] = &locked[i]
		}
		if ask {
			if err := b.missing(ctx, deviceIDs, heads); err != nil {
				return err
			}
		}
		return work(ctx, update{b.s, t}, heads)
	})
}

// missing returns errNoHead if one of the devices without head exists.
func (b backend) missing(ctx context.Context, deviceIDs []int64, heads map[int64]*history.Head) error {
	var without []int64
	for _, id := range deviceIDs {
		if heads[id] == nil {
			without = append(without, id)
		}
	}
	if len(without) == 0 {
		return nil
	}
	found, err := list(ctx, b.s, "find devices", scanID, `SELECT id FROM devices WHERE id = ANY ($1) LIMIT 1`, without)
	if err == nil && len(found) > 0 {
		err = errNoHead
	}
	return err
}

// update is a history.Tx.
type update struct {
	s *Store
	t *tx
}

// AppendHot implements history.Tx.
func (u update) AppendHot(_ context.Context, rows []history.Row) error {
	n := len(rows)
	if n == 0 {
		return nil
	}
	ints := make([]int64, 3*n)
	deviceID, time, number := ints[:n], ints[n:2*n], ints[2*n:]
	fingerprint, position := make([]int32, n), newCopies(n)
	for i := range rows {
		r := &rows[i]
		deviceID[i], time[i], number[i], fingerprint[i] = r.DeviceID, r.Time, int64(r.Number), int32(r.Fingerprint)
		position.add(r.Position)
	}
	u.t.batch.Queue(`INSERT INTO hot (device_id, time, number, generation, fingerprint, position)
		SELECT r.device_id, r.time, r.number, (SELECT id FROM hot_generations WHERE NOT sealed), r.fingerprint, r.position
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[])
			AS r (device_id, time, number, fingerprint, position)`,
		deviceID, time, number, fingerprint, position.all)
	return nil
}

// SetHeads implements history.Tx.
func (u update) SetHeads(_ context.Context, heads []*history.Head) error {
	n := len(heads)
	if n == 0 {
		return nil
	}
	ints := make([]int64, 8*n)
	deviceID, lastUpdate, lastNumber, maxTime := ints[:n], ints[n:2*n], ints[2*n:3*n], ints[3*n:4*n]
	thinned, newestTime, newestNumber, epoch := ints[4*n:5*n], ints[5*n:6*n], ints[6*n:7*n], ints[7*n:]
	fingerprint, position := make([]int32, n), newCopies(n)
	for i, h := range heads {
		deviceID[i], lastUpdate[i], lastNumber[i] = h.DeviceID, h.LastUpdate, int64(h.LastNumber)
		maxTime[i], thinned[i], epoch[i] = h.MaxTime, h.Thinned, h.Epoch
		newestTime[i], newestNumber[i], fingerprint[i] = h.Newest.Time, int64(h.Newest.Number), int32(h.Newest.Fingerprint)
		position.add(h.Newest.Position)
	}
	u.t.batch.Queue(`UPDATE device_heads AS h SET last_update = n.last_update, last_number = n.last_number,
			max_time = n.max_time, thinned = n.thinned, newest_time = n.newest_time, newest_number = n.newest_number,
			newest_fingerprint = n.newest_fingerprint, newest_position = n.newest_position, epoch = n.epoch
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[], $9::bytea[], $10::bigint[])
			AS n (device_id, last_update, last_number, max_time, thinned, newest_time, newest_number, newest_fingerprint, newest_position, epoch)
		WHERE h.device_id = n.device_id`,
		deviceID, lastUpdate, lastNumber, maxTime, thinned, newestTime, newestNumber, fingerprint, position.all, epoch)
	return nil
}

// copies are positions that are sent later than they were given.
type copies struct {
	all   [][]byte
	bytes []byte
}

func newCopies(n int) copies { return copies{all: make([][]byte, 0, n), bytes: make([]byte, 0, 256*n)} }

// add adds one, never nil, which would be null. When bytes has to grow, those
// added before stay where they are.
func (c *copies) add(position []byte) {
	begin := len(c.bytes)
	c.bytes = append(c.bytes, position...)
	c.all = append(c.all, c.bytes[begin:len(c.bytes):len(c.bytes)])
}

// HotKeys implements history.Tx. OFFSET 0 makes the planner look up place by
// place: it may have planned when the generation was new and small, where
// reading all of it seemed cheap.
func (u update) HotKeys(ctx context.Context, at []history.Key) ([]history.Key, error) {
	deviceID, time := places(at)
	return list(ctx, u.s, "find hot positions", func(r pgx.CollectableRow) (k history.Key, err error) {
		var fingerprint int32
		err = r.Scan(&k.DeviceID, &k.Time, &fingerprint)
		k.Fingerprint = uint32(fingerprint)
		return k, err
	}, `SELECT h.device_id, h.time, h.fingerprint
		FROM (SELECT DISTINCT a.device_id, a.time FROM unnest($1::bigint[], $2::bigint[]) AS a (device_id, time)) AS a
		CROSS JOIN LATERAL (SELECT * FROM hot AS h WHERE h.device_id = a.device_id AND h.time = a.time OFFSET 0) AS h`, deviceID, time)
}

// BlocksAt implements history.Tx.
func (u update) BlocksAt(ctx context.Context, at []history.Key) ([]history.Block, error) {
	if len(at) == 0 {
		return nil, nil
	}
	deviceID, time := places(at)
	return u.s.blocks(ctx, "find blocks", `
		WHERE (b.device_id, b.first_time) IN (SELECT b.device_id, b.first_time
			FROM unnest($1::bigint[], $2::bigint[]) AS a (device_id, time)
			CROSS JOIN LATERAL (SELECT b.device_id, b.first_time FROM position_blocks AS b
				WHERE b.device_id = a.device_id AND b.last_time >= a.time
					AND b.first_time > a.time - $3::bigint AND b.first_time <= a.time AND b.first_time BETWEEN $4 AND $5
				OFFSET 0) AS b)
			AND b.first_time BETWEEN $4 AND $5
		ORDER BY b.device_id, b.first_time`,
		deviceID, time, hour, slices.Min(time)-hour, slices.Max(time))
}

func places(at []history.Key) (deviceID, time []int64) {
	deviceID, time = make([]int64, len(at)), make([]int64, len(at))
	for i, k := range at {
		deviceID[i], time[i] = k.DeviceID, k.Time
	}
	return deviceID, time
}
