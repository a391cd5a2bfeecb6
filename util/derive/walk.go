package derive

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/storage"
)

// walker takes reports through the steps and collects what they bring.
type walker struct {
	stepper *stepper
	of      *fleet.Settings
	entry   *entry
	out     *storage.Findings
}

// take takes the next report.
func (w *walker) take(r *report) {
	e := w.entry
	w.ahead(r)
	w.stepper.step(&e.State, w.of, r)
	res := &w.stepper.result
	w.out.Trips = append(w.out.Trips, res.Trips...)
	w.out.Stops = append(w.out.Stops, res.Stops...)
	w.out.Days = append(w.out.Days, res.Days...)
	for i := range w.stepper.events {
		w.event(&w.stepper.events[i], r.fix.Time)
	}
	if res.Ignored {
		return
	}
	e.since++
	e.pending = res.Checkpoint || e.since >= every
}

// ahead saves the state if it is worth it and r has a later time: the reports
// of one time belong together. It tells whether r has.
func (w *walker) ahead(r *report) bool {
	e := w.entry
	if r.fix.Time <= e.Movement.Time() || r.fix.Set == nil && filter.Untimely(&w.of.Movement.Filter, &r.fix) {
		return false
	}
	if e.pending {
		w.save()
	}
	return true
}

func (w *walker) save() {
	w.out.Checkpoints = append(w.out.Checkpoints, w.entry.checkpoint())
	w.entry.since, w.entry.pending = 0, false
}

// event keeps an event once: that it is over takes the place of that it began.
func (w *walker) event(e *data.Event, at int64) {
	for i := range slices.Backward(w.out.Events) {
		old := &w.out.Events[i]
		if old.Type == e.Type && old.Time.Equal(e.Time) && old.GeofenceID == e.GeofenceID &&
			old.MaintenanceID == e.MaintenanceID && old.Detail == e.Detail {
			if !e.End.IsZero() {
				old.End, old.Attributes = e.End, e.Attributes
			}
			return
		}
	}
	w.out.Events = append(w.out.Events, storage.FoundEvent{Event: *e, At: at})
}

// source reads the stored reports of a device after a time, by fix.Compare.
type source struct {
	store  Store
	device int64
	after  int64
	window []report // read, but what comes may have to stand before it
}

// errTooMany says that there are more than maxReplay reports.
var errTooMany = errors.New("too many reports")

const lag = int64(fix.MaxLag / time.Millisecond)

// each calls do for the stored reports and, in between, for more, which are
// sorted.
func (s *source) each(ctx context.Context, more []report, do func(*report) error) error {
	from := timeAt(max(s.after, farPast) - lag)
	give := func(r *report) error {
		for len(more) > 0 && compare(more[0], *r) < 0 {
			if err := do(&more[0]); err != nil {
				return err
			}
			more = more[1:]
		}
		return do(r)
	}
	err := s.store.PositionsBetween(ctx, s.device, from, farFuture, math.MaxInt32, func(p *data.Position) error {
		r := again(p)
		if r.fix.Time <= s.after {
			return nil
		}
		i, _ := slices.BinarySearchFunc(s.window, r, compare)
		s.window = slices.Insert(s.window, i, r)
		// What is read from here on has a time of lag earlier at most.
		settled := p.Time().UnixMilli() - lag
		n := 0
		for n < len(s.window) && s.window[n].fix.Time < settled {
			if err := give(&s.window[n]); err != nil {
				return err
			}
			n++
		}
		s.window = s.window[n:]
		return nil
	})
	if err != nil {
		return err
	}
	for i := range s.window {
		if err := give(&s.window[i]); err != nil {
			return err
		}
	}
	for i := range more {
		if err := do(&more[i]); err != nil {
			return err
		}
	}
	return nil
}
