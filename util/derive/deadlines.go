package derive

import (
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
)

// mostMissed bounds the deadlines of a geofence that one report can miss: a
// device that was away for longer has been told of often enough.
const mostMissed = 31

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// deadlines looks which have passed since the report before, and whether the
// device was where it should be then.
func (st *stepper) deadlines(s *State, of *fleet.Settings, before int64, r *report) {
	if len(of.Deadlines) == 0 || before == 0 {
		return
	}
	now := r.fix.Time
	if s.of == of && s.due > now {
		return
	}
	s.of, s.due = of, math.MaxInt64
	for i := range of.Deadlines {
		d := &of.Deadlines[i]
		_, inside := s.Fences.Inside(d.GeofenceID)
		last := at(before)
		for n := 0; ; n++ {
			next, ok := d.Next(last)
			if !ok {
				break
			}
			if next.UnixMilli() > now {
				s.due = min(s.due, next.UnixMilli())
				break
			}
			if last = next; inside {
				continue
			}
			if n >= mostMissed {
				last = at(now)
				continue
			}
			st.events = append(st.events, data.Event{
				DeviceID: r.DeviceID, Type: data.EventGeofenceMissing, Time: next, ServerTime: r.ServerTime,
				PositionID: r.ID, GeofenceID: d.GeofenceID,
			})
		}
	}
}
