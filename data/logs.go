package data

import "time"

// LogLine is a message between a device and a tracker, for whoever is watching.
type LogLine struct {
	// Time is when it came or went, UTC.
	Time time.Time `json:"time"`
	// DeviceID is 0 for strangers, and until a device has said who it is.
	DeviceID int64 `json:"deviceId,omitempty"`
	// UniqueID is the identity it gave, empty until then.
	UniqueID string `json:"uniqueId,omitempty"`
	// Host is the network address of the device.
	Host string `json:"host"`
	// Protocol is empty for a peer that nobody understands.
	Protocol string `json:"protocol,omitempty"`
	// Sent says that we sent it; else the device did.
	Sent bool `json:"sent,omitempty"`
	// Data is the beginning of the message, at most MaxLogData bytes, with known
	// secrets covered by asterisks.
	Data []byte `json:"data"`
	// Summary says in a few words what was read, or why nothing could be.
	Summary string `json:"summary,omitempty"`
}

const (
	// MaxLogData bounds LogLine.Data in bytes.
	MaxLogData = 2 << 10
	// LogInterestEvery is how often whoever watches says so again; LogInterestFor
	// is how long once is good for.
	LogInterestEvery = 5 * time.Second
	LogInterestFor   = 15 * time.Second
	// MaxLogDevices bounds LogInterest.DeviceIDs; whoever sees more watches All.
	MaxLogDevices = 1000
)

// LogBatch is some lines in their order.
type LogBatch struct {
	Lines []LogLine `json:"lines"`
}

// LogInterest says that a process wants the lines of some devices for the next
// LogInterestFor. It replaces what the same Watcher said before; one that names
// no devices ends it.
type LogInterest struct {
	Watcher string `json:"watcher"`
	// All wants every line, those of strangers as well.
	All       bool    `json:"all,omitempty"`
	DeviceIDs []int64 `json:"deviceIds,omitempty"`
}
