// Package trips finds a device's trips, stops and days in its reports, one
// report after the other. It is a fold: the same reports in the same order
// (fix.Compare) give the same rows, whether they are seen at once or years
// apart, with the state saved in between.
//
// # Rules
//
// A device rests or is under way. At rest it stays while its places lie within
// Config.StopRadiusM of where it came to rest. Places farther away begin a
// provisional trip, if the speed says so too or they lie four times as far. The
// trip counts, from its beginning, once it has lasted Config.MinTripTime with a
// place Config.MinTripM away; it never was if the device comes back before that.
// So noise around a parked device adds no way: only proven trips have any.
//
// Under way, a halt begins where the device comes to rest or its ignition goes
// off. It becomes a stop, and the end of the trip, after Config.StopAfter
// (StopAfterOff with the ignition off); before that, a device that gets on takes
// the halt along as idle time.
//
// Ignition off but moving: while the ignition is off, places must lie
// Config.CarriedM away to count. Then a trip of the kind Carried begins, which
// ends when the device comes to rest or its ignition goes on.
//
// No fix but alive (tunnel, basement): the trip waits at the last place. If the
// next place lies farther on, the way is the straight line; if none comes within
// Config.MaxGap, or the ignition goes off, it has stopped there.
//
// Silence for longer than Config.MaxGap ends a trip at the last place. If the
// device comes back elsewhere, the way between is a trip of the kind Unseen.
package trips

import (
	"math"

	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

const (
	// widest bounds how far a fix's own uncertainty widens the radius of a stop,
	// in metres.
	widest = 500
	// farAway is how many radii away a place counts whatever its speed.
	farAway = 4
	// enginePlay is how much more the device's engine hours may grow than time
	// passed, in milliseconds: they are sent rounded to 0.1 h or worse.
	enginePlay = 360_000
	// maxFuelStep bounds a believable step of the fuel counter, in litres.
	maxFuelStep = 2000
)

// span is what the time between two reports brought.
type span struct {
	ms, engineMS, fuelML int64
}

// Step takes the next report in. placed is false if the report has no place or
// one that a filter has marked.
func (s *State) Step(c *Config, f *fix.Fix, placed bool, r *Result) {
	r.Trips, r.Stops, r.Days = r.Trips[:0], r.Stops[:0], r.Days[:0]
	r.DistanceMM = 0
	s.Time = f.Time
	if f.Set != nil {
		var by fix.Totals
		if f.Set.DistanceMM >= 0 {
			by.DistanceMM = f.Set.DistanceMM - s.totals.DistanceMM
		}
		if f.Set.EngineMS >= 0 {
			by.EngineMS = f.Set.EngineMS - s.totals.EngineMS
		}
		s.Shift(by)
		r.Totals, r.Motion, r.Checkpoint = s.totals, s.moving(), false
		return
	}
	newDay := s.roll(c, f, r)
	sp := s.between(c, f)
	s.learn(f)
	s.day.EngineMS += sp.engineMS
	s.day.FuelML += sp.fuelML
	s.totals.EngineMS += sp.engineMS
	if placed {
		s.see(c, f, sp, r)
	} else if s.placed {
		s.hear(c, f, sp, r)
	}
	s.odometer.read(f.OdometerM)
	s.alive = f.Time
	s.note(f)
	r.Totals, r.Motion = s.totals, s.moving()
	r.Checkpoint = !s.underway && (newDay || len(r.Trips) > 0)
}

func (s *State) moving() bool { return s.underway && s.trip.proven && (!s.halted || s.halt.blind) }

// between works out what happened since the last report. The device's own
// counters count if both ends of the time have them.
func (s *State) between(c *Config, f *fix.Fix) span {
	var sp span
	if s.alive == 0 {
		return sp
	}
	sp.ms = f.Time - s.alive
	grown := float64(f.EngineMS) - s.engine.value
	switch {
	case s.engine.known && f.EngineMS >= 0 && grown >= 0 && grown <= float64(sp.ms+enginePlay):
		sp.engineMS = int64(grown)
	case s.ignition == fix.On && sp.ms <= c.MaxGap.Milliseconds() && !c.IgnoreIgnition:
		sp.engineMS = sp.ms
	}
	switch {
	case f.FuelUsedL >= 0:
		if d := f.FuelUsedL - s.fuelUsed.value; s.fuelUsed.known && d >= 0 && d <= maxFuelStep {
			sp.fuelML = int64(math.Round(d * 1000))
		}
	case f.FuelL >= 0 && s.fuel.known && !s.fuelUsed.known:
		if d := s.fuel.value - f.FuelL; -d <= c.RefuelL && d <= maxFuelStep {
			sp.fuelML = int64(math.Round(d * 1000))
		}
	}
	return sp
}

// learn takes over what the report says of the device.
func (s *State) learn(f *fix.Fix) {
	if f.Ignition != fix.Unknown {
		s.ignition = f.Ignition
		s.ignitionSeen = s.ignitionSeen || f.Ignition == fix.On
	}
	s.speedSeen = s.speedSeen || f.Placed && f.SpeedKnots > 0
	s.engine = gauge{f.EngineMS >= 0, max(0, float64(f.EngineMS))}
	s.fuel.read(f.FuelL)
	s.fuelUsed.read(f.FuelUsedL)
	if f.Driver != "" {
		s.driver = f.Driver
	}
}

// off: the ignition is known to be off.
func (s *State) off(c *Config) bool {
	return s.ignition == fix.Off && s.believed(c)
}

// believed: what is said of the ignition counts.
func (s *State) believed(c *Config) bool { return s.ignitionSeen && !c.IgnoreIgnition }

// idle is the share of a span that a standing device wasted.
func (s *State) idle(c *Config, sp span, within bool) int64 {
	if s.believed(c) || !within {
		return sp.engineMS
	}
	return sp.ms
}

// see takes a report with a place.
func (s *State) see(c *Config, f *fix.Fix, sp span, r *Result) {
	p := Place{f.ID, f.Time, f.Lat, f.Lon}
	switch {
	case !s.placed:
		s.placed = true
		s.rest = rest{start: p, anchor: p, until: p, odometerM: max(s.odometer.or(), f.OdometerM), totalMM: s.totals.DistanceMM}
	case f.Time-s.quiet() > c.MaxGap.Milliseconds():
		s.gap(c, f, p, sp, r)
	case !s.underway:
		s.atRest(c, f, p, sp)
		s.prove(c, f, p, r)
	default:
		s.onTheWay(c, f, p, sp, r)
	}
	s.last = p
}

// quiet is the time from which nothing is known of where the device was.
func (s *State) quiet() int64 {
	if s.underway {
		return s.last.Time
	}
	return max(s.last.Time, s.rest.until.Time)
}

// atRest lets a resting device stay or begin a provisional trip.
func (s *State) atRest(c *Config, f *fix.Fix, p Place, sp span) {
	if !s.away(c, s.rest.anchor, f, s.off(c)) {
		s.stay(c, p, sp)
		return
	}
	s.depart(c, f, p, sp)
}

func (s *State) stay(c *Config, p Place, sp span) {
	idle := s.idle(c, sp, false)
	s.rest.until = p
	s.rest.add(Amounts{IdleMS: idle, EngineMS: sp.engineMS, FuelML: sp.fuelML})
	s.day.IdleMS += idle
}

// depart begins a provisional trip from the rest to p.
func (s *State) depart(c *Config, f *fix.Fix, p Place, sp span) {
	start := s.rest.until
	start.Lat, start.Lon = s.rest.anchor.Lat, s.rest.anchor.Lon
	d := distance(start, p)
	if p.Time-start.Time > c.StopAfter.Milliseconds() && f.SpeedKnots >= c.MinSpeedKnots {
		// It slept: the departure was when the first speed puts it.
		drove := int64(float64(d) / (f.SpeedKnots * knot))
		start.Time = max(start.Time, p.Time-drove)
	}
	kind := Drive
	if s.off(c) {
		kind = Carried
	}
	way := s.trip.path
	way.lat, way.lon = way.lat[:0], way.lon[:0]
	s.underway, s.halted = true, false
	s.trip = open{kind: kind, start: start, away: p.Time, odometerM: s.odometer.or(), totalMM: s.totals.DistanceMM, path: way}
	s.trip.path.add(start.Lat, start.Lon)
	sp.ms = p.Time - start.Time
	s.leg(d, p, f, sp, nil)
}

// knot is in millimetres per millisecond, which is m/s.
const knot = 1852.0 / 3600

// distance is in millimetres.
func distance(a, b Place) int64 {
	return int64(math.Round(geo.Distance(a.Lat, a.Lon, b.Lat, b.Lon) * 1000))
}

// radius is how far places of one stop may lie from each other, in metres.
func radius(c *Config, f *fix.Fix) float64 { return max(c.StopRadiusM, min(f.AccuracyM, widest)) }

// away: the report lies so far from a place that the device has left it.
func (s *State) away(c *Config, from Place, f *fix.Fix, off bool) bool {
	d, r := geo.Distance(from.Lat, from.Lon, f.Lat, f.Lon), radius(c, f)
	if off {
		return d > max(c.CarriedM, r)
	}
	return d > r && (d > farAway*r || s.fast(c, f))
}

// fast: the report says that the device moves, by its speed or, if it never
// says any, by the way since the last place.
func (s *State) fast(c *Config, f *fix.Fix) bool {
	if f.Motion == fix.Off {
		return false
	}
	if s.speedSeen {
		return f.SpeedKnots >= c.MinSpeedKnots
	}
	ms := float64(max(f.Time-s.last.Time, 1))
	return geo.Distance(s.last.Lat, s.last.Lon, f.Lat, f.Lon)*1000/ms >= c.MinSpeedKnots*knot
}
