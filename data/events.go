package data

import (
	"strconv"
	"time"
)

// Types of events of the field.
const (
	EventDeviceOnline        = "deviceOnline"
	EventDeviceUnknown       = "deviceUnknown"
	EventDeviceOffline       = "deviceOffline"
	EventDeviceInactive      = "deviceInactive"
	EventDeviceMoving        = "deviceMoving"
	EventDeviceStopped       = "deviceStopped"
	EventDeviceOverspeed     = "deviceOverspeed"
	EventDeviceFuelDrop      = "deviceFuelDrop"
	EventDeviceFuelIncrease  = "deviceFuelIncrease"
	EventGeofenceEnter       = "geofenceEnter"
	EventGeofenceExit        = "geofenceExit"
	EventGeofenceCrossed     = "geofenceCrossed"
	EventGeofenceDwell       = "geofenceDwell"
	EventGeofenceMissing     = "geofenceMissing"
	EventProximityEnter      = "proximityEnter"
	EventProximityExit       = "proximityExit"
	EventUnaccompaniedMotion = "unaccompaniedMotion"
	EventAlarm               = "alarm"
	EventIgnitionOn          = "ignitionOn"
	EventIgnitionOff         = "ignitionOff"
	EventMaintenance         = "maintenance"
	EventDriverChanged       = "driverChanged"
	EventMedia               = "media"
)

// Event is something that happened to a device. Two events are the same if
// device, type, Time, geofence, maintenance and Detail agree.
type Event struct {
	ID       int64
	DeviceID int64
	Type     string
	// Time is when it happened, by the device's clock where a position shows it.
	Time time.Time
	// End is when it was over, for events that last; zero while it goes on and
	// for those that do not last.
	End time.Time
	// ServerTime is when it was noticed: long after Time if the data came late.
	ServerTime time.Time
	// PositionID, GeofenceID and MaintenanceID are what it is about, 0 for nothing.
	PositionID    int64
	GeofenceID    int64
	MaintenanceID int64
	// Detail tells apart events of one type at one moment: the alarm, the other
	// device's id, ... Empty for most.
	Detail string
	// Attributes are what it is about in numbers: speed, speedLimit, alarm, ...
	Attributes Attributes
}

// AppendJSON appends the event in the form of the API. endTime is there only
// for events that are over.
func (e *Event) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, e.ID, 10)
	b = append(b, `,"attributes":`...)
	b = e.Attributes.AppendJSON(b)
	b = append(b, `,"deviceId":`...)
	b = strconv.AppendInt(b, e.DeviceID, 10)
	b = append(b, `,"type":`...)
	b = String(e.Type).AppendJSON(b)
	b = append(b, `,"eventTime":`...)
	b = AppendJSONTime(b, e.Time)
	if !e.End.IsZero() {
		b = append(b, `,"endTime":`...)
		b = AppendJSONTime(b, e.End)
	}
	b = append(b, `,"positionId":`...)
	b = strconv.AppendInt(b, e.PositionID, 10)
	b = append(b, `,"geofenceId":`...)
	b = strconv.AppendInt(b, e.GeofenceID, 10)
	b = append(b, `,"maintenanceId":`...)
	b = strconv.AppendInt(b, e.MaintenanceID, 10)
	return append(b, '}')
}
