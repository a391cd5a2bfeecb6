package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/util/storage/block"
)

// When a generation is sealed and moved into blocks.
const (
	// CompactRows is when it is, if it has CompactRowsPerDevice of each device on
	// average: blocks of few points take more room and more work.
	CompactRows          = 100_000
	CompactRowsPerDevice = 64
	// CompactRowsAtMost is when it is in any case: hot rows take ten times the room.
	CompactRowsAtMost = 2_000_000
	// CompactAge is how old it gets.
	CompactAge = time.Hour
)

const (
	// portionRows is about how many rows are moved at once: some 10 MiB.
	portionRows = 16384
	// blockPoints is how many points a block has at most; it has more if they are of
	// one second.
	blockPoints = 512
	// smallBlock is the number of points below which a block is joined with what
	// comes before or after it within the hour.
	smallBlock = 256
)

// Compaction tells what a portion of compaction did.
type Compaction struct {
	// Rows is how many hot rows were moved, Blocks and Bytes what was written.
	Rows, Blocks, Bytes int
	Took                time.Duration
}

// Maintain implements storage.Positions.
func (s *Store) Maintain(ctx context.Context) error {
	const often, afterError = 10 * time.Second, time.Minute
	for {
		wait := often
		if err := s.maintain(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("history is not compacted, trying again", "err", err)
			wait = afterError
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (s *Store) maintain(ctx context.Context) error {
	release, ok, err := s.backend.Lead(ctx)
	if err != nil || !ok {
		return err
	}
	defer release()
	if err := s.compact(ctx, false); err != nil {
		return err
	}
	if now := s.now(); !now.Before(s.nextTidy) {
		if err := s.retain(ctx); err != nil {
			return fmt.Errorf("apply retention: %w", err)
		}
		s.nextTidy = now.Add(24 * time.Hour)
	}
	return nil
}

// Compact moves all hot rows into blocks, whether or not it is time to; it
// does nothing while another process does.
func (s *Store) Compact(ctx context.Context) error {
	release, ok, err := s.backend.Lead(ctx)
	if err != nil || !ok {
		return err
	}
	defer release()
	return s.compact(ctx, true)
}

// CompactIfDue is a turn of Maintain without retention, for a process that
// inserts much before it serves.
func (s *Store) CompactIfDue(ctx context.Context) error {
	release, ok, err := s.backend.Lead(ctx)
	if err != nil || !ok {
		return err
	}
	defer release()
	return s.compact(ctx, false)
}

func (s *Store) compact(ctx context.Context, always bool) error {
	for range 2 { // one that was left sealed, and the one that is due
		generations, err := s.backend.Generations(ctx)
		if err != nil {
			return err
		}
		if len(generations) == 0 {
			return nil
		}
		if g := &generations[0]; g.Sealed {
			if err := s.move(ctx, g.ID); err != nil {
				return fmt.Errorf("compact generation %d: %w", g.ID, err)
			}
			continue
		}
		if g := &generations[len(generations)-1]; g.Rows == 0 || !always && !s.due(g) {
			return nil
		}
		if err := s.backend.Seal(ctx, s.now().UnixMilli()); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// finish moves a generation that is sealed.
func (s *Store) finish(ctx context.Context) error {
	generations, err := s.backend.Generations(ctx)
	if err != nil || len(generations) == 0 || !generations[0].Sealed {
		return err
	}
	return s.move(ctx, generations[0].ID)
}

func (s *Store) due(g *Generation) bool {
	// A generation that begins in the future was begun by a clock that has been
	// set back since: it is as good as old.
	age := s.now().Sub(time.UnixMilli(g.Since)).Abs()
	return g.Rows >= CompactRowsAtMost || age >= CompactAge ||
		g.Rows >= CompactRows && g.Rows >= CompactRowsPerDevice*g.Devices
}

// move moves a sealed generation into blocks, then drops it. Between portions
// others may delete; each portion reads anew what is there.
func (s *Store) move(ctx context.Context, generation int64) error {
	at := portion{device: -1}
	for {
		begin := time.Now()
		done, n, err := s.movePortion(ctx, generation, &at)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		n.Took = time.Since(begin)
		s.observe(n)
	}
}

// portion is where the move of a generation stands.
type portion struct{ device, time int64 }

func (s *Store) movePortion(ctx context.Context, generation int64, at *portion) (done bool, n Compaction, err error) {
	unlock, err := s.backend.Lock(ctx)
	if err != nil {
		return false, n, err
	}
	defer unlock()
	groups, next, err := s.scan(ctx, generation, *at)
	if err != nil {
		return false, n, err
	}
	if next == *at { // nothing is left
		return true, n, s.backend.DropHot(ctx, generation)
	}
	var changes []Change
	for _, g := range groups {
		n.Rows += len(g.points)
		c, err := s.join(ctx, g)
		if err != nil {
			return false, n, err
		}
		for i := range c.Put {
			n.Blocks++
			n.Bytes += len(c.Put[i].Data)
		}
		changes = append(changes, c)
	}
	if err := s.backend.ReplaceBlocks(ctx, changes); err != nil {
		return false, n, err
	}
	*at = next
	return false, n, s.thinAgain(ctx, groups)
}

// group are points of one device and hour.
type group struct {
	device, hour int64
	points       []block.Point
}

var errEnough = errors.New("enough")

// scan reads a portion. It ends between two seconds: no second lies in two
// blocks.
func (s *Store) scan(ctx context.Context, generation int64, at portion) (groups []group, next portion, err error) {
	next = at
	rows := 0
	err = s.backend.ScanHot(ctx, generation, at.device, at.time, func(r *Row) error {
		if rows >= portionRows && (r.DeviceID != next.device || second(r.Time) != second(next.time)) {
			return errEnough
		}
		rows++
		next = portion{r.DeviceID, r.Time}
		p, err := decode(r)
		if err != nil {
			s.damaged(err)
			return nil
		}
		hour := Hour(r.Time)
		if n := len(groups); n == 0 || groups[n-1].device != r.DeviceID || groups[n-1].hour != hour {
			groups = append(groups, group{device: r.DeviceID, hour: hour})
		}
		g := &groups[len(groups)-1]
		g.points = append(g.points, block.Point{Position: p, Fingerprint: r.Fingerprint})
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return groups, next, err
}

func second(ms int64) int64 { return floor(ms, 1000) }

// join makes blocks of new points and of those that lie in the same place.
func (s *Store) join(ctx context.Context, g group) (Change, error) {
	c := Change{DeviceID: g.device}
	blocks, err := s.hour(ctx, g.device, g.hour)
	if err != nil {
		return c, err
	}
	first, last := second(millis(g.points[0].Position.Time())), second(millis(g.points[len(g.points)-1].Position.Time()))
	points := g.points
	for i := range blocks {
		b := &blocks[i]
		over := second(b.First) <= last && second(b.Last) >= first
		before := second(b.Last) < first && (i+1 == len(blocks) || second(blocks[i+1].First) > first)
		after := second(b.First) > last && (i == 0 || second(blocks[i-1].Last) < last)
		if !over && !(b.Points < smallBlock && (before || after)) {
			continue
		}
		more, err := block.Parse(b.Data, g.device, points)
		switch {
		case err == nil:
			points = more
			c.Remove = append(c.Remove, b.First)
		case errors.Is(err, block.ErrCorrupt):
			s.damaged(unreadable(b, err))
			if over {
				c.Aside = append(c.Aside, b.First)
			}
		default:
			return c, unreadable(b, err)
		}
	}
	c.Put, err = s.pack(g.device, merge(points))
	return c, err
}

// hour returns the blocks of a device that lie in an hour.
func (s *Store) hour(ctx context.Context, deviceID, hour int64) ([]Block, error) {
	const all = 1 << 20
	return s.backend.Blocks(ctx, deviceID, hour, hour+time.Hour.Milliseconds()-1, all)
}

// pack makes blocks of points of a device and hour, all about as large.
func (s *Store) pack(deviceID int64, points []block.Point) ([]Block, error) {
	var blocks []Block
	for rest := points; len(rest) > 0; {
		left := (len(rest) + blockPoints - 1) / blockPoints
		n := wholeSeconds(rest, (len(rest)+left-1)/left)
		b, used, err := s.packOne(deviceID, rest[:n])
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
		rest = rest[used:]
	}
	return blocks, nil
}

// wholeSeconds is the number of points, from n on, after which a second begins.
func wholeSeconds(points []block.Point, n int) int {
	for n < len(points) && second(placeOf(&points[n]).time) == second(placeOf(&points[n-1]).time) {
		n++
	}
	return n
}

// packOne makes a block of the first points, of as many as fit into one.
func (s *Store) packOne(deviceID int64, points []block.Point) (b Block, used int, err error) {
	used = len(points)
	packed, err := block.Append(nil, points)
	if errors.Is(err, block.ErrTooLarge) && len(points) > 1 {
		if half := wholeSeconds(points, len(points)/2); half < len(points) {
			return s.packOne(deviceID, points[:half])
		}
		// A second of a device has room for as much as a block.
		b, _, err = s.packOne(deviceID, points[:len(points)/2])
		s.damaged(fmt.Errorf("device %d says too much within the second %s: half of %d positions are left out",
			deviceID, clock(b.First), len(points)))
		return b, used, err
	}
	if err != nil {
		return b, 0, fmt.Errorf("device %d at %s: %w", deviceID, clock(placeOf(&points[0]).time), err)
	}
	b = Block{
		DeviceID: deviceID, First: placeOf(&points[0]).time, Last: placeOf(&points[used-1]).time,
		Points: used, Data: slices.Clip(packed),
	}
	b.MinNumber = placeOf(&points[0]).number
	for i := range points {
		n := placeOf(&points[i]).number
		b.MinNumber, b.MaxNumber = min(b.MinNumber, n), max(b.MaxNumber, n)
	}
	return b, used, nil
}
