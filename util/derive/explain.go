package derive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

// Explanation says what became of a stored report, and what would under the
// settings of now.
type Explanation struct {
	// Stored is the mark that it got when it came, Now the one it would get.
	Stored, Now filter.Mark
	// Derived are the values it would get.
	Derived movement.Derived
	// State is that after the report: the trip or stop that goes on, the geofences.
	State *State
	// Trip and Stop are the ones that the report belongs to, as far as is known by
	// now; at most one is not nil. Open: it goes on.
	Trip *trips.Trip
	Stop *trips.Stop
	Open bool
	// Settings are what holds for the device.
	Settings *fleet.Settings
}

// ExplainStore is what Explain reads.
type ExplainStore interface {
	Store
	Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Trip) error) error
	Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(int64, *trips.Stop) error) error
}

// errFound ends a replay.
var errFound = errors.New("found")

// Explain says what became of a stored report.
func Explain(ctx context.Context, store ExplainStore, fl Fleet, p *data.Position) (*Explanation, error) {
	of, err := settingsOf(ctx, fl, p.DeviceID)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Stored: filter.MarkOf(p.Attributes), Settings: of}
	r := again(p)
	e := &entry{}
	found, err := store.CheckpointsBefore(ctx, []int64{p.DeviceID}, timeAt(r.fix.Time))
	if err != nil {
		return nil, err
	}
	from := found[p.DeviceID]
	if s, err := Decode(from); err == nil {
		e.State = *s
	} else {
		from = movement.Checkpoint{}
	}
	w := walker{stepper: newStepper(), of: of, entry: e, out: &storage.Findings{}}
	n := 0
	err = (&source{store: store, device: p.DeviceID, after: timeOf(&from)}).each(ctx, nil, func(r *report) error {
		if n++; n > maxReplay {
			return errTooMany
		}
		w.take(r)
		*w.out = storage.Findings{}
		if r.ID != p.ID {
			return nil
		}
		x.Now, x.Derived = w.stepper.result.Mark, w.stepper.result.Derived()
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) && !errors.Is(err, errTooMany) {
		return nil, fmt.Errorf("explain position %d: %w", p.ID, err)
	}
	x.State = &e.State
	return x, x.place(ctx, store, fl, p.DeviceID, r.fix.Time)
}

// place finds the trip or stop of a time.
func (x *Explanation) place(ctx context.Context, store ExplainStore, fl Fleet, device, ms int64) error {
	err := store.Trips(ctx, []int64{device}, timeAt(ms), timeAt(ms), func(_ int64, t *trips.Trip) error {
		if x.Trip == nil || t.Start.Time < ms { // not the one that begins where it arrives
			x.Trip = t
		}
		return nil
	})
	if err != nil || x.Trip != nil {
		return err
	}
	err = store.Stops(ctx, []int64{device}, timeAt(ms), timeAt(ms), func(_ int64, s *trips.Stop) error {
		x.Stop = s
		return nil
	})
	if err != nil || x.Stop != nil {
		return err
	}
	now, err := Current(ctx, store, fl, device)
	if err != nil {
		return err
	}
	if t, ok := now.Movement.Trips().Current(); ok && t.Start.Time <= ms {
		x.Trip, x.Open = &t, true
	} else if s, ok := now.Movement.Trips().Resting(); ok && s.Start.Time <= ms {
		x.Stop, x.Open = &s, true
	}
	return nil
}
