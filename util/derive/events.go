package derive

import (
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
)

// happened finds events of the report itself.
func (st *stepper) happened(s *State, of *fleet.Settings, r *report, placed bool) {
	st.input = events.Input{
		Position: r.Position, Placed: placed, Motion: st.result.Motion, Visits: st.inForce(s, of, r), Fences: st.fences,
	}
	st.events = s.Events.Step(&of.Events, &st.input, st.events)
}

// inForce are the geofences that the device is in, without those whose hours it
// is outside of: their speed limits do not hold.
func (st *stepper) inForce(s *State, of *fleet.Settings, r *report) []geofence.Visit {
	visits := s.Fences.Visits()
	if len(of.Hours) == 0 || len(visits) == 0 {
		return visits
	}
	now := at(r.fix.Time)
	st.visits = st.visits[:0]
	for _, v := range visits {
		if hours := of.Hours[v.Fence]; hours == nil || hours.On(now) {
			st.visits = append(st.visits, v)
		}
	}
	return st.visits
}
