package storage

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// Arrival is what came in of one device and is new.
type Arrival struct {
	DeviceID int64
	// Epoch changes whenever positions or findings of the device were changed
	// otherwise than by a Fold of InsertPositions: stored without one, deleted,
	// or put in place by Refold. What a Fold has kept in mind is then of no use.
	Epoch int64
	// Thinned is the time, in milliseconds since 1970 UTC, before which retention
	// has thinned or removed positions; 0 for none.
	Thinned int64
	// Positions have their IDs, and stand in the order in which they came.
	Positions []*data.Position
}

// Fold works out what positions mean, within the transaction that stores them
// and before they are written: it may change their attributes. What it returns
// is stored with them. Calls of the store that read, made with ctx, belong to
// the transaction. An error undoes the transaction.
type Fold func(ctx context.Context, arrivals []Arrival) ([]Findings, error)

// Findings are what positions of a device have brought to light.
type Findings struct {
	DeviceID int64
	// Undo, if not nil, first takes back what was found before.
	Undo *Undo
	// The rows replace those of the same device and start (Number of a day, Time
	// of a checkpoint).
	Trips       []trips.Trip
	Stops       []trips.Stop
	Days        []trips.Day
	Checkpoints []movement.Checkpoint
	// Events are stored as Events.InsertEvents does, and their IDs set. No two are
	// the same.
	Events []FoundEvent
}

// FoundEvent is an event that a Fold has found.
type FoundEvent struct {
	data.Event
	// At is the time of the report that showed it, milliseconds since 1970 UTC.
	At int64
	// Fresh is set by the store: it was not known before.
	Fresh bool
}

// Undo takes back findings.
type Undo struct {
	// Rows after From and up to Until go, and so do events that were found in
	// reports of that time, unless the findings have them again. If Until is
	// trips.End, events that ended after From.Time go on, likewise.
	From, Until trips.Edge
	// Shift is added to the totals of rows and checkpoints after Until.
	Shift fix.Totals
}

// AllAfter tells whether nothing that comes after From stays.
func (u *Undo) AllAfter() bool { return u.Until == trips.End }

// Movement keeps what the positions of devices mean together.
type Movement interface {
	// CheckpointsBefore returns the newest checkpoint with Time < before of those
	// of the devices that have one, by device.
	CheckpointsBefore(ctx context.Context, deviceIDs []int64, before time.Time) (map[int64]movement.Checkpoint, error)
	// CheckpointsAfter returns the checkpoints of a device with Time > after, in
	// order, at most limit of them.
	CheckpointsAfter(ctx context.Context, deviceID int64, after time.Time, limit int) ([]movement.Checkpoint, error)
	// Refold stores what fold finds for a device in one transaction, as
	// InsertPositions does, while nobody stores positions of the device. The
	// Arrival has no Positions. The device does not exist: ErrNotFound.
	Refold(ctx context.Context, deviceID int64, fold Fold) error

	// Trips calls each for the ended trips of devices that overlap [from, to], by
	// device, then start. No connection to the database is held while each
	// works; an error of each ends the walk and is returned.
	Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, t *trips.Trip) error) error
	// Stops is the same for ended stops.
	Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, s *trips.Stop) error) error
	// Days is the same for days that are over, by trips.Day.Number from <= Number
	// <= to. Rows of all three stay when positions are thinned or deleted, and go
	// with their device.
	Days(ctx context.Context, deviceIDs []int64, from, to int64, each func(deviceID int64, d *trips.Day) error) error
}

// EventFilter chooses events; the fields set must all hold.
type EventFilter struct {
	// DeviceIDs and Types: only these. A nil slice does not choose, an empty one
	// chooses nothing.
	DeviceIDs []int64
	Types     []string
	// From and To bound Time, both included; zero for no bound.
	From, To time.Time
}

// Events keeps what happened to devices.
type Events interface {
	// InsertEvents stores events and sets their IDs. One that is stored already
	// (see data.Event) takes over End and Attributes if it has an End, and gets
	// the ID of the stored one; it is not told again. Events of devices that do
	// not exist are left out, with ID 0.
	InsertEvents(ctx context.Context, events []data.Event) error
	// Event returns one event, or ErrNotFound.
	Event(ctx context.Context, id int64) (data.Event, error)
	// EventsBetween calls each for events, by device, then time, then id; at most
	// limit of them (0: all). No connection to the database is held while each
	// works.
	EventsBetween(ctx context.Context, f EventFilter, limit int, each func(*data.Event) error) error
	// UntoldEvents returns events that nobody has dealt with yet, oldest first by id.
	// New events are untold until MarkEventsTold.
	UntoldEvents(ctx context.Context, limit int) ([]data.Event, error)
	MarkEventsTold(ctx context.Context, ids []int64) error
}
