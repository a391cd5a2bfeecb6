package trips

import (
	"math"

	"github.com/waymark-gps/waymark/util/movement/fix"
)

// State is where a device stands between two reports. The zero State is that of
// a new device. It holds numbers only and depends on nothing but the reports
// that went in, in the order of fix.Compare.
type State struct {
	// Time is that of the newest entry, 0 before the first.
	Time int64
	// alive is the time of the newest report; last the newest place that counts,
	// if placed.
	alive  int64
	placed bool
	last   Place
	// ignition is believed after it has been on once: an input that is not wired
	// says off for ever. Speed is believed after it has been above 0 once.
	ignition                fix.Tri
	ignitionSeen, speedSeen bool
	// The device's own counters.
	odometer, engine, fuel, fuelUsed gauge
	driver                           string
	totals                           fix.Totals
	rest                             rest
	// A trip may be open, and within it a halt; else the device rests.
	underway, halted bool
	trip             open
	halt             halt
	day              Day
}

// gauge is what a device's counter showed last.
type gauge struct {
	known bool
	value float64
}

// read takes over a new value; fix.None is none.
func (g *gauge) read(v float64) {
	if v >= 0 {
		g.known, g.value = true, v
	}
}

// or is the value, fix.None if it is not known.
func (g gauge) or() float64 {
	if !g.known {
		return fix.None
	}
	return g.value
}

// rest is a stop that has begun.
type rest struct {
	start Place
	// anchor is what movement is measured from; until is the last place at rest.
	anchor, until Place
	Amounts
	odometerM float64
	totalMM   int64
}

// open is a trip that has begun. It is provisional until it is proven; then its
// way is in the totals.
type open struct {
	kind   Kind
	start  Place
	proven bool
	// away is the time of the first place away from the rest, points how many
	// there are, and far says that one is far enough away.
	away, points int64
	far          bool
	Amounts
	odometerM float64
	totalMM   int64
	driver    string
	path      path
}

// halt is a stop that may begin. Its amounts go to the trip if it does not. A
// blind one is only that there was no fix any more: a tunnel, a garage.
type halt struct {
	blind bool
	at    Place
	Amounts
	odometerM float64
}

// Result is what one report has changed. The slices are reused by the next Step.
type Result struct {
	// Trips and Stops ended: complete rows. Days are over: complete rows.
	Trips []Trip
	Stops []Stop
	Days  []Day
	// DistanceMM is the way that the report proves, 0 at rest.
	DistanceMM int64
	// Totals are the counters with this report.
	Totals fix.Totals
	// Motion: it is on a trip that is proven and not halted.
	Motion bool
	// Checkpoint: the state now is worth saving as a restart point: a trip or a day
	// has ended and nothing is open.
	Checkpoint bool
}

// Current is the trip that is under way, up to the newest place; ok is false if
// there is none or it is not proven yet.
func (s *State) Current() (t Trip, ok bool) {
	if !s.underway || !s.trip.proven {
		return Trip{}, false
	}
	end := s.last
	if s.halted {
		end = s.halt.at
	}
	return s.row(end, s.odometer.or()), true
}

// Resting is the stop that lasts, up to the newest report; ok is false on a trip
// that is proven.
func (s *State) Resting() (st Stop, ok bool) {
	if !s.placed || s.underway && s.trip.proven {
		return Stop{}, false
	}
	end := s.rest.until
	end.Time = max(end.Time, s.Time)
	return s.stop(end), true
}

// Today is the day of the newest report up to now; ok is false before the first.
func (s *State) Today() (d Day, ok bool) { return s.day, s.day.End != 0 }

// Edge parts the rows that a state has given away from those that come after:
// a trip of later has End.Time > Trips, a stop Start.Time >= Stops, a day
// Number >= Day, a checkpoint a later Time.
type Edge struct{ Time, Trips, Stops, Day int64 }

// The edges before and after all rows.
var (
	Beginning = Edge{math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64}
	End       = Edge{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}
)

// Edge is where the rows that the state has given away end.
func (s *State) Edge() Edge {
	if s.Time == 0 {
		return Beginning
	}
	e := Edge{Time: s.Time, Trips: math.MinInt64, Stops: math.MinInt64, Day: s.day.Number}
	if s.placed {
		e.Trips, e.Stops = s.rest.start.Time, s.rest.start.Time
		if s.underway && s.trip.proven {
			e.Stops++ // that of the rest is given away
		}
	}
	return e
}

// Totals are the counters.
func (s *State) Totals() fix.Totals { return s.totals }

// Shift adds what late reports have added before this state's time: the totals
// and what stands on them.
func (s *State) Shift(by fix.Totals) {
	s.rest.totalMM += by.DistanceMM
	s.totals.DistanceMM += by.DistanceMM
	s.totals.EngineMS += by.EngineMS
	s.trip.totalMM += by.DistanceMM
	s.day.TotalStartMM += by.DistanceMM
	s.day.TotalEndMM += by.DistanceMM
	s.day.HoursStartMS += by.EngineMS
	s.day.HoursEndMS += by.EngineMS
}
