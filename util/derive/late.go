package derive

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

// farPast is before all reports, in milliseconds.
var farPast = time.Time{}.UnixMilli()

// timeOf is the time that a checkpoint knows all reports up to; before all of
// them without one.
func timeOf(c *movement.Checkpoint) int64 {
	if c.State == nil {
		return math.MinInt64
	}
	return c.Time
}

func timeAt(ms int64) time.Time { return time.UnixMilli(max(ms, farPast)) }

// edgeOf is where the rows that a checkpoint has given away end.
func edgeOf(of *fleet.Settings, c *movement.Checkpoint, s *State) trips.Edge {
	if c.State == nil || s.Movement.Time() != 0 {
		return s.Movement.Trips().Edge()
	}
	// One that begins anew, see load.
	zone := of.Movement.Trips.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := time.UnixMilli(c.Time).In(zone).Date()
	return trips.Edge{Time: c.Time, Trips: c.Time, Stops: c.Time, Day: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400}
}

// errSame ends a replay: the state is an old one again.
var errSame = errors.New("as it was")

// late goes back to before the late reports and steps again from there, until
// nothing is new any more.
func (f *Folder) late(ctx context.Context, of *fleet.Settings, a *storage.Arrival, late []report, out *storage.Findings) error {
	first, last := late[0].fix.Time, late[len(late)-1].fix.Time
	for i := range late { // times that cannot be right are no reason to go back
		if !filter.Untimely(&of.Movement.Filter, &late[i].fix) || late[i].fix.Set != nil {
			first = late[i].fix.Time
			break
		}
	}
	found, err := f.store.CheckpointsBefore(ctx, []int64{a.DeviceID}, timeAt(first))
	if err != nil {
		return err
	}
	from := found[a.DeviceID]
	e := &entry{epoch: a.Epoch}
	if from.State != nil {
		s, err := Decode(from)
		if err != nil {
			return f.giveUp(of, a.DeviceID, late)
		}
		e.State = *s
	}
	if a.Thinned != 0 && timeOf(&from) < a.Thinned {
		return f.giveUp(of, a.DeviceID, late) // what lies between is not there any more
	}
	begin := edgeOf(of, &from, &e.State)
	undo := &storage.Undo{From: begin, Until: trips.End}
	old := olds{store: f.store, device: a.DeviceID, after: begin.Time}
	w := walker{stepper: f.stepper, of: of, entry: e, out: out}
	n := 0
	err = (&source{store: f.store, device: a.DeviceID, after: begin.Time}).each(ctx, late, func(r *report) error {
		if n++; n > maxReplay {
			return errTooMany
		}
		if w.ahead(r) && e.Movement.Time() >= last {
			was, err := old.at(ctx, e.Movement.Time())
			if err != nil {
				return err
			}
			if was != nil {
				if more, same := e.same(was); same {
					undo.Until, undo.Shift = e.Movement.Trips().Edge(), more
					return errSame
				}
			}
		}
		w.take(r)
		return nil
	})
	f.Replayed.Add(n)
	switch {
	case errors.Is(err, errTooMany):
		*out = storage.Findings{DeviceID: a.DeviceID}
		return f.giveUp(of, a.DeviceID, late)
	case errors.Is(err, errSame):
		w.keep() // the old one there goes
		head := f.states[a.DeviceID]
		head.Movement.Shift(undo.Shift)
	case err != nil:
		return err
	default:
		f.states[a.DeviceID] = e
	}
	out.Undo = undo
	return nil
}

// keep saves the state, unless that was done just now.
func (w *walker) keep() {
	if n := len(w.out.Checkpoints); n == 0 || w.out.Checkpoints[n-1].Time != w.entry.Movement.Time() {
		w.save()
	}
}

// giveUp marks late reports by what they say alone: they are stored, and trips
// know of them when somebody rebuilds them.
func (f *Folder) giveUp(of *fleet.Settings, device int64, late []report) error {
	for i := range late {
		var alone movement.State
		alone.Step(&of.Movement, &late[i].fix, &f.stepper.result)
		f.stepper.result.Mark.Put(&late[i].Attributes)
	}
	f.LateLeft.Add(len(late))
	f.tell(device, "late reports that its trips do not know of")
	return nil
}

// olds reads the old checkpoints of a device, in order.
type olds struct {
	store  Store
	device int64
	after  int64
	page   []movement.Checkpoint
	end    bool
}

// oldPage is how many checkpoints are read at a time.
const oldPage = 32

// at is the state of the checkpoint of a time, which is later than those asked
// for before; nil if there is none.
func (o *olds) at(ctx context.Context, ms int64) (*State, error) {
	for {
		for len(o.page) > 0 && o.page[0].Time < ms {
			o.page = o.page[1:]
		}
		if len(o.page) > 0 {
			break
		}
		if o.end {
			return nil, nil
		}
		page, err := o.store.CheckpointsAfter(ctx, o.device, timeAt(max(o.after, ms-1)), oldPage)
		if err != nil {
			return nil, err
		}
		o.page, o.end = page, len(page) < oldPage
		if len(page) > 0 {
			o.after = page[len(page)-1].Time
		}
	}
	if o.page[0].Time != ms {
		return nil, nil
	}
	s, err := Decode(o.page[0])
	if err != nil {
		return nil, nil // of another version: go on without it
	}
	return s, nil
}
