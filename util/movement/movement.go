// Package movement says what a device's reports mean together: which count, how
// far it went, when it moved and rested. It is the one fold over the reports of
// a device in which filter and trips are the steps; it has no store, no bus and
// no clock.
//
// # Late data
//
// The result depends on the reports and their order in time only (fix.Compare),
// not on when they came. A caller gets this by three rules:
//
//  1. Reports newer than State.Time are stepped through in order.
//  2. While it does, it saves the state as a Checkpoint whenever Result.Checkpoint
//     says so and the next report has a later time.
//  3. When a report comes that is not newer (State.Late), it takes the newest
//     checkpoint with a Time before the report's, or the zero State if there is
//     none, deletes rows and checkpoints that came after it, and steps again
//     through the stored reports with a later time than the checkpoint's.
//
// While it steps again it may meet an old checkpoint: if the state there is the
// old one but for the totals (State.Same), all that followed stays true, but for
// the totals, which shift.
package movement

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/internal/code"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// State is where a device stands between two reports; the zero State is that of
// a new device. It belongs to one goroutine.
type State struct {
	filter filter.State
	trips  trips.State
}

// Result is what one report has changed. The slices are reused by the next Step.
type Result struct {
	// Mark is why the report's place does not count, if it does not.
	Mark filter.Mark
	// Ignored: the report does not count at all, for its time cannot be right.
	Ignored bool
	trips.Result
}

// Step takes the next report in. Reports whose time cannot be right change
// nothing and may come in any order.
func (s *State) Step(c *Config, f *fix.Fix, r *Result) {
	r.Mark, r.Ignored = filter.Mark{}, false
	if f.Set == nil {
		r.Mark = s.filter.Step(&c.Filter, f)
		if r.Ignored = r.Mark.Reason == filter.Future || r.Mark.Reason == filter.Past; r.Ignored {
			r.Trips, r.Stops, r.Days = r.Trips[:0], r.Stops[:0], r.Days[:0]
			r.DistanceMM, r.Totals, r.Motion, r.Checkpoint = 0, s.trips.Totals(), false, false
			return
		}
	}
	s.trips.Step(&c.Trips, f, f.Placed && r.Mark.Reason == "", &r.Result)
}

// Time is that of the newest report that counts, milliseconds since 1970 UTC; 0
// before the first.
func (s *State) Time() int64 { return s.trips.Time }

// Late tells whether a report comes too late for this state, so that rule 3
// holds. Reports whose time cannot be right are never late.
func (s *State) Late(c *Config, f *fix.Fix) bool {
	return f.Time <= s.trips.Time && !(f.Set == nil && filter.Untimely(&c.Filter, f))
}

// Trips is what is open: the current trip, the stop, the day.
func (s *State) Trips() *trips.State { return &s.trips }

// Same tells whether two states of the same time differ at most by their
// totals, and by how much s has more.
func (s *State) Same(old *State) (more fix.Totals, same bool) {
	a, b := s.trips.Totals(), old.trips.Totals()
	more = fix.Totals{DistanceMM: a.DistanceMM - b.DistanceMM, EngineMS: a.EngineMS - b.EngineMS}
	moved := *old
	moved.trips.Shift(more)
	return more, string(moved.Append(nil)) == string(s.Append(nil))
}

// Shift adds to the totals what late reports before this state's time have
// brought, see Same.
func (s *State) Shift(by fix.Totals) { s.trips.Shift(by) }

// version is that of the saved form: it changes with the fields and with the
// rules, trips.Version.
const version = 1

// Append appends the state as it is saved: some 320 bytes at rest, up to 700 on
// a trip.
func (s *State) Append(b []byte) []byte {
	c := code.Coder{Bytes: append(b, version, trips.Version)}
	s.filter.Code(&c)
	s.trips.Code(&c)
	return c.Bytes
}

// Decode reads a saved state. An error wraps data.ErrInvalid: the state is that
// of another version or damaged, and the device's rows have to be rebuilt from
// its positions.
func Decode(b []byte) (State, error) {
	var s State
	if len(b) < 2 || b[0] != version || b[1] != trips.Version {
		return s, fmt.Errorf("a saved movement state of another version, rebuild the device's trips: %w", data.ErrInvalid)
	}
	c := code.Coder{Bytes: b[2:], Reading: true}
	s.filter.Code(&c)
	s.trips.Code(&c)
	if err := c.Err(); err != nil {
		return State{}, err
	}
	return s, nil
}

// Checkpoint is a saved state to begin again from.
type Checkpoint struct {
	// Time is State.Time: the state knows every report up to and including it.
	Time int64
	// State is what a fold has saved, of which State.Append is the first part.
	State []byte
	// Shift is what late reports have added to the totals since it was saved.
	Shift fix.Totals
}

// Derived are a position's values that come from those before it.
type Derived struct {
	DistanceM, TotalDistanceM float64
	Motion                    bool
	HoursMS                   int64
}

// Derived are the values of the report that was stepped through.
func (r *Result) Derived() Derived {
	return Derived{
		DistanceM: float64(r.DistanceMM) / 1000, TotalDistanceM: float64(r.Totals.DistanceMM) / 1000,
		Motion: r.Motion, HoursMS: r.Totals.EngineMS,
	}
}

// Put writes the values into a position's attributes: distance and
// totalDistance (metres), and motion and hours (milliseconds) unless the device
// says them itself. It replaces what an earlier Put has written.
func (d Derived) Put(a *data.Attributes) {
	ours, _ := a.Get(fix.DerivedKey).Text()
	a.SetFloat("distance", math.Round(d.DistanceM*100)/100)
	a.SetFloat("totalDistance", math.Round(d.TotalDistanceM*100)/100)
	motion := ours == "motion" || ours == "motion,hours" || a.Get("motion").Kind() == data.KindNone
	hours := ours == "hours" || ours == "motion,hours" || a.Get("hours").Kind() == data.KindNone
	if motion {
		a.SetBool("motion", d.Motion)
	}
	if hours {
		a.SetInt("hours", d.HoursMS)
	}
	switch {
	case motion && hours:
		ours = "motion,hours"
	case motion:
		ours = "motion"
	case hours:
		ours = "hours"
	default:
		ours = ""
	}
	a.SetString(fix.DerivedKey, ours)
}
