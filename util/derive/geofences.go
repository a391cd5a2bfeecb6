package derive

import (
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
)

// geofences looks what a place that counts means for the device's geofences.
func (st *stepper) geofences(s *State, of *fleet.Settings, r *report) {
	if of.FenceSet.Len() == 0 && len(s.Fences.Visits()) == 0 {
		return
	}
	p := geofence.Point{Time: r.fix.Time, Lat: r.fix.Lat, Lon: r.fix.Lon, AltitudeM: r.AltitudeM, AccuracyM: r.fix.AccuracyM}
	st.fences = st.watcher.Step(of.Fences, &s.Fences, p, of.FenceSet, st.fences)
	if len(of.Hours) > 0 {
		st.fences = slices.DeleteFunc(st.fences, func(e geofence.Event) bool {
			hours := of.Hours[e.Fence]
			return hours != nil && !hours.On(at(e.Time))
		})
	}
}

// nameFences writes the geofences that the device is in.
func (st *stepper) nameFences(s *State, r *report) {
	visits := s.Fences.Visits()
	if len(visits) == 0 {
		if len(r.Attributes.Get(data.GeofenceIDs).String()) > 0 {
			r.Attributes.SetString(data.GeofenceIDs, "")
		}
		return
	}
	st.ids = st.ids[:0]
	for i, v := range visits {
		if i > 0 {
			st.ids = append(st.ids, ',')
		}
		st.ids = strconv.AppendInt(st.ids, v.Fence, 10)
	}
	if old, _ := r.Attributes.Get(data.GeofenceIDs).Text(); old != string(st.ids) {
		r.Attributes.SetString(data.GeofenceIDs, string(st.ids))
	}
}
