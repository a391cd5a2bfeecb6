package presence

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// Fleet knows what holds for devices.
type Fleet interface {
	Awaited(ctx context.Context, devices []data.Device) ([]*fleet.Settings, error)
}

// inFlight is how long after a deadline it is looked whether a device missed it:
// what it sent before is processed by then.
const inFlight = 20 * time.Second

// missing tells of devices that are silent and were not in a geofence when they
// should have been. Of those that have spoken since, processing tells; it finds
// the same events for the others when they speak, which are no new ones then.
// Deadlines that were looked at before do not come again.
func (w *Watch) missing(ctx context.Context, devices []data.Device) error {
	until := w.now().Add(-inFlight)
	w.mu.Lock()
	from := w.looked
	w.mu.Unlock()
	if !until.After(from) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	awaited, err := w.fleet.Awaited(ctx, devices)
	if err != nil {
		return fmt.Errorf("look who is missing: %w", err)
	}
	var due []data.Event
	for _, s := range awaited {
		if s.Device.Accepts(until) {
			due = passed(due, s, from, until)
		}
	}
	for of := range slices.Chunk(due, chunk) {
		if err := w.absent(ctx, of); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = until
	return nil
}

// passed appends the deadlines of a device after from, up to until.
func passed(dst []data.Event, s *fleet.Settings, from, until time.Time) []data.Event {
	for i := range s.Deadlines {
		d := &s.Deadlines[i]
		for at, ok := d.Next(from); ok && !at.After(until); at, ok = d.Next(at) {
			e := event(s.Device.ID, data.EventGeofenceMissing, at)
			e.GeofenceID = d.GeofenceID
			dst = append(dst, e)
		}
	}
	return dst
}

// absent tells of those that are true, as far as their devices have said.
func (w *Watch) absent(ctx context.Context, due []data.Event) error {
	ids := make([]int64, len(due))
	for i := range due {
		ids[i] = due[i].DeviceID
	}
	latest, err := w.store.LatestPositions(ctx, slices.Compact(ids))
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	last := make(map[int64]*data.Position, len(latest))
	for i := range latest {
		last[latest[i].DeviceID] = &latest[i]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range due {
		p := last[e.DeviceID]
		if p == nil || fix.Of(p).Time >= e.Time.UnixMilli() || isIn(p, e.GeofenceID) {
			continue
		}
		if reason := filter.MarkOf(p.Attributes).Reason; reason == filter.Future || reason == filter.Past {
			continue // it does not say where the device is; the next report will
		}
		e.PositionID = p.ID
		w.add(e)
	}
	return nil
}

// isIn tells whether a device was in a geofence at a position.
func isIn(p *data.Position, geofence int64) bool {
	want := strconv.FormatInt(geofence, 10)
	for id := range strings.SplitSeq(p.Attributes.Get(data.GeofenceIDs).String(), ",") {
		if id == want {
			return true
		}
	}
	return false
}
