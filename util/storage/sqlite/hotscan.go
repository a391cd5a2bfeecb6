package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// sliceRows is about how many positions are held in memory while a generation
// is read in the order of devices, some 150 bytes each. The table is read once
// for each slice, from its beginning to its end, which is faster than looking up
// each position.
const sliceRows = 400_000

// slice are the positions of some devices in a generation, in order.
type slice struct {
	mu                sync.Mutex
	generation, edits int64
	first, last       int64 // devices
	rows              []history.Row
}

// ScanHot implements history.Backend.
func (b *backend) ScanHot(ctx context.Context, generation, afterDevice, afterTime int64, each func(*history.Row) error) error {
	r := b.s.recent
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return b.failed("read recent positions", err)
	}
	s := &r.slice
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		devices, edits := r.index.devicesOf(generation)
		next := sort.Search(len(devices), func(i int) bool {
			return devices[i] > afterDevice || devices[i] == afterDevice && afterTime < math.MaxInt64
		})
		if next == len(devices) {
			s.clear()
			return nil
		}
		if at := devices[next]; s.generation != generation || s.edits != edits || at < s.first || at > s.last {
			if err := b.loadSlice(ctx, generation, edits, devices[next:]); err != nil {
				return b.failed("read recent positions", err)
			}
		}
		from := sort.Search(len(s.rows), func(i int) bool {
			r := &s.rows[i]
			return r.DeviceID > afterDevice || r.DeviceID == afterDevice && r.Time > afterTime
		})
		for i := from; i < len(s.rows); i++ {
			if err := each(&s.rows[i]); err != nil {
				return err
			}
		}
		afterDevice, afterTime = s.last, math.MaxInt64
	}
}

// clear forgets a slice.
func (s *slice) clear() { s.generation, s.rows = 0, nil }

// loadSlice reads the positions of the first of some devices, of about sliceRows.
// The caller holds the lock of the slice.
func (b *backend) loadSlice(ctx context.Context, generation, edits int64, devices []int64) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	s := &b.s.recent.slice
	s.clear()
	some, n := b.s.recent.index.first(generation, devices, sliceRows)
	s.first, s.last = devices[0], devices[some-1]
	rows := make([]history.Row, 0, n)
	var room arena
	var chunk sql.RawBytes
	err := b.s.recent.reader.each(ctx, func(r *sql.Rows) error {
		if err := r.Scan(&chunk); err != nil {
			return err
		}
		if openChunk(chunk) != nil {
			return nil // it was named when the index was read, and is kept aside
		}
		for at := chunkHeader; at < len(chunk); {
			row, next, err := rowAt(chunk, at)
			if err != nil {
				return nil
			}
			if at = next; !row.erased && row.DeviceID >= s.first && row.DeviceID <= s.last {
				row.Position = room.keep(row.Position)
				rows = append(rows, row.Row)
			}
		}
		return nil
	}, fmt.Sprintf(`SELECT rows FROM hot_%d WHERE EXISTS (SELECT 1 FROM generations WHERE id = ? AND sealed = 1) ORDER BY id`, generation%2), generation)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Number, b.Number))
	})
	s.generation, s.edits, s.rows = generation, edits, rows
	return nil
}

// first is how many of some devices have about limit positions, at least one,
// and how many positions these have.
func (x *hotIndex) first(generation int64, devices []int64, limit int) (some, positions int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := &x.parts[generation%2]
	for some < len(devices) && (some == 0 || positions < limit) {
		if d := p.devices[devices[some]]; p.generation == generation && d != nil {
			positions += len(d.refs)
		}
		some++
	}
	return some, positions
}

// arena keeps bytes in large pieces.
type arena struct{ piece []byte }

func (a *arena) keep(b []byte) []byte {
	if len(b) > cap(a.piece)-len(a.piece) {
		a.piece = make([]byte, 0, max(len(b), 1<<20))
	}
	n := len(a.piece)
	a.piece = append(a.piece, b...)
	return a.piece[n:len(a.piece):len(a.piece)]
}
