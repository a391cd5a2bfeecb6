// Package report makes reports: rows of data about what devices did in a span of
// time. It knows no HTTP and no files; package sheet writes rows as files.
//
// Everything is a stream. Rows come one by one, device after device by id, and
// what is held does not grow with the number of positions, trips or events: of
// one device the days of the span at most.
//
// # Spans
//
// A span includes both ends. Trips, stops and visits that begin before it or end
// after it are cut: they begin with the first report of the span or end with
// the last one, and what they count is worked out anew from the reports within.
// Sums (summary, mileage, fuel) take days that lie in the span as a whole from
// what is stored, and work out the others, at its edges, from the reports: so
// the highest speed is one that was driven within the span, to the report. What
// has not ended yet (a trip, a stop, a day) counts up to the last report.
//
// Days are those of the reader's time zone. Where it is the device's own
// (attribute "timezone"), sums are a matter of rows; for another zone every day
// is worked out from the reports, which takes longer.
package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/replay"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is what reports read.
type Store interface {
	Trips(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, t *trips.Trip) error) error
	Stops(ctx context.Context, deviceIDs []int64, from, to time.Time, each func(deviceID int64, s *trips.Stop) error) error
	Days(ctx context.Context, deviceIDs []int64, from, to int64, each func(deviceID int64, d *trips.Day) error) error
	derive.Store
	EventsBetween(ctx context.Context, f storage.EventFilter, limit int, each func(*data.Event) error) error
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	PositionBefore(ctx context.Context, deviceID int64, t time.Time) (data.Position, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
}

// Maker makes reports. It may be used by several goroutines at once.
type Maker struct {
	Store Store
	// Fleet knows what holds for devices.
	Fleet derive.Fleet
	// Now is the clock, for whether a device is online.
	Now func() time.Time
}

// Ask says what is asked for.
type Ask struct {
	// Devices are those to report of, in any order, each once.
	Devices []data.Device
	// From and To bound the span, both included.
	From, To time.Time
	// Period divides the span for sums.
	Period Period
	// Zone is where days begin; nil is UTC.
	Zone *time.Location
	// Types of events and kinds of Alarms: only these; empty for all.
	Types, Alarms []string
	// Drivers are names by identifier and Geofences names by id, as far as the
	// reader may see them.
	Drivers   map[string]string
	Geofences map[int64]string
}

// Row is a row of a report. It is used again for the next one.
type Row struct {
	// Values are those of the report's columns.
	Values []data.Value
	// JSON appends the row in the form of the API, where that is not the columns
	// with a key.
	JSON func(b []byte) []byte
}

// Report is a kind of report.
type Report struct {
	// Name is how the API calls it, Title what people read.
	Name, Title string
	Columns     []Column
	each        func(m *Maker, ctx context.Context, ask *Ask, emit emit) error
	// period is how the span is divided if nobody says so.
	period Period
}

type emit func(*Row) error

// All are the reports by name. Combined is none of them: it has no rows.
var All = []Report{
	devicesReport, eventsReport, fuelReport, geofencesReport, mileageReport, routeReport, stopsReport, summaryReport, tripsReport,
}

// Named finds a report.
func Named(name string) (Report, error) {
	i := slices.IndexFunc(All, func(r Report) bool { return r.Name == name })
	if i < 0 {
		names := make([]string, len(All))
		for i := range All {
			names[i] = All[i].Name
		}
		return Report{}, fmt.Errorf("%w: there is no report %q; there are %s", data.ErrInvalid, name, strings.Join(names, ", "))
	}
	return All[i], nil
}

// Rows calls each for the rows of a report. Reports that cannot be read
// (block.ErrCorrupt) end it with an error, after those that can.
func (m *Maker) Rows(ctx context.Context, r Report, ask Ask, each func(*Row) error) error {
	if len(ask.Devices) == 0 {
		return nil
	}
	if ask.Period == "" {
		ask.Period = r.period
	}
	if ask.Zone == nil {
		ask.Zone = time.UTC
	}
	ask.Devices = slices.Clone(ask.Devices)
	slices.SortFunc(ask.Devices, func(a, b data.Device) int { return int(a.ID - b.ID) })
	if err := r.each(m, ctx, &ask, each); err != nil {
		return fmt.Errorf("make the report %s: %w", r.Name, err)
	}
	return nil
}

// current is where a device stands after its newest report; the zero State for
// one without reports, or that does not exist any more.
func (m *Maker) current(ctx context.Context, deviceID int64) (movement.State, error) {
	state, err := replay.Current(ctx, m.Store, m.Fleet, deviceID)
	if errors.Is(err, data.ErrNotFound) {
		return movement.State{}, nil
	}
	return state, err
}

// ids are the ids of the devices.
func (a *Ask) ids() []int64 {
	ids := make([]int64, len(a.Devices))
	for i := range a.Devices {
		ids[i] = a.Devices[i].ID
	}
	return ids
}

// device finds one of the devices.
func (a *Ask) device(id int64) *data.Device {
	i, ok := slices.BinarySearchFunc(a.Devices, id, func(d data.Device, id int64) int { return int(d.ID - id) })
	if !ok {
		return &data.Device{ID: id}
	}
	return &a.Devices[i]
}

// spoke tells whether a device can have reported in the span or after it began.
func (a *Ask) spoke(d *data.Device) bool { return !d.LastUpdate.Before(a.From) }
