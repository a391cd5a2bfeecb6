package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// Retention says how long history is kept. The newest position of a device is
// always kept.
type Retention struct {
	// FullDays is how many days all positions are kept; 0 for ever.
	FullDays int
	// ThinDays is how many days after those one position of each minute is kept,
	// the first one, and those with an alarm or an event; 0 for ever, -1 not at
	// all: positions go after FullDays.
	ThinDays int
}

// The attributes of a device (whole numbers) that take the place of
// Retention's fields.
const (
	AttributeFullDays = "retention.fullDays"
	AttributeThinDays = "retention.thinDays"
)

// of is the retention of a device.
func (r Retention) of(d *data.Device) Retention {
	if n, ok := days(d.Attributes[AttributeFullDays]); ok {
		r.FullDays = n
	}
	if n, ok := days(d.Attributes[AttributeThinDays]); ok {
		r.ThinDays = n
	}
	return r
}

// maxDays bounds a number of days: ten thousand years.
const maxDays = 3_660_000

func days(v any) (int, bool) {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		f = float64(v)
	case string:
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0, false
		}
		f = float64(n)
	default:
		return 0, false
	}
	if f != math.Trunc(f) || f < -1 || f > maxDays {
		return 0, false
	}
	return int(f), true
}

// ends are the times before which positions are thinned and removed; never is
// before all of them.
func (r Retention) ends(now time.Time) (thin, remove int64) {
	const never, day = math.MinInt64, 24 * time.Hour / time.Millisecond
	if r.FullDays <= 0 {
		return never, never
	}
	full := now.UnixMilli() - int64(r.FullDays)*int64(day)
	switch {
	case r.ThinDays < 0:
		return never, full
	case r.ThinDays == 0:
		return Hour(full), never
	}
	return Hour(full), full - int64(r.ThinDays)*int64(day)
}

// Retain applies retention now, whether or not a day has passed; it does
// nothing while another process compacts or tidies.
func (s *Store) Retain(ctx context.Context) error {
	release, ok, err := s.backend.Lead(ctx)
	if err != nil || !ok {
		return err
	}
	defer release()
	return s.retain(ctx)
}

func (s *Store) retain(ctx context.Context) error {
	devices, err := s.devices.ListDevices(ctx, storage.DeviceFilter{})
	if err != nil {
		return err
	}
	now := s.now()
	_, all := s.retention.ends(now) // before which nothing of any device is kept
	for i := range devices {
		_, remove := s.retention.of(&devices[i]).ends(now)
		if i == 0 {
			all = remove
		}
		all = min(all, remove)
	}
	if err := s.dropSpans(ctx, all); err != nil {
		return err
	}
	heads, err := s.backend.Heads(ctx, nil)
	if err != nil {
		return err
	}
	thinned := make(map[int64]int64, len(heads))
	for i := range heads {
		thinned[heads[i].DeviceID] = heads[i].Thinned
	}
	for i := range devices {
		d := &devices[i]
		since, known := thinned[d.ID]
		thin, remove := s.retention.of(d).ends(now)
		if !known {
			continue
		}
		if remove != math.MinInt64 {
			if err := s.remove(ctx, d.ID, remove); err != nil {
				return err
			}
			if since < remove {
				if err := s.setThinned(ctx, d.ID, func(t int64) int64 { return max(t, remove) }); err != nil {
					return err
				}
				since = remove
			}
		}
		if thin != math.MinInt64 && (since == 0 || since < thin) {
			if err := s.thin(ctx, d.ID, since, thin); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropSpans drops the months that end before a time.
func (s *Store) dropSpans(ctx context.Context, before int64) error {
	if before == math.MinInt64 {
		return nil
	}
	spans, err := s.backend.Spans(ctx)
	if err != nil {
		return err
	}
	for _, month := range spans {
		if time.UnixMilli(month).UTC().AddDate(0, 1, 0).UnixMilli() > before || month >= lastMonth.UnixMilli() {
			continue
		}
		unlock, err := s.backend.Lock(ctx)
		if err != nil {
			return err
		}
		err = s.backend.DropSpan(ctx, month)
		unlock()
		if err != nil {
			return err
		}
		s.log.Info("month of history removed", "month", time.UnixMilli(month).UTC().Format("2006-01"))
	}
	return nil
}

// remove removes the blocks of a device that end before a time.
func (s *Store) remove(ctx context.Context, deviceID, before int64) error {
	unlock, err := s.backend.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return s.backend.DeleteBlocks(ctx, deviceID, ZeroTime, before-1)
}

// thinBlocks is how many blocks are thinned at once.
const thinBlocks = 64

// thin thins the history of a device between two hours; since 0 is the
// beginning.
func (s *Store) thin(ctx context.Context, deviceID, since, until int64) error {
	if since == 0 {
		since = ZeroTime
	}
	for since < until {
		next, err := s.thinPortion(ctx, deviceID, since, until)
		if err != nil {
			return fmt.Errorf("thin the history of device %d: %w", deviceID, err)
		}
		since = next
	}
	return s.setThinned(ctx, deviceID, func(int64) int64 { return until })
}

func (s *Store) setThinned(ctx context.Context, deviceID int64, change func(int64) int64) error {
	return s.backend.Update(ctx, []int64{deviceID}, func(ctx context.Context, tx Tx, heads map[int64]*Head) error {
		h := heads[deviceID]
		if h == nil {
			return nil
		}
		h.Thinned = change(h.Thinned)
		return tx.SetHeads(ctx, []*Head{h})
	})
}

// thinPortion thins some hours from since on and returns where it got.
func (s *Store) thinPortion(ctx context.Context, deviceID, since, until int64) (next int64, err error) {
	unlock, err := s.backend.Lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	blocks, err := s.backend.Blocks(ctx, deviceID, since, until-1, thinBlocks)
	if errors.Is(err, block.ErrCorrupt) {
		s.damaged(err)
	} else if err != nil {
		return 0, err
	}
	next = until
	if len(blocks) == thinBlocks { // the last hour may not be whole
		last := Hour(blocks[thinBlocks-1].First)
		if Hour(blocks[0].First) == last {
			if blocks, err = s.hour(ctx, deviceID, last); err != nil {
				return 0, err
			}
			next = last + time.Hour.Milliseconds()
		} else {
			next = last
			blocks = slices.DeleteFunc(blocks, func(b Block) bool { return Hour(b.First) == last })
		}
	}
	var changes []Change
	for len(blocks) > 0 {
		n := 1
		for n < len(blocks) && Hour(blocks[n].First) == Hour(blocks[0].First) {
			n++
		}
		c, err := s.thinHour(deviceID, blocks[:n])
		if err != nil {
			return 0, err
		}
		if len(c.Remove) > 0 {
			changes = append(changes, c)
		}
		blocks = blocks[n:]
	}
	if len(changes) == 0 {
		return next, nil
	}
	return next, s.backend.ReplaceBlocks(ctx, changes)
}

// thinHour thins the blocks of an hour; those that cannot be read stay.
func (s *Store) thinHour(deviceID int64, blocks []Block) (c Change, err error) {
	c.DeviceID = deviceID
	var points []block.Point
	for i := range blocks {
		more, err := block.Parse(blocks[i].Data, deviceID, points)
		if err != nil {
			s.damaged(unreadable(&blocks[i], err))
			continue
		}
		points = more
		c.Remove = append(c.Remove, blocks[i].First)
	}
	if len(c.Remove) < len(blocks) {
		return Change{}, nil // new blocks could begin where the damaged ones do
	}
	points = merge(points)
	before, minute := len(points), int64(math.MinInt64)
	points = slices.DeleteFunc(points, func(p block.Point) bool {
		m := floor(placeOf(&p).time, time.Minute.Milliseconds())
		first := m != minute
		minute = m
		return !first && !outstanding(&p.Position)
	})
	if len(points) == before {
		return Change{}, nil
	}
	c.Put, err = s.pack(deviceID, points)
	return c, err
}

// outstanding tells whether a position is kept for what it says.
func outstanding(p *data.Position) bool {
	for i := range p.Attributes {
		if k := p.Attributes[i].Key; k == "alarm" || k == "event" {
			return true
		}
	}
	return false
}

// thinAgain has retention look again at hours that were thinned before late
// points came.
func (s *Store) thinAgain(ctx context.Context, groups []group) error {
	oldest := make(map[int64]int64)
	var ids []int64
	for _, g := range groups {
		if at, known := oldest[g.device]; !known {
			ids = append(ids, g.device)
			oldest[g.device] = g.hour
		} else {
			oldest[g.device] = min(at, g.hour)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	heads, err := s.backend.Heads(ctx, ids)
	if err != nil {
		return err
	}
	for i := range heads {
		id := heads[i].DeviceID
		if heads[i].Thinned == 0 || oldest[id] >= heads[i].Thinned {
			continue
		}
		if err := s.setThinned(ctx, id, func(t int64) int64 { return min(t, max(oldest[id], 1)) }); err != nil {
			return err
		}
	}
	return nil
}
