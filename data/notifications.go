package data

// Notification says which events are told to whom, and how.
type Notification struct {
	ID int64 `json:"id"`
	// Attributes are free; known are alarms and geofenceIds, lists with commas of
	// what the event must be about.
	Attributes Free `json:"attributes"`
	// CalendarID is when it applies; 0 for always.
	CalendarID  int64 `json:"calendarId"`
	Description Text  `json:"description"`
	// Type is that of the events: "geofenceEnter", "alarm", ...
	Type string `json:"type"`
	// Always applies to every device of the account, linked to it or not.
	Always bool `json:"always"`
	// CommandID is the saved command to send; 0 for none.
	CommandID int64 `json:"commandId"`
	// Notificators are the ways, with commas between them: "web,telegram".
	Notificators string `json:"notificators"`
}

// Kind implements Object.
func (*Notification) Kind() ObjectKind { return NotificationKind }

// Fields implements Object.
func (n *Notification) Fields() Fields {
	name := string(n.Description)
	if name == "" {
		name = n.Type
	}
	return Fields{ID: &n.ID, Name: name, CalendarID: &n.CalendarID, CommandID: &n.CommandID}
}

// EventTypes are the types of events of the field, in the order clients list
// them.
var EventTypes = []string{
	EventCommandResult, EventDeviceOnline, EventDeviceUnknown, EventDeviceOffline, EventDeviceInactive, EventQueuedCommandSent,
	EventDeviceMoving, EventDeviceStopped, EventDeviceOverspeed, EventDeviceFuelDrop, EventDeviceFuelIncrease, EventGeofenceEnter,
	EventGeofenceExit, EventGeofenceCrossed, EventGeofenceDwell, EventGeofenceMissing, EventProximityEnter, EventProximityExit,
	EventUnaccompaniedMotion, EventAlarm, EventIgnitionOn, EventIgnitionOff, EventMaintenance, EventDriverChanged, EventMedia,
}

// Calendar says when something applies.
type Calendar struct {
	ID         int64  `json:"id"`
	Attributes Free   `json:"attributes"`
	Name       string `json:"name"`
	// Data is an iCalendar file (RFC 5545), base64 in JSON: what applies does so
	// during its events.
	Data []byte `json:"data"`
}

// Kind implements Object.
func (*Calendar) Kind() ObjectKind { return CalendarKind }

// Fields implements Object.
func (c *Calendar) Fields() Fields { return Fields{ID: &c.ID, Name: c.Name} }

// ScheduledReport is a report that is made and sent by itself.
type ScheduledReport struct {
	ID         int64 `json:"id"`
	Attributes Free  `json:"attributes"`
	// CalendarID is when it is made.
	CalendarID int64 `json:"calendarId"`
	// Type is "trips", "summary", ...
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Kind implements Object.
func (*ScheduledReport) Kind() ObjectKind { return ReportKind }

// Fields implements Object.
func (r *ScheduledReport) Fields() Fields {
	return Fields{ID: &r.ID, Name: r.Description, CalendarID: &r.CalendarID}
}
