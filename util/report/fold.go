package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// warmUp is how far before a span the reports are read where there is no
// checkpoint: long enough to know whether the device is on its way.
const warmUp = 24 * time.Hour

// sum is what a device did in a span.
type sum struct {
	trips.Amounts
	carriedMM, reports, trips int64
	// first and last are times of reports in milliseconds since 1970 UTC.
	first, last                int64
	odometerStart, odometerEnd float64
	totalStart, totalEnd       int64
	hoursStart, hoursEnd       int64
	startPlace, endPlace       trips.Place
	hasPlace                   bool
}

// add adds a day, or the part of one that came after base.
func (s *sum) add(d, base *trips.Day) {
	if d.Reports == base.Reports {
		return
	}
	if s.reports == 0 {
		s.first, s.odometerStart, s.totalStart, s.hoursStart = d.First, d.OdometerStartM, d.TotalStartMM, d.HoursStartMS
		if base.Reports > 0 {
			s.odometerStart, s.totalStart, s.hoursStart = base.OdometerEndM, base.TotalEndMM, base.HoursEndMS
		}
	}
	if s.odometerStart < 0 {
		s.odometerStart = d.OdometerStartM
	}
	s.last, s.odometerEnd, s.totalEnd, s.hoursEnd = d.Last, d.OdometerEndM, d.TotalEndMM, d.HoursEndMS
	s.reports += d.Reports - base.Reports
	s.trips += d.Trips - base.Trips
	s.carriedMM += d.CarriedMM - base.CarriedMM
	s.DistanceMM += d.DistanceMM - base.DistanceMM
	s.MovingMS += d.MovingMS - base.MovingMS
	s.IdleMS += d.IdleMS - base.IdleMS
	s.EngineMS += d.EngineMS - base.EngineMS
	s.FuelML += d.FuelML - base.FuelML
	if d.MaxSpeedKnots > base.MaxSpeedKnots { // it was reached after base
		s.MaxSpeedKnots = max(s.MaxSpeedKnots, d.MaxSpeedKnots)
	}
}

// join adds a later part.
func (s *sum) join(more *sum) {
	if more.reports == 0 {
		return
	}
	if s.reports == 0 {
		*s = *more
		return
	}
	if s.odometerStart < 0 {
		s.odometerStart = more.odometerStart
	}
	s.last, s.odometerEnd, s.totalEnd, s.hoursEnd = more.last, more.odometerEnd, more.totalEnd, more.hoursEnd
	s.reports += more.reports
	s.trips += more.trips
	s.carriedMM += more.carriedMM
	s.DistanceMM += more.DistanceMM
	s.MovingMS += more.MovingMS
	s.IdleMS += more.IdleMS
	s.EngineMS += more.EngineMS
	s.FuelML += more.FuelML
	s.MaxSpeedKnots = max(s.MaxSpeedKnots, more.MaxSpeedKnots)
	if more.hasPlace {
		if !s.hasPlace {
			s.startPlace = more.startPlace
		}
		s.endPlace, s.hasPlace = more.endPlace, true
	}
}

// measure works out what a device did in a span from its reports: from the
// checkpoint before it on, by the same rules as when they came.
func (m *Maker) measure(ctx context.Context, deviceID int64, in span) (sum, error) {
	of, err := m.Fleet.All(ctx, []int64{deviceID}, nil)
	if err != nil {
		return sum{}, fmt.Errorf("read the settings of device %d: %w", deviceID, err)
	}
	if of[0] == nil {
		return sum{}, nil // it is being deleted
	}
	state, begin, err := m.stateBefore(ctx, deviceID, in.from)
	if err != nil {
		return sum{}, err
	}
	g := gauge{config: &of[0].Movement, state: state, in: in}
	reach := fix.MaxLag.Milliseconds()
	err = m.Store.PositionsBetween(ctx, deviceID, moment(begin-reach), moment(in.to+reach), math.MaxInt, func(p *data.Position) error {
		g.take(fix.Of(p), p.Time().UnixMilli()-reach)
		return nil
	})
	g.release(math.MaxInt64)
	return g.end(), err
}

// stateBefore is where a device stood at the newest checkpoint before a time.
func (m *Maker) stateBefore(ctx context.Context, deviceID, at int64) (movement.State, int64, error) {
	found, err := m.Store.CheckpointsBefore(ctx, []int64{deviceID}, moment(at))
	if err != nil {
		return movement.State{}, 0, fmt.Errorf("read checkpoints: %w", err)
	}
	if cp, ok := found[deviceID]; ok {
		if state, err := derive.Decode(cp); err == nil {
			return state.Movement, cp.Time, nil
		} // one of an earlier version: begin without
	}
	return movement.State{}, at - warmUp.Milliseconds(), nil
}

// gauge steps through reports and measures those of a span.
type gauge struct {
	config *movement.Config
	state  movement.State
	in     span
	result movement.Result
	// waiting are reports that others may come before: history is in the order of
	// places, the fold in that of reports.
	waiting []fix.Fix
	base    trips.Day
	started bool
	sum     sum
	// maxKnots is the highest speed of the present day in the span.
	maxKnots float64
}

// take takes the next report; nothing before the time safe will come any more.
func (g *gauge) take(f fix.Fix, safe int64) {
	i, _ := slices.BinarySearchFunc(g.waiting, f, func(a, b fix.Fix) int { return fix.Compare(&a, &b) })
	g.waiting = slices.Insert(g.waiting, i, f)
	g.release(safe)
}

// release steps through what waits, before a time.
func (g *gauge) release(before int64) {
	n := 0
	for n < len(g.waiting) && g.waiting[n].Time < before {
		g.step(&g.waiting[n])
		n++
	}
	g.waiting = slices.Delete(g.waiting, 0, n)
}

func (g *gauge) step(f *fix.Fix) {
	if g.state.Late(g.config, f) || f.Time > g.in.to {
		return
	}
	if !g.started && f.Time >= g.in.from {
		g.started = true
		g.base, _ = g.state.Trips().Today()
	}
	g.state.Step(g.config, f, &g.result)
	if !g.started || g.result.Ignored {
		return
	}
	for i := range g.result.Days {
		g.day(&g.result.Days[i])
	}
	if g.sum.first == 0 {
		g.sum.first = f.Time
	}
	kept := f.Placed && g.result.Mark.Reason == ""
	if kept && g.result.Motion {
		g.maxKnots = max(g.maxKnots, f.SpeedKnots)
	}
	if kept {
		p := trips.Place{PositionID: f.ID, Time: f.Time, Lat: f.Lat, Lon: f.Lon}
		if !g.sum.hasPlace {
			g.sum.startPlace, g.sum.hasPlace = p, true
		}
		g.sum.endPlace = p
	}
}

// day counts a day that is over, or as far as it has come.
func (g *gauge) day(d *trips.Day) {
	first := g.sum.first
	if g.base.Number != d.Number || g.base.End == 0 {
		g.base = trips.Day{}
	}
	speed := g.maxKnots
	g.sum.add(d, &g.base)
	g.sum.MaxSpeedKnots = max(g.sum.MaxSpeedKnots, speed)
	if first != 0 {
		g.sum.first = first
	}
	g.base, g.maxKnots = trips.Day{}, 0
}

func (g *gauge) end() sum {
	if g.started {
		if d, ok := g.state.Trips().Today(); ok {
			g.day(&d)
		}
	}
	return g.sum
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
