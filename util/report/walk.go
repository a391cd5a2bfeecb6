package report

import (
	"context"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// perDevice calls rest for the devices, in order, each after the rows of the
// device were walked: reach brings it up to a device, end to the last one.
type perDevice struct {
	ids  []int64
	rest func(deviceID int64) error
}

// reach ends the devices before one.
func (p *perDevice) reach(deviceID int64) error {
	for len(p.ids) > 0 && p.ids[0] < deviceID {
		id := p.ids[0]
		p.ids = p.ids[1:]
		if err := p.rest(id); err != nil {
			return err
		}
	}
	return nil
}

func (p *perDevice) end() error {
	for len(p.ids) > 0 {
		if err := p.reach(p.ids[0] + 1); err != nil {
			return err
		}
	}
	return nil
}

// eachTrip calls each for the trips of the span, those under way included, as
// far as they lie in it.
func (m *Maker) eachTrip(ctx context.Context, ask *Ask, each func(deviceID int64, t *trips.Trip) error) error {
	ids, in := ask.ids(), ask.span()
	newest, err := m.Store.CheckpointsBefore(ctx, ids, farFuture)
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	walk := perDevice{ids, func(id int64) error {
		if !ask.spoke(ask.device(id)) || restedAfter(newest[id], in.to) {
			return nil
		}
		state, err := m.current(ctx, id)
		if err != nil {
			return fmt.Errorf("read where device %d stands: %w", id, err)
		}
		t, ok := state.Trips().Current()
		if !ok || !in.meet(t.Start.Time, t.End.Time) {
			return nil
		}
		return m.cutTrip(ctx, id, &t, in, each)
	}}
	err = m.Store.Trips(ctx, ids, ask.From, ask.To, func(id int64, t *trips.Trip) error {
		if err := walk.reach(id); err != nil {
			return err
		}
		return m.cutTrip(ctx, id, t, in, each)
	})
	if err != nil {
		return err
	}
	return walk.end()
}

// restedAfter tells whether a checkpoint shows that what is under way now began
// after a time: nothing was under way a good while later.
func restedAfter(cp movement.Checkpoint, ms int64) bool {
	if cp.Time < ms+warmUp.Milliseconds() {
		return false
	}
	state, err := derive.Decode(cp)
	if err != nil {
		return false
	}
	_, underway := state.Movement.Trips().Current()
	return !underway
}

// farFuture is after all times that are kept.
var farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// cutTrip calls each for the part of a trip in the span, if there is one.
func (m *Maker) cutTrip(ctx context.Context, id int64, t *trips.Trip, in span, each func(int64, *trips.Trip) error) error {
	if in.has(t.Start.Time, t.End.Time) {
		return each(id, t)
	}
	if !in.meet(t.Start.Time, t.End.Time) {
		return nil
	}
	part := in.cut(t.Start.Time, t.End.Time)
	s, err := m.measure(ctx, id, part)
	if err != nil || !s.hasPlace || s.startPlace.Time == s.endPlace.Time {
		return err
	}
	cut := *t
	cut.Start, cut.End, cut.Amounts = s.startPlace, s.endPlace, s.Amounts
	if t.Kind == trips.Carried {
		cut.DistanceMM = s.carriedMM
	}
	cut.OdometerStartM, cut.OdometerEndM = s.odometerStart, s.odometerEnd
	cut.TotalStartMM, cut.TotalEndMM = s.totalStart, s.totalEnd
	cut.AverageSpeedKnots = knots(cut.DistanceMM, cut.End.Time-cut.Start.Time)
	cut.Path = ""
	return each(id, &cut)
}

// eachStop is eachTrip for stops.
func (m *Maker) eachStop(ctx context.Context, ask *Ask, each func(deviceID int64, s *trips.Stop) error) error {
	ids, in := ask.ids(), ask.span()
	walk := perDevice{ids, func(id int64) error {
		if !ask.spoke(ask.device(id)) {
			return nil
		}
		state, err := m.current(ctx, id)
		if err != nil {
			return fmt.Errorf("read where device %d stands: %w", id, err)
		}
		s, ok := state.Trips().Resting()
		if !ok || !in.meet(s.Start.Time, s.End.Time) {
			return nil
		}
		return m.cutStop(ctx, id, &s, in, each)
	}}
	err := m.Store.Stops(ctx, ids, ask.From, ask.To, func(id int64, s *trips.Stop) error {
		if err := walk.reach(id); err != nil {
			return err
		}
		return m.cutStop(ctx, id, s, in, each)
	})
	if err != nil {
		return err
	}
	return walk.end()
}

// cutStop calls each for the part of a stop in the span, if there is one. The
// place is the same all the time, so the part ends with the span, not with a
// report.
func (m *Maker) cutStop(ctx context.Context, id int64, s *trips.Stop, in span, each func(int64, *trips.Stop) error) error {
	if in.has(s.Start.Time, s.End.Time) {
		return each(id, s)
	}
	part := in.cut(s.Start.Time, s.End.Time)
	if part.from >= part.to {
		return nil
	}
	worked, err := m.measure(ctx, id, part)
	if err != nil {
		return err
	}
	cut := *s
	cut.Start.Time, cut.End.Time = part.from, part.to
	cut.Amounts = trips.Amounts{IdleMS: min(worked.IdleMS, part.to-part.from), EngineMS: min(worked.EngineMS, part.to-part.from), FuelML: worked.FuelML}
	return each(id, &cut)
}

// numbers are the days (trips.Day.Number) of all time zones that a span touches,
// and the one after.
func (s span) numbers() (from, to int64) {
	return data.DayOf(moment(s.from)) - 1, data.DayOf(moment(s.to)) + 2
}

// eachSum calls each for what devices did in each period of the span, and for
// each device at least once if the span is one period.
func (m *Maker) eachSum(ctx context.Context, ask *Ask, each func(deviceID int64, in span, s *sum) error) error {
	ids := ask.ids()
	var days []trips.Day // of the device that is being walked
	walk := perDevice{ids, func(id int64) error {
		defer func() { days = days[:0] }()
		days, err := m.withToday(ctx, ask, id, days)
		if err != nil {
			return err
		}
		return ask.periods(func(in span) error {
			s, err := m.sumOf(ctx, id, in, days)
			if err != nil || s.reports == 0 && ask.Period != Whole {
				return err
			}
			return each(id, in, &s)
		})
	}}
	from, to := ask.span().numbers()
	err := m.Store.Days(ctx, ids, from, to, func(id int64, d *trips.Day) error {
		if err := walk.reach(id); err != nil {
			return err
		}
		days = append(days, *d)
		return nil
	})
	if err != nil {
		return err
	}
	return walk.end()
}

// daysOf are the days of a device that a span within that of ask touches.
func (m *Maker) daysOf(ctx context.Context, ask *Ask, id int64, in span) ([]trips.Day, error) {
	var days []trips.Day
	from, to := in.numbers()
	err := m.Store.Days(ctx, []int64{id}, from, to, func(_ int64, d *trips.Day) error {
		days = append(days, *d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read days: %w", err)
	}
	part := *ask
	part.From, part.To = moment(in.from), moment(in.to)
	return m.withToday(ctx, &part, id, days)
}

// withToday adds the day that is not over, if it can lie in the span.
func (m *Maker) withToday(ctx context.Context, ask *Ask, id int64, days []trips.Day) ([]trips.Day, error) {
	in := ask.span()
	if n := len(days); n > 0 && days[n-1].Start > in.to || !ask.spoke(ask.device(id)) {
		return days, nil
	}
	state, err := m.current(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read where device %d stands: %w", id, err)
	}
	today, ok := state.Trips().Today()
	if !ok || len(days) > 0 && today.Number <= days[len(days)-1].Number {
		return days, nil
	}
	return append(days, today), nil
}

// sumOf is what a device did in a span: whole days as they are, the parts of
// others worked out.
func (m *Maker) sumOf(ctx context.Context, id int64, in span, days []trips.Day) (sum, error) {
	var s sum
	for i := range days {
		d := &days[i]
		switch {
		case !in.meet(d.First, d.Last):
		case in.has(d.First, d.Last):
			s.add(d, &trips.Day{})
		default:
			part, err := m.measure(ctx, id, in.cut(d.First, d.Last))
			if err != nil {
				return s, err
			}
			s.join(&part)
		}
	}
	return s, nil
}
