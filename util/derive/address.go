package derive

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
)

// address names the place by the device's geofences, unless the device has said
// an address itself. Only places where it stands get one, to save bytes: those
// that trips begin and end at are among them.
func (st *stepper) address(s *State, of *fleet.Settings, r *report) {
	if !r.fresh || st.result.Motion || r.Attributes.Get(data.Address).Kind() != data.KindNone {
		return
	}
	spot := of.Spot(geofence.Point{Lat: r.fix.Lat, Lon: r.fix.Lon, AltitudeM: r.AltitudeM})
	if spot == (fleet.Spot{}) {
		return
	}
	if s.spot != spot || s.named != of {
		s.spot, s.named, s.name = spot, of, of.Name(spot)
	}
	r.Attributes.SetString(data.Address, s.name)
}
