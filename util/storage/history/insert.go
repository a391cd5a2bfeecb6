package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// batch is the work of one InsertPositions; batches are used again.
type batch struct {
	store   *Store
	rows    []Row   // of all positions, in their order
	seen    []int64 // ServerTime of each
	bytes   []byte  // what the rows' Position lie in
	ends    []int
	devices []int64
	one     [1]data.Position

	known   map[int64]bool
	is      map[Key]bool // asked for, and whether it is stored
	late    []Key
	keys    []block.Key
	fresh   []Row
	changed []*Head
}

var batches = sync.Pool{New: func() any {
	return &batch{known: make(map[int64]bool), is: make(map[Key]bool)}
}}

// maxKept bounds the bytes of a batch that is kept for the next one.
const maxKept = 1 << 20

func (b *batch) release() {
	if cap(b.bytes) > maxKept || cap(b.rows) > maxKept/64 {
		return
	}
	b.store, b.one[0] = nil, data.Position{}
	clear(b.rows)
	clear(b.fresh)
	clear(b.changed)
	clear(b.known)
	clear(b.is)
	batches.Put(b)
}

// InsertPositions implements storage.Positions.
func (s *Store) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64) error {
	if err := row.CheckPositions(positions, fingerprints); err != nil {
		return fmt.Errorf("insert positions: %w", err)
	}
	for i := range positions {
		positions[i].ID = 0
		if positions[i].DeviceID > MaxDeviceID {
			return fmt.Errorf("insert positions: device id %d is above %d, ids of its positions would not be exact: %w",
				positions[i].DeviceID, MaxDeviceID, data.ErrInvalid)
		}
	}
	if len(positions) == 0 {
		return nil
	}
	b := batches.Get().(*batch)
	defer b.release()
	b.store = s
	b.fill(positions, fingerprints)
	if err := s.backend.Update(ctx, b.devices, b.insert); err != nil {
		return fmt.Errorf("insert positions: %w", err)
	}
	for i := range positions {
		if r := &b.rows[i]; r.Number != 0 {
			positions[i].ID = ID(r.DeviceID, r.Number)
		}
	}
	return nil
}

// fill makes rows of positions.
func (b *batch) fill(positions []data.Position, fingerprints []uint64) {
	b.rows, b.seen, b.bytes, b.ends, b.devices = b.rows[:0], b.seen[:0], b.bytes[:0], b.ends[:0], b.devices[:0]
	for i := range positions {
		b.one[0] = positions[i]
		p := &b.one[0]
		p.DeviceTime, p.FixTime, p.ServerTime = kept(p.DeviceTime), kept(p.FixTime), kept(p.ServerTime)
		r := Row{DeviceID: p.DeviceID, Time: p.Time().UnixMilli(), Fingerprint: uint32(fingerprints[i])}
		b.rows = append(b.rows, r)
		b.seen = append(b.seen, p.ServerTime.UnixMilli())
		if !b.known[r.DeviceID] {
			b.known[r.DeviceID] = true
			b.devices = append(b.devices, r.DeviceID)
		}
		p.DeviceID = 0 // the row says it
		b.bytes = wire.Append(b.bytes, b.one[:])
		b.ends = append(b.ends, len(b.bytes))
	}
	start := 0
	for i, end := range b.ends {
		b.rows[i].Position = b.bytes[start:end:end]
		start = end
	}
}

// insert gives numbers to the positions that are new, and stores them.
func (b *batch) insert(ctx context.Context, tx Tx, heads map[int64]*Head) error {
	if err := b.findStored(ctx, tx, heads); err != nil {
		return err
	}
	b.fresh, b.changed = b.fresh[:0], b.changed[:0]
	for i := range b.rows {
		r := &b.rows[i]
		r.Number = 0
		h := heads[r.DeviceID]
		if h == nil {
			continue
		}
		if b.seen[i] > h.LastUpdate {
			h.LastUpdate = b.seen[i]
			b.touch(h)
		}
		if k := (Key{r.DeviceID, r.Time, r.Fingerprint}); b.is[k] {
			continue
		} else {
			b.is[k] = true
		}
		if h.LastNumber == math.MaxUint32 {
			return fmt.Errorf("device %d has reported %d positions, there are no numbers left: %w", h.DeviceID, h.LastNumber, data.ErrInvalid)
		}
		if h.LastNumber == 0 || r.Time > h.MaxTime {
			h.MaxTime = r.Time
		}
		h.LastNumber++
		r.Number = h.LastNumber
		if h.Newest.Number == 0 || r.Time >= h.Newest.Time {
			h.Newest = *r
		}
		b.touch(h)
		b.fresh = append(b.fresh, *r)
	}
	if len(b.fresh) > 0 {
		if err := tx.AppendHot(ctx, b.fresh); err != nil {
			return err
		}
	}
	if len(b.changed) == 0 {
		return nil
	}
	for _, h := range b.changed {
		h.changed = false
	}
	return tx.SetHeads(ctx, b.changed)
}

func (b *batch) touch(h *Head) {
	if !h.changed {
		h.changed = true
		b.changed = append(b.changed, h)
	}
}

// findStored finds which positions are stored already. One that is newer than
// all of its device cannot be. The others are looked for in the hot part first:
// compaction moves them from there into blocks.
func (b *batch) findStored(ctx context.Context, tx Tx, heads map[int64]*Head) error {
	clear(b.is)
	b.late = b.late[:0]
	for i := range b.rows {
		r := &b.rows[i]
		h := heads[r.DeviceID]
		if h == nil || h.LastNumber == 0 || r.Time > h.MaxTime {
			continue
		}
		k := Key{r.DeviceID, r.Time, r.Fingerprint}
		if _, asked := b.is[k]; !asked {
			b.is[k] = false
			b.late = append(b.late, k)
		}
	}
	if len(b.late) == 0 {
		return nil
	}
	stored, err := tx.HotKeys(ctx, b.late)
	if err != nil {
		return err
	}
	for _, k := range stored {
		b.found(k)
	}
	blocks, err := tx.BlocksAt(ctx, b.late)
	if errors.Is(err, block.ErrCorrupt) {
		b.store.damaged(err) // what cannot be read is as good as not stored
	} else if err != nil {
		return err
	}
	for i := range blocks {
		if b.keys, err = block.Keys(blocks[i].Data, b.keys[:0]); err != nil {
			b.store.damaged(unreadable(&blocks[i], err))
			continue
		}
		for _, k := range b.keys {
			b.found(Key{blocks[i].DeviceID, k.Time, k.Fingerprint})
		}
	}
	return nil
}

func (b *batch) found(k Key) {
	if _, asked := b.is[k]; asked {
		b.is[k] = true
	}
}

// Touch moves Head.LastUpdate of devices forward, never back: see
// storage.Devices.TouchDevices.
func (s *Store) Touch(ctx context.Context, seen map[int64]time.Time) error {
	if len(seen) == 0 {
		return nil
	}
	ids := slices.Collect(maps.Keys(seen))
	return s.backend.Update(ctx, ids, func(ctx context.Context, tx Tx, heads map[int64]*Head) error {
		var changed []*Head
		for id, h := range heads {
			if at := millisOf(seen[id]); h != nil && at > h.LastUpdate {
				h.LastUpdate = at
				changed = append(changed, h)
			}
		}
		if len(changed) == 0 {
			return nil
		}
		return tx.SetHeads(ctx, changed)
	})
}
