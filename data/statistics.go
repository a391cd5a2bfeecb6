package data

import "time"

// Names of what is counted, see Statistics.
const (
	CountRequests            = "requests"
	CountMessagesReceived    = "messagesReceived"
	CountMessagesStored      = "messagesStored"
	CountMailSent            = "mailSent"
	CountSMSSent             = "smsSent"
	CountGeocoderRequests    = "geocoderRequests"
	CountGeolocationRequests = "geolocationRequests"
	CountActiveUsers         = "activeUsers"
	CountActiveDevices       = "activeDevices"
	// CountProtocol and a protocol's name: the messages stored of it.
	CountProtocol = "protocol:"
)

// Statistics are how much an installation did on a day.
type Statistics struct {
	// Day is days since 1970-01-01, UTC.
	Day int64
	// Counts are the numbers by name; what is missing is 0.
	Counts map[string]int64
}

// DayOf is the day of a moment in Statistics.
func DayOf(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= 86399
	}
	return s / 86400
}

// Activity is what a process adds to the Statistics of a day.
type Activity struct {
	Day    int64
	Counts map[string]int64
	// Devices and Users were active; each counts once a day, whoever tells of it
	// and however often.
	Devices, Users []int64
}

// ReportRun is how far the sending of a ScheduledReport to a user has come.
type ReportRun struct {
	ReportID, UserID int64
	// Until is the end of the last period that was dealt with, UTC: the begin of an
	// event of the calendar, or the moment from which the report counts.
	Until time.Time
	// SentAt is when a mail last went out, UTC; zero for never.
	SentAt time.Time
	// Attempts are the failures since, in a row, Error is the last one, for people,
	// and NextAt is when it is tried again, UTC; 0, "" and zero if all is well.
	Attempts int64
	Error    string
	NextAt   time.Time
}
