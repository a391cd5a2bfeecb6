package derive

import (
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/fleet"
)

// happened finds events of the report itself.
func (st *stepper) happened(s *State, of *fleet.Settings, r *report, placed bool) {
	st.input = events.Input{
		Position: r.Position, Placed: placed, Motion: st.result.Motion, Visits: s.Fences.Visits(), Fences: st.fences,
	}
	st.events = s.Events.Step(&of.Events, &st.input, st.events)
}
