package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// DeletePositions implements storage.Positions.
func (s *Store) DeletePositions(ctx context.Context, deviceID int64, from, to time.Time) error {
	if err := s.deletePositions(ctx, deviceID, millisOf(from), millisOf(to)); err != nil {
		return fmt.Errorf("delete positions: %w", err)
	}
	return nil
}

func (s *Store) deletePositions(ctx context.Context, deviceID, from, to int64) error {
	unlock, err := s.backend.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if from > to {
		return nil
	}
	if err := s.backend.DeleteHot(ctx, deviceID, from, to); err != nil {
		return err
	}
	damage, err := s.cut(ctx, deviceID, from, to)
	if err != nil {
		return err
	}
	if err := s.backend.DeleteBlocks(ctx, deviceID, from, to); err != nil {
		return err
	}
	if err := s.newHead(ctx, deviceID, from, to); err != nil {
		return err
	}
	return damage.err()
}

// cut takes the points from..to out of the blocks at both ends of that.
func (s *Store) cut(ctx context.Context, deviceID, from, to int64) (d damage, err error) {
	const all = 1 << 20
	for _, end := range []int64{from, to} {
		blocks, err := s.backend.Blocks(ctx, deviceID, end, end, all)
		if errors.Is(err, block.ErrCorrupt) {
			d.add(err)
		} else if err != nil {
			return d, err
		}
		var changes []Change
		for i := range blocks {
			b := &blocks[i]
			if b.First >= from && b.Last <= to {
				continue // goes as a whole
			}
			points, err := block.Parse(b.Data, deviceID, nil)
			if err != nil {
				d.add(unreadable(b, err))
				continue
			}
			rest := slices.DeleteFunc(points, func(p block.Point) bool {
				t := placeOf(&p).time
				return t >= from && t <= to
			})
			c := Change{DeviceID: deviceID, Remove: []int64{b.First}}
			if c.Put, err = s.pack(deviceID, rest); err != nil {
				return d, err
			}
			changes = append(changes, c)
		}
		if len(changes) == 0 {
			continue
		}
		if err := s.backend.ReplaceBlocks(ctx, changes); err != nil {
			return d, err
		}
	}
	return d, nil
}

// newHead finds the newest position anew if it was deleted, and begins a new
// epoch.
func (s *Store) newHead(ctx context.Context, deviceID, from, to int64) error {
	return s.backend.Update(ctx, []int64{deviceID}, func(ctx context.Context, tx Tx, heads map[int64]*Head) error {
		h := heads[deviceID]
		if h == nil || h.LastNumber == 0 {
			return nil
		}
		h.Epoch++
		if h.Newest.Number == 0 || h.Newest.Time < from || h.Newest.Time > to {
			return tx.SetHeads(ctx, []*Head{h})
		}
		// Nobody inserts for the device meanwhile, and no one else moves or deletes.
		p, err := s.newestBefore(ctx, deviceID, math.MaxInt64)
		switch {
		case errors.Is(err, data.ErrNotFound):
			h.Newest = Row{}
		case err != nil:
			return err
		default:
			h.Newest = rowOf(&p)
		}
		return tx.SetHeads(ctx, []*Head{h})
	})
}

// rowOf is the reverse of decode.
func rowOf(p *block.Point) Row {
	at := placeOf(p)
	r := Row{DeviceID: p.Position.DeviceID, Time: at.time, Number: at.number, Fingerprint: p.Fingerprint}
	one := []data.Position{p.Position}
	one[0].ID, one[0].DeviceID = 0, 0
	r.Position = wire.Append(nil, one)
	return r
}

// Forget removes the history of a device that was deleted.
func (s *Store) Forget(ctx context.Context, deviceID int64) error {
	unlock, err := s.backend.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return s.backend.DropDevice(ctx, deviceID)
}

// lostNumbers is how many numbers are left out after those that blocks know of
// when heads were lost, for positions that were lost with them: their ids may
// be known elsewhere.
const lostNumbers = 1 << 20

// Restore writes heads that were lost and put together again from the blocks,
// all but their newest positions, which it looks up.
func (s *Store) Restore(ctx context.Context, heads []*Head) error {
	for _, h := range heads {
		p, err := s.newestBefore(ctx, h.DeviceID, math.MaxInt64)
		if err == nil {
			h.Newest, h.LastUpdate = rowOf(&p), millis(p.Position.ServerTime)
		} else if !errors.Is(err, data.ErrNotFound) {
			return err
		}
		h.LastNumber = uint32(min(uint64(h.LastNumber)+lostNumbers, math.MaxUint32))
	}
	if len(heads) == 0 {
		return nil
	}
	return s.backend.Update(ctx, nil, func(ctx context.Context, tx Tx, _ map[int64]*Head) error { return tx.SetHeads(ctx, heads) })
}
