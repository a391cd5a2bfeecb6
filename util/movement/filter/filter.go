// Package filter decides which positions of a device count. A filter marks, it
// never deletes: the position stays, with the reason and the numbers behind it.
// Nothing here reads a clock, so that going over history again says the same.
package filter

import (
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// State is what filters remember of a device. The zero State is that of a new
// one.
type State struct {
	// Kept is the last kept place, if Known; Changed is the ignition at it.
	Known bool
	Kept  Point
	// Ignition is the last one known.
	Ignition fix.Tri
	// Strange is the last place that was too far away to be true, and Agree how
	// many of those in a row agree with each other.
	Strange Point
	Agree   int64
}

// Point is a place at a time (milliseconds since 1970 UTC, degrees, knots,
// metres).
type Point struct {
	Time, FixTime                   int64
	Lat, Lon, SpeedKnots, AccuracyM float64
}

func pointOf(f *fix.Fix) Point {
	return Point{Time: f.Time, FixTime: f.FixTime, Lat: f.Lat, Lon: f.Lon, SpeedKnots: f.SpeedKnots, AccuracyM: f.AccuracyM}
}

// step is a candidate and its relation to the last kept place.
type step struct {
	f *fix.Fix
	// from is nil before the first kept place.
	from            *Point
	meters, seconds float64
	ignition        bool
}

// Step looks at the next report, in the order of fix.Compare. A report without
// a place of its own is only checked for its time. Reports marked Future or
// Past leave the state as it is.
func (s *State) Step(c *Config, f *fix.Fix) Mark {
	if m := timing(c, f); m.Reason != "" {
		return m
	}
	changed := f.Ignition != fix.Unknown && f.Ignition != s.Ignition
	if changed {
		s.Ignition = f.Ignition
	}
	if !f.Placed {
		return Mark{}
	}
	if m := alone(c, f); m.Reason != "" {
		return m
	}
	if !s.Known {
		s.keep(f)
		return Mark{}
	}
	st := between(&s.Kept, f)
	st.ignition = changed
	m := s.compare(c, &st)
	if m.Reason == "" {
		s.keep(f)
	}
	return m
}

// alone are the filters that need no other position.
func alone(c *Config, f *fix.Fix) Mark {
	if m := outOfRange(f); m.Reason != "" {
		return m
	}
	if m := zero(c, f); m.Reason != "" {
		return m
	}
	if m := invalid(c, f); m.Reason != "" {
		return m
	}
	return accuracy(c, f)
}

// compare are the filters that look at the last kept place.
func (s *State) compare(c *Config, st *step) Mark {
	if m := duplicate(c, st); m.Reason != "" {
		return m
	}
	if m := implausible(c, st); m.Reason != "" {
		if !s.agrees(c, st.f) {
			return m
		}
		return Mark{} // so many agree that it was the kept place that lied
	}
	s.Agree = 0
	if st.f.Important || st.ignition {
		return Mark{}
	}
	if m := drift(c, st); m.Reason != "" {
		return m
	}
	return thinned(c, st)
}

func (s *State) keep(f *fix.Fix) {
	s.Known, s.Kept, s.Agree, s.Strange = true, pointOf(f), 0, Point{}
}

// between measures from a point to a report. The time is that between the
// fixes, or between the reports where the fixes' clock stands still.
func between(from *Point, f *fix.Fix) step {
	ms := f.FixTime - from.FixTime
	if ms <= 0 {
		ms = f.Time - from.Time
	}
	return step{f: f, from: from, meters: geo.Distance(from.Lat, from.Lon, f.Lat, f.Lon), seconds: float64(ms) / 1000}
}
