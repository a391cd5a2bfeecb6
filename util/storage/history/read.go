package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// A walk reads windows of at most so many hot rows and blocks, together less
// than some MiB.
const (
	windowRows   = 1000
	windowBlocks = 8
)

// PositionsBetween implements storage.Positions.
func (s *Store) PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	w := walk{store: s, deviceID: deviceID, at: place{millisOf(from), 0}, to: millisOf(to), blocks: windowBlocks}
	for limit > 0 && !w.done {
		points, err := w.next(ctx, min(limit, windowRows))
		if err != nil {
			return fmt.Errorf("read positions: %w", err)
		}
		for i := range points[:min(limit, len(points))] {
			if err := each(&points[i].Position); err != nil {
				return err
			}
		}
		limit -= len(points)
	}
	if w.damage.err() != nil {
		return fmt.Errorf("read positions: %w", w.damage.err())
	}
	return nil
}

// millisOf is an end of a range: unlike millis, the moment 0 is itself.
func millisOf(t time.Time) int64 { return min(max(t.UnixMilli(), ZeroTime), maxTime) }

// place is a place in the history of a device.
type place struct {
	time   int64
	number uint32
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.number, b.number))
}

func placeOf(p *block.Point) place {
	_, number := SplitID(p.Position.ID)
	return place{millis(p.Position.Time()), number}
}

// walk reads a range, window after window.
type walk struct {
	store    *Store
	deviceID int64
	at       place // what comes after it is not read yet
	to       int64
	blocks   int // how many blocks a window asks for
	done     bool
	damage   damage
}

// next reads a window. The hot rows come first: what is moved from there
// meanwhile is found in the blocks.
func (w *walk) next(ctx context.Context, n int) ([]block.Point, error) {
	backend := w.store.backend
	rows, err := backend.Hot(ctx, w.deviceID, w.at.time, w.at.number, w.to, n)
	if err != nil {
		return nil, err
	}
	end := place{w.to, math.MaxUint32}
	w.done = true
	if len(rows) == n {
		end, w.done = place{rows[n-1].Time, rows[n-1].Number}, false
	}
	blocks, err := backend.Blocks(ctx, w.deviceID, w.at.time, end.time, w.blocks)
	if errors.Is(err, block.ErrCorrupt) {
		w.damage.add(err)
	} else if err != nil {
		return nil, err
	}
	if len(blocks) == w.blocks { // there may be more: up to where the last of these begins
		cut := place{blocks[w.blocks-1].First - 1, math.MaxUint32}
		if cut.compare(w.at) <= 0 {
			w.blocks *= 2 // many blocks in one place: damage may do that
			w.done = false
			return nil, nil
		}
		end, w.done, blocks = cut, false, blocks[:w.blocks-1]
	}
	points := w.points(rows, blocks, end)
	w.at = end
	return points, nil
}

// points merges what lies between where the walk is and end.
func (w *walk) points(rows []Row, blocks []Block, end place) []block.Point {
	size := len(rows)
	for i := range blocks {
		size += blocks[i].Points
	}
	points := make([]block.Point, 0, size)
	for i := range blocks {
		all, err := block.Parse(blocks[i].Data, w.deviceID, points)
		if err != nil {
			w.damage.add(unreadable(&blocks[i], err))
			continue
		}
		points = all
	}
	points = slices.DeleteFunc(points, func(p block.Point) bool {
		at := placeOf(&p)
		return at.compare(w.at) <= 0 || at.compare(end) > 0
	})
	for i := range rows {
		if (place{rows[i].Time, rows[i].Number}).compare(end) > 0 {
			break
		}
		p, err := decode(&rows[i])
		if err != nil {
			w.damage.add(err)
			continue
		}
		points = append(points, block.Point{Position: p, Fingerprint: rows[i].Fingerprint})
	}
	return merge(points)
}

// merge puts points of a device in order and drops what is there twice: of
// points with one time and fingerprint the lowest number stays.
func merge(points []block.Point) []block.Point {
	type entry struct {
		place
		fingerprint uint32
		at          int
	}
	order := make([]entry, len(points))
	sorted := true
	for i := range points {
		order[i] = entry{placeOf(&points[i]), points[i].Fingerprint, i}
		sorted = sorted && (i == 0 || order[i-1].time < order[i].time)
	}
	if sorted { // and no two of one time
		return points
	}
	slices.SortFunc(order, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.fingerprint, b.fingerprint), cmp.Compare(a.number, b.number))
	})
	order = slices.CompactFunc(order, func(a, b entry) bool { return a.time == b.time && a.fingerprint == b.fingerprint })
	slices.SortFunc(order, func(a, b entry) int { return a.place.compare(b.place) })
	merged := make([]block.Point, len(order))
	for i := range order {
		merged[i] = points[order[i].at]
	}
	return merged
}

// damage collects errors about what cannot be read.
type damage struct {
	first []error
	more  int
}

// maxNamed bounds the errors that one error names.
const maxNamed = 10

func (d *damage) add(err error) {
	switch {
	case slices.ContainsFunc(d.first, func(e error) bool { return e.Error() == err.Error() }):
	case len(d.first) < maxNamed:
		d.first = append(d.first, err)
	default:
		d.more++
	}
}

func (d *damage) err() error {
	if len(d.first) == 0 {
		return nil
	}
	if d.more > 0 {
		return fmt.Errorf("%w\nand %d more", errors.Join(d.first...), d.more)
	}
	return errors.Join(d.first...)
}

// LatestPositions implements storage.Positions.
func (s *Store) LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error) {
	if deviceIDs != nil && len(deviceIDs) == 0 {
		return nil, nil
	}
	heads, err := s.backend.Heads(ctx, deviceIDs)
	if err != nil {
		return nil, fmt.Errorf("find latest positions: %w", err)
	}
	positions := make([]data.Position, 0, len(heads))
	for i := range heads {
		h := &heads[i]
		if h.Newest.Number == 0 {
			continue
		}
		h.Newest.DeviceID = h.DeviceID
		p, err := decode(&h.Newest)
		if err != nil {
			s.damaged(err)
			continue
		}
		positions = append(positions, p)
	}
	if len(positions) == 0 {
		return nil, nil
	}
	return positions, nil
}

// PositionsByID implements storage.Positions.
func (s *Store) PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error) {
	numbers := make(map[int64][]uint32)
	for _, id := range ids {
		if deviceID, number := SplitID(id); deviceID > 0 && deviceID <= MaxDeviceID && number > 0 {
			numbers[deviceID] = append(numbers[deviceID], number)
		}
	}
	var found []data.Position
	for deviceID, wanted := range numbers {
		slices.Sort(wanted)
		some, err := s.byNumber(ctx, deviceID, slices.Compact(wanted))
		if err != nil {
			return nil, fmt.Errorf("find positions: %w", err)
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b data.Position) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

func (s *Store) byNumber(ctx context.Context, deviceID int64, wanted []uint32) ([]data.Position, error) {
	rows, err := s.backend.HotNumbers(ctx, deviceID, wanted)
	if err != nil {
		return nil, err
	}
	var found []data.Position
	missing := make(map[uint32]bool, len(wanted))
	for _, n := range wanted {
		missing[n] = true
	}
	for i := range rows {
		if !missing[rows[i].Number] {
			continue
		}
		p, err := decode(&rows[i])
		if err != nil {
			s.damaged(err)
			continue
		}
		delete(missing, rows[i].Number)
		found = append(found, p)
	}
	if len(missing) == 0 {
		return found, nil
	}
	wanted = slices.DeleteFunc(wanted, func(n uint32) bool { return !missing[n] })
	blocks, err := s.backend.BlocksWith(ctx, deviceID, wanted)
	if errors.Is(err, block.ErrCorrupt) {
		s.damaged(err)
	} else if err != nil {
		return nil, err
	}
	for i := range blocks {
		points, err := block.Parse(blocks[i].Data, deviceID, nil)
		if err != nil {
			s.damaged(unreadable(&blocks[i], err))
			continue
		}
		for j := range points {
			if _, n := SplitID(points[j].Position.ID); missing[n] {
				delete(missing, n)
				found = append(found, points[j].Position)
			}
		}
	}
	return found, nil
}

// PositionBefore implements storage.Positions.
func (s *Store) PositionBefore(ctx context.Context, deviceID int64, t time.Time) (data.Position, error) {
	p, err := s.newestBefore(ctx, deviceID, millisOf(t))
	if err != nil {
		return data.Position{}, fmt.Errorf("find position before: %w", err)
	}
	return p.Position, nil
}

// newestBefore returns the newest readable point before a time, or
// data.ErrNotFound.
func (s *Store) newestBefore(ctx context.Context, deviceID, before int64) (best block.Point, err error) {
	rows, err := s.backend.HotBefore(ctx, deviceID, before, 1)
	if err != nil {
		return best, err
	}
	found := false
	take := func(p *block.Point) {
		if at := placeOf(p); at.time < before && (!found || at.compare(placeOf(&best)) > 0) {
			best, found = *p, true
		}
	}
	for i := range rows {
		p, err := decode(&rows[i])
		if err != nil {
			s.damaged(err)
			continue
		}
		take(&block.Point{Position: p, Fingerprint: rows[i].Fingerprint})
	}
	for end, readable := before, false; !readable; {
		blocks, err := s.backend.BlocksBefore(ctx, deviceID, end, 1)
		if errors.Is(err, block.ErrCorrupt) {
			s.damaged(err)
		} else if err != nil {
			return best, err
		}
		if len(blocks) == 0 {
			break
		}
		points, err := block.Parse(blocks[0].Data, deviceID, nil)
		if err != nil { // the block before it
			s.damaged(unreadable(&blocks[0], err))
			end = blocks[0].First
			continue
		}
		for i := range points {
			take(&points[i])
		}
		readable = true
	}
	if !found {
		return best, data.ErrNotFound
	}
	return best, nil
}
