package events

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence"
)

// Geofence is what happened at a fence, with the report that showed it.
func Geofence(f geofence.Event, p *data.Position) data.Event {
	e := data.Event{
		DeviceID: p.DeviceID, Type: kinds[f.Kind], Time: at(f.Time), ServerTime: p.ServerTime,
		PositionID: p.ID, GeofenceID: f.Fence,
	}
	if f.Kind == geofence.Exit || f.Kind == geofence.Dwell {
		e.Attributes.SetInt("duration", f.Time-f.Since)
	}
	return e
}

var kinds = [...]string{
	geofence.Enter: data.EventGeofenceEnter, geofence.Exit: data.EventGeofenceExit,
	geofence.Dwell: data.EventGeofenceDwell, geofence.Cross: data.EventGeofenceCrossed,
}
