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
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// batch is the work of one InsertPositions; batches are used again.
type batch struct {
	store     *Store
	fold      storage.Fold
	positions []data.Position // the caller's, with times as they are kept
	rows      []Row           // of all positions, in their order
	bytes     []byte          // what the rows' Position lie in
	devices   []int64
	one       [1]data.Position

	known   map[int64]bool
	is      map[Key]bool // asked for, and whether it is stored
	late    []Key
	keys    []block.Key
	fresh   []int32 // those of rows that are new
	append  []Row
	ends    []int
	changed []*Head

	arrivals []storage.Arrival
	arrived  []*data.Position
	of       map[int64]int // device to arrival
}

var batches = sync.Pool{New: func() any {
	return &batch{known: make(map[int64]bool), is: make(map[Key]bool), of: make(map[int64]int)}
}}

// maxKept bounds the bytes of a batch that is kept for the next one.
const maxKept = 1 << 20

func (b *batch) release() {
	if cap(b.bytes) > maxKept || cap(b.rows) > maxKept/64 {
		return
	}
	b.store, b.fold, b.positions, b.one[0] = nil, nil, nil, data.Position{}
	clear(b.rows)
	clear(b.append[:cap(b.append)])
	clear(b.changed)
	clear(b.known)
	clear(b.is)
	clear(b.of)
	clear(b.arrivals[:cap(b.arrivals)])
	clear(b.arrived[:cap(b.arrived)])
	batches.Put(b)
}

// InsertPositions implements storage.Positions.
func (s *Store) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error {
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
	b.store, b.fold, b.positions = s, fold, positions
	b.fill(fingerprints)
	if err := s.backend.Update(ctx, b.devices, b.insert); err != nil {
		for i := range positions {
			positions[i].ID = 0
		}
		return fmt.Errorf("insert positions: %w", err)
	}
	return nil
}

// fill makes rows of positions, without what they say.
func (b *batch) fill(fingerprints []uint64) {
	b.rows, b.devices = b.rows[:0], b.devices[:0]
	for i := range b.positions {
		p := &b.positions[i]
		r := Row{DeviceID: p.DeviceID, Time: kept(p.Time()).UnixMilli(), Fingerprint: uint32(fingerprints[i])}
		b.rows = append(b.rows, r)
		if !b.known[r.DeviceID] {
			b.known[r.DeviceID] = true
			b.devices = append(b.devices, r.DeviceID)
		}
	}
}

// insert gives numbers to the positions that are new, has them folded, and
// stores them.
func (b *batch) insert(ctx context.Context, tx Tx, heads map[int64]*Head) error {
	if err := b.findStored(ctx, tx, heads); err != nil {
		return err
	}
	if err := b.number(heads); err != nil {
		return err
	}
	var findings []storage.Findings
	if b.fold != nil && len(b.fresh) > 0 {
		b.arrive(heads)
		var err error
		if findings, err = b.fold(ctx, b.arrivals); err != nil {
			return err
		}
	}
	if len(b.fresh) > 0 {
		b.encode(heads)
		if err := tx.AppendHot(ctx, b.append); err != nil {
			return err
		}
	}
	if len(b.changed) > 0 {
		for _, h := range b.changed {
			h.changed = false
		}
		if err := tx.SetHeads(ctx, b.changed); err != nil {
			return err
		}
	}
	if len(findings) == 0 {
		return nil
	}
	return putFindings(ctx, tx, findings)
}

// number gives numbers to the positions that are new.
func (b *batch) number(heads map[int64]*Head) error {
	b.fresh, b.changed = b.fresh[:0], b.changed[:0]
	for i := range b.rows {
		r := &b.rows[i]
		r.Number, b.positions[i].ID = 0, 0
		h := heads[r.DeviceID]
		if h == nil {
			continue
		}
		if seen := millis(b.positions[i].ServerTime); seen > h.LastUpdate {
			h.LastUpdate = seen
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
		b.positions[i].ID = ID(r.DeviceID, r.Number)
		if b.fold == nil {
			h.Epoch++
		}
		b.touch(h)
		b.fresh = append(b.fresh, int32(i))
	}
	return nil
}

// arrive sorts the new positions by device, and makes their times those that
// are kept: a fold shall see what it would read.
func (b *batch) arrive(heads map[int64]*Head) {
	b.arrivals = b.arrivals[:0]
	clear(b.of)
	for _, i := range b.fresh {
		p := &b.positions[i]
		p.DeviceTime, p.FixTime, p.ServerTime = kept(p.DeviceTime), kept(p.FixTime), kept(p.ServerTime)
		at, ok := b.of[p.DeviceID]
		if !ok {
			at = len(b.arrivals)
			b.of[p.DeviceID] = at
			b.arrivals = append(b.arrivals, arrival(heads[p.DeviceID]))
		}
		b.arrivals[at].Epoch++ // counts them for now
	}
	b.arrived = slices.Grow(b.arrived[:0], len(b.fresh))[:len(b.fresh)]
	begin := 0
	for i := range b.arrivals {
		a := &b.arrivals[i]
		n := int(a.Epoch - heads[a.DeviceID].Epoch)
		a.Epoch -= int64(n)
		a.Positions = b.arrived[begin : begin : begin+n]
		begin += n
	}
	for _, i := range b.fresh {
		a := &b.arrivals[b.of[b.rows[i].DeviceID]]
		a.Positions = append(a.Positions, &b.positions[i])
	}
}

// encode writes what the new rows say, as it is after the fold.
func (b *batch) encode(heads map[int64]*Head) {
	b.bytes, b.ends, b.append = b.bytes[:0], b.ends[:0], b.append[:0]
	for _, i := range b.fresh {
		b.one[0] = b.positions[i]
		p := &b.one[0]
		p.DeviceTime, p.FixTime, p.ServerTime = kept(p.DeviceTime), kept(p.FixTime), kept(p.ServerTime)
		p.ID, p.DeviceID = 0, 0 // the row says it
		b.bytes = wire.Append(b.bytes, b.one[:])
		b.ends = append(b.ends, len(b.bytes))
	}
	start := 0
	for n, i := range b.fresh {
		r := &b.rows[i]
		r.Position = b.bytes[start:b.ends[n]:b.ends[n]]
		start = b.ends[n]
		b.append = append(b.append, *r)
		if h := heads[r.DeviceID]; h.Newest.Number == 0 || r.Time >= h.Newest.Time {
			h.Newest = *r
		}
	}
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
