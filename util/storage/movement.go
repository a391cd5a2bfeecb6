package storage

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// Movement keeps what the positions of devices mean together.
type Movement interface {
	// Trips calls each for the ended trips of devices that overlap [from, to], by
	// device, then start. No connection to the database is held while each
	// works; an error of each ends the walk and is returned.
	Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, t *trips.Trip) error) error
	// Stops is the same for ended stops.
	Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, s *trips.Stop) error) error
	// Days is the same for days that are over, by trips.Day.Number from <= Number <= to.
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
