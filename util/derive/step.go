package derive

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// report is a position on its way through the steps.
type report struct {
	*data.Position
	fix   fix.Fix
	fresh bool // it is being stored now
}

// stepper takes reports through the steps. It holds room to work in, and
// belongs to one goroutine.
type stepper struct {
	watcher *geofence.Watcher
	result  movement.Result
	input   events.Input
	fences  []geofence.Event
	visits  []geofence.Visit
	ids     []byte
	events  []data.Event // what the last report has shown
	failed  int          // computed attributes, until somebody counts them
}

func newStepper() *stepper { return &stepper{watcher: geofence.NewWatcher()} }

// step takes the next report in, in the order of fix.Compare, and writes what
// it means into its attributes. What has ended is in st.result, what happened
// in st.events.
func (st *stepper) step(s *State, of *fleet.Settings, r *report) {
	r.fix.ID = r.ID
	st.events, st.fences = st.events[:0], st.fences[:0]
	before := s.Movement.Time()
	s.Movement.Step(&of.Movement, &r.fix, &st.result)
	st.result.Mark.Put(&r.Attributes)
	if r.fix.Set != nil {
		return // no report
	}
	st.result.Derived().Put(&r.Attributes)
	if st.result.Ignored {
		return
	}
	placed := r.fix.Placed && st.result.Mark.Reason == ""
	st.deadlines(s, of, before, r)
	if placed {
		st.geofences(s, of, r)
	}
	st.nameFences(s, r)
	if placed {
		st.address(s, of, r)
	}
	if r.fresh {
		st.failed += of.Computed.After(r.Position)
	}
	st.happened(s, of, r, placed)
}
