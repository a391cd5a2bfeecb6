package trips

import (
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// onTheWay takes a place of a device that is under way.
func (s *State) onTheWay(c *Config, f *fix.Fix, p Place, sp span, r *Result) {
	off := s.off(c)
	drive := s.trip.kind == Drive
	switch {
	case s.halted && !s.away(c, s.halt.at, f, off && drive):
		s.halt.blind = false
		s.standing(c, sp)
	case s.halted && off && drive:
		// It drove here, and is carried on.
		until := s.last
		until.Time = s.alive
		s.settle(c, until, r)
		s.depart(c, f, p, sp)
	case s.halted:
		s.resume()
		s.trip.path.add(s.halt.at.Lat, s.halt.at.Lon)
		s.leg(distance(s.halt.at, p), p, f, sp, r)
	case !s.fast(c, f) && geo.Distance(s.last.Lat, s.last.Lon, p.Lat, p.Lon) <= radius(c, f):
		s.stand(s.last, s.odometer.or(), false)
		s.standing(c, sp)
	case off && drive:
		s.leg(distance(s.last, p), p, f, sp, r)
		s.stand(p, max(s.odometer.or(), f.OdometerM), false)
	default:
		s.leg(distance(s.last, p), p, f, sp, r)
	}
	s.prove(c, f, p, r)
	if s.underway && s.trip.kind == Carried && !off && s.ignition == fix.On {
		s.stand(p, max(s.odometer.or(), f.OdometerM), false)
		s.settle(c, p, r)
	}
	s.settleIfLong(c, f, p, r)
}

// hear takes a report without a place.
func (s *State) hear(c *Config, f *fix.Fix, sp span, r *Result) {
	here := s.last
	here.Time = f.Time
	if !s.underway {
		until := s.rest.until
		until.PositionID, until.Time = f.ID, f.Time
		s.stay(c, until, sp)
		return
	}
	switch {
	case s.off(c) && s.trip.kind == Drive && (!s.halted || s.halt.blind):
		if s.halted {
			s.resume()
		}
		if sp.ms <= c.StopAfterOff.Milliseconds() {
			s.gain(Amounts{MovingMS: sp.ms, EngineMS: sp.engineMS, FuelML: sp.fuelML}, r)
			s.stand(here, max(s.odometer.or(), f.OdometerM), false)
			break
		}
		here.Time = s.alive // it fell silent when it was parked
		s.stand(here, s.odometer.or(), false)
		s.standing(c, sp)
	case !s.halted:
		s.stand(s.last, s.odometer.or(), true)
		s.standing(c, sp)
	default:
		s.standing(c, sp)
	}
	s.settleIfLong(c, f, here, r)
}

// leg adds the way to p to the trip.
func (s *State) leg(mm int64, p Place, f *fix.Fix, sp span, r *Result) {
	s.trip.path.add(p.Lat, p.Lon)
	s.trip.driver = s.driver
	speed := f.SpeedKnots
	if !s.speedSeen && sp.ms > 0 {
		speed = float64(mm) / float64(sp.ms) / knot
	}
	s.gain(Amounts{DistanceMM: mm, MovingMS: sp.ms, EngineMS: sp.engineMS, FuelML: sp.fuelML, MaxSpeedKnots: speed}, r)
}

// gain adds to the trip and, if it is proven, to all that counts.
func (s *State) gain(a Amounts, r *Result) {
	s.trip.add(a)
	if s.trip.proven {
		s.count(a, r)
	}
}

// count adds a proven trip's amounts to the totals and the day. Engine and fuel
// are there already.
func (s *State) count(a Amounts, r *Result) {
	if s.trip.kind == Carried {
		s.day.CarriedMM += a.DistanceMM
		return
	}
	a.EngineMS, a.FuelML = 0, 0
	s.day.add(a)
	s.totals.DistanceMM += a.DistanceMM
	r.DistanceMM += a.DistanceMM
}

// prove looks whether a provisional trip has become one, or never was.
func (s *State) prove(c *Config, f *fix.Fix, p Place, r *Result) {
	if !s.underway || s.trip.proven {
		return
	}
	t := &s.trip
	d := geo.Distance(s.rest.anchor.Lat, s.rest.anchor.Lon, p.Lat, p.Lon)
	if d <= radius(c, f) {
		s.drop(c, p)
		return
	}
	t.points++
	t.far = t.far || d >= c.MinTripM
	if !t.far || t.points < 2 || p.Time-t.away < c.MinTripTime.Milliseconds() {
		return
	}
	t.proven = true
	s.leave(t.start, r)
	s.day.Trips++
	s.count(t.Amounts, r)
}

// leave ends the rest with a row.
func (s *State) leave(start Place, r *Result) {
	if start.Time > s.rest.start.Time {
		r.Stops = append(r.Stops, s.stop(start))
	}
}

// drop forgets a trip that never was: the device is at rest in p.
func (s *State) drop(c *Config, p Place) {
	a := s.trip.Amounts
	if s.halted {
		a.add(s.halt.Amounts)
	}
	if !s.believed(c) {
		a.IdleMS = 0
	}
	s.underway, s.halted = false, false
	s.rest.until = p
	s.rest.add(Amounts{IdleMS: a.IdleMS, EngineMS: a.EngineMS, FuelML: a.FuelML})
	s.day.IdleMS += a.IdleMS
}

// stand opens a halt.
func (s *State) stand(at Place, odometerM float64, blind bool) {
	if s.halted {
		s.resume()
	}
	s.halted = true
	s.halt = halt{at: at, odometerM: odometerM, blind: blind}
}

// standing adds a span to the halt.
func (s *State) standing(c *Config, sp span) {
	s.halt.add(Amounts{IdleMS: s.idle(c, sp, true), MovingMS: sp.ms, EngineMS: sp.engineMS, FuelML: sp.fuelML})
}

// resume gives the halt's amounts to the trip: a blind one was on the way, any
// other was not.
func (s *State) resume() {
	a := s.halt.Amounts
	if s.halt.blind {
		a.IdleMS = 0
	} else {
		a.MovingMS = 0
	}
	s.halted = false
	var none Result
	s.gain(a, &none)
}

// settleIfLong makes a stop of a halt that has lasted.
func (s *State) settleIfLong(c *Config, f *fix.Fix, p Place, r *Result) {
	if !s.underway || !s.halted {
		return
	}
	long := c.StopAfter
	switch {
	case s.halt.blind:
		long = c.MaxGap
	case s.off(c):
		long = c.StopAfterOff
	}
	if f.Time-s.halt.at.Time >= long.Milliseconds() {
		s.settle(c, p, r)
	}
}

// settle ends the trip where the halt began; the device rests there, last seen
// as until.
func (s *State) settle(c *Config, until Place, r *Result) {
	at, a := s.halt.at, s.halt.Amounts
	a.MovingMS = 0
	if !s.believed(c) {
		a.IdleMS = 0 // not a halt after all, and nothing is known of the engine
	}
	until.Lat, until.Lon = at.Lat, at.Lon
	if !s.trip.proven {
		s.drop(c, until)
		s.rest.anchor = at // moved in the yard
		return
	}
	r.Trips = append(r.Trips, s.row(at, s.halt.odometerM))
	s.underway, s.halted = false, false
	s.rest = rest{start: at, anchor: at, until: until, Amounts: a, odometerM: s.halt.odometerM, totalMM: s.totals.DistanceMM}
	s.day.IdleMS += a.IdleMS
}

// gap takes the first place after a long silence.
func (s *State) gap(c *Config, f *fix.Fix, p Place, sp span, r *Result) {
	quiet := s.quiet()
	if s.underway {
		if !s.halted {
			s.stand(s.last, s.odometer.or(), false)
		}
		until := s.last
		until.Time = quiet
		s.settle(c, until, r)
	}
	mm := distance(s.rest.anchor, p)
	if float64(mm) <= 1000*max(c.MinTripM, farAway*radius(c, f)) {
		s.stay(c, p, sp)
		return
	}
	start := s.rest.until
	start.Lat, start.Lon = s.rest.anchor.Lat, s.rest.anchor.Lon
	s.leave(start, r)
	s.depart(c, f, p, span{})
	s.trip.proven, s.trip.start = true, start
	if s.trip.kind == Drive {
		s.trip.kind = Unseen
	}
	s.trip.MovingMS, s.trip.MaxSpeedKnots = 0, 0
	s.trip.EngineMS, s.trip.FuelML = sp.engineMS, sp.fuelML
	s.day.Trips++
	s.count(s.trip.Amounts, r)
	s.stand(p, max(s.odometer.or(), f.OdometerM), false)
	s.settle(c, p, r)
}

// row is the trip as it would end.
func (s *State) row(end Place, odometerM float64) Trip {
	t := &s.trip
	row := Trip{
		Kind: t.kind, Start: t.start, End: end, Amounts: t.Amounts, OdometerStartM: t.odometerM, OdometerEndM: odometerM,
		TotalStartMM: t.totalMM, TotalEndMM: s.totals.DistanceMM, Driver: t.driver, Path: t.path.encode(), Version: Version,
	}
	if ms := end.Time - t.start.Time; ms > 0 {
		row.AverageSpeedKnots = float64(t.DistanceMM) / float64(ms) / knot
	}
	return row
}

func (s *State) stop(end Place) Stop {
	end.Lat, end.Lon = s.rest.start.Lat, s.rest.start.Lon
	return Stop{
		Start: s.rest.start, End: end, Amounts: s.rest.Amounts, OdometerM: s.rest.odometerM,
		TotalMM: s.rest.totalMM, Version: Version,
	}
}
