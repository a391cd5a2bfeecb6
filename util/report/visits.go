package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// geofencesReport pairs the events of entering and leaving. What the device did
// during a visit is worked out as for a summary.
var geofencesReport = Report{
	Name: "geofences", Title: "Geofences",
	Columns: common(Column{Key: "duration", Title: "Duration", Unit: Duration}, Column{Key: "geofenceId"}, Column{Key: "geofenceName", Title: "Geofence", Width: 24}),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachVisit(ctx, ask, func(v *visit) error {
			days, err := m.daysOf(ctx, ask, v.deviceID, v.span)
			if err != nil {
				return err
			}
			s, err := m.sumOf(ctx, v.deviceID, v.span, days)
			if err != nil {
				return err
			}
			a := s.amounts(v.span)
			a.start, a.end = v.from, v.to
			row.Values = commonValues(row.Values[:0], ask.device(v.deviceID), a)
			row.Values = append(row.Values, data.Int(v.to-v.from), data.Int(v.geofenceID), optional(ask.Geofences[v.geofenceID]))
			return emit(&row)
		})
	},
}

// visit is the time of a device in a geofence, as far as it lies in the span.
type visit struct {
	deviceID, geofenceID int64
	span
}

// eachVisit calls each for the visits of the span, by device, in the order in
// which they ended. One that goes on ends with the last report of the span.
func (m *Maker) eachVisit(ctx context.Context, ask *Ask, each func(*visit) error) error {
	for i := range ask.Devices {
		d := &ask.Devices[i]
		if err := m.visitsOf(ctx, ask, d, each); err != nil {
			return err
		}
	}
	return nil
}

func (m *Maker) visitsOf(ctx context.Context, ask *Ask, d *data.Device, each func(*visit) error) error {
	if !ask.spoke(d) {
		return nil
	}
	in := ask.span()
	inside, err := m.insideBefore(ctx, d.ID, in.from)
	if err != nil {
		return err
	}
	f := storage.EventFilter{DeviceIDs: []int64{d.ID}, Types: []string{data.EventGeofenceEnter, data.EventGeofenceExit}, From: ask.From, To: ask.To}
	err = m.Store.EventsBetween(ctx, f, 0, func(e *data.Event) error {
		at := e.Time.UnixMilli()
		since, was := inside[e.GeofenceID]
		if e.Type == data.EventGeofenceEnter {
			if !was {
				inside[e.GeofenceID] = at
			}
			return nil
		}
		if !was { // it came in before anybody knew the geofence
			since = in.from
		}
		delete(inside, e.GeofenceID)
		return each(&visit{d.ID, e.GeofenceID, span{since, at}})
	})
	if err != nil {
		return err
	}
	if len(inside) == 0 {
		return nil
	}
	last := in.to
	p, err := m.Store.PositionBefore(ctx, d.ID, ask.To)
	switch {
	case err == nil:
		last = min(last, p.Time().UnixMilli())
	case !errors.Is(err, data.ErrNotFound):
		return fmt.Errorf("read the last position: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(inside)) {
		if since := inside[id]; since < last {
			if err := each(&visit{d.ID, id, span{since, last}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// insideBefore are the geofences that a device was in when the span began, with
// the begin of the span.
func (m *Maker) insideBefore(ctx context.Context, deviceID, at int64) (map[int64]int64, error) {
	inside := map[int64]int64{}
	p, err := m.Store.PositionBefore(ctx, deviceID, moment(at))
	if errors.Is(err, data.ErrNotFound) {
		return inside, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the position before: %w", err)
	}
	list, _ := p.Attributes.Get("geofenceIds").Text()
	for id := range strings.SplitSeq(list, ",") {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			inside[n] = at
		}
	}
	return inside, nil
}
