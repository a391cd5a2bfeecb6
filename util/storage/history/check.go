package history

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// Problem is something that Check found.
type Problem struct {
	// DeviceID is 0 if it is not about one device.
	DeviceID int64
	// Text says what is wrong and, if something can be done, what.
	Text string
}

// Checker is a back end that can look into its files, too.
type Checker interface {
	CheckFiles(ctx context.Context, report func(text string)) error
}

// Check reads all history and reports what is not as it should be. It changes
// nothing; it may be run while others work, though what they change meanwhile
// may be reported then. An error says that the check itself ended early.
func (s *Store) Check(ctx context.Context, report func(Problem)) error {
	if c, ok := s.backend.(Checker); ok {
		if err := c.CheckFiles(ctx, func(text string) { report(Problem{Text: text}) }); err != nil {
			return err
		}
	}
	generations, err := s.backend.Generations(ctx)
	if err != nil {
		return err
	}
	for i, g := range generations {
		if last := i == len(generations)-1; g.Sealed == last || i > 1 {
			report(Problem{Text: fmt.Sprintf("generation %d, number %d of %d, sealed %v: there is one that is not sealed, and one before it at most",
				g.ID, i+1, len(generations), g.Sealed)})
		}
	}
	heads, err := s.backend.Heads(ctx, nil)
	if err != nil {
		return err
	}
	for i := range heads {
		c := check{store: s, head: &heads[i], report: report}
		if err := c.device(ctx); err != nil {
			return err
		}
	}
	return nil
}

// check is the check of a device.
type check struct {
	store  *Store
	head   *Head
	report func(Problem)
}

func (c *check) problem(format string, args ...any) {
	c.report(Problem{DeviceID: c.head.DeviceID, Text: fmt.Sprintf("device %d: ", c.head.DeviceID) + fmt.Sprintf(format, args...)})
}

func (c *check) device(ctx context.Context) error {
	h := c.head
	if h.Newest.Number != 0 {
		h.Newest.DeviceID = h.DeviceID
		if p, err := decode(&h.Newest); err != nil {
			c.problem("its newest position cannot be read: %v", err)
		} else if at := (block.Point{Position: p}); placeOf(&at) != (place{h.Newest.Time, h.Newest.Number}) {
			c.problem("its head says %s, the newest position there %s", clock(h.Newest.Time), clock(placeOf(&at).time))
		}
	}
	if err := c.blocks(ctx); err != nil {
		return err
	}
	newest, err := c.store.newestBefore(ctx, h.DeviceID, math.MaxInt64)
	if errors.Is(err, data.ErrNotFound) {
		return nil // retention removes the history, never the newest position
	} else if err != nil {
		return err
	}
	if at := placeOf(&newest); at.compare(place{h.Newest.Time, h.Newest.Number}) > 0 {
		c.problem("a position of %s is newer than the newest one of its head, of %s", clock(at.time), clock(h.Newest.Time))
	}
	return nil
}

// blocks checks the blocks of the device, in portions.
func (c *check) blocks(ctx context.Context) error {
	last := int64(math.MinInt64) // the end of the block before
	for from := int64(ZeroTime); ; {
		blocks, err := c.store.backend.Blocks(ctx, c.head.DeviceID, from, math.MaxInt64, thinBlocks)
		if errors.Is(err, block.ErrCorrupt) {
			c.problem("%v", err)
		} else if err != nil {
			return err
		}
		for i := range blocks {
			b := &blocks[i]
			if b.First < from {
				continue // seen before
			}
			if last != math.MinInt64 && second(b.First) <= second(last) {
				c.problem("the block of %s begins before the one before it ends, at %s", clock(b.First), clock(last))
			}
			last = max(last, b.Last)
			c.block(b)
		}
		if len(blocks) < thinBlocks {
			return nil
		}
		from = blocks[len(blocks)-1].First + 1
	}
}

func (c *check) block(b *Block) {
	points, err := block.Parse(b.Data, b.DeviceID, nil)
	if err != nil {
		c.problem("%v; put back the file or database from a backup to have these positions again", unreadable(b, err))
		return
	}
	if len(points) != b.Points || len(points) == 0 {
		c.problem("the block of %s has %d positions, its row says %d", clock(b.First), len(points), b.Points)
		return
	}
	first, last := placeOf(&points[0]), placeOf(&points[len(points)-1])
	if first.time != b.First || last.time != b.Last || Hour(b.First) != Hour(b.Last) {
		c.problem("the block of %s is from %s to %s, its row says to %s", clock(b.First), clock(first.time), clock(last.time), clock(b.Last))
	}
	for i := range points {
		at := placeOf(&points[i])
		if i > 0 && at.compare(placeOf(&points[i-1])) <= 0 {
			c.problem("the block of %s is not in order", clock(b.First))
			return
		}
		if at.number < b.MinNumber || at.number > b.MaxNumber || at.number > c.head.LastNumber || at.time > c.head.MaxTime {
			c.problem("the block of %s has a position, number %d of %s, beyond what its row or the head says", clock(b.First), at.number, clock(at.time))
			return
		}
	}
}
