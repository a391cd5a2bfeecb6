package report

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var routeReport = Report{
	Name: "route", Title: "Route",
	Columns: append(deviceColumns[:2:2],
		Column{Key: "fixTime", Title: "Time", Unit: Time, Width: 20}, Column{Key: "valid", Title: "Valid"},
		Column{Key: "latitude", Title: "Latitude", Width: 12}, Column{Key: "longitude", Title: "Longitude", Width: 12},
		Column{Key: "altitude", Title: "Altitude", Unit: Altitude}, Column{Key: "speed", Title: "Speed", Unit: Speed},
		Column{Key: "course", Title: "Course (°)"}, Column{Key: "attributes", Title: "Attributes", Width: 40}),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		for i := range ask.Devices {
			d := &ask.Devices[i]
			err := m.Store.PositionsBetween(ctx, d.ID, ask.From, ask.To, math.MaxInt, func(p *data.Position) error {
				row.JSON = p.AppendJSON
				row.Values = append(row.Values[:0], data.Int(d.ID), data.String(d.Name), data.Int(p.FixTime.UnixMilli()), data.Bool(p.Valid),
					data.Float(p.Latitude), data.Float(p.Longitude), data.Float(p.AltitudeM), data.Float(p.SpeedKnots), data.Float(p.CourseDeg),
					data.String(string(p.Attributes.AppendJSON(nil))))
				return emit(&row)
			})
			if err != nil {
				return err
			}
		}
		return nil
	},
}

var eventsReport = Report{
	Name: "events", Title: "Events",
	Columns: append(deviceColumns[:2:2],
		Column{Key: "eventTime", Title: "Time", Unit: Time, Width: 20}, Column{Key: "endTime", Title: "End", Unit: Time, Width: 20},
		Column{Key: "type", Title: "Type", Width: 20}, Column{Key: "geofenceId"}, Column{Title: "Geofence", Width: 20},
		Column{Key: "attributes", Title: "Attributes", Width: 40}),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachEvent(ctx, ask, ask.ids(), func(e *data.Event) error {
			row.JSON = e.AppendJSON
			end := data.Value{}
			if !e.End.IsZero() {
				end = data.Int(e.End.UnixMilli())
			}
			row.Values = append(row.Values[:0], data.Int(e.DeviceID), data.String(ask.device(e.DeviceID).Name), data.Int(e.Time.UnixMilli()), end,
				data.String(e.Type), data.Int(e.GeofenceID), optional(ask.Geofences[e.GeofenceID]), data.String(string(e.Attributes.AppendJSON(nil))))
			return emit(&row)
		})
	},
}

// AllEvents is the type that stands for every type.
const AllEvents = "allEvents"

// eachEvent calls each for the events of the span that were asked for.
func (m *Maker) eachEvent(ctx context.Context, ask *Ask, deviceIDs []int64, each func(*data.Event) error) error {
	f := storage.EventFilter{DeviceIDs: deviceIDs, Types: ask.Types, From: ask.From, To: ask.To}
	if len(f.Types) == 0 || slices.Contains(f.Types, AllEvents) {
		f.Types = nil
	}
	err := m.Store.EventsBetween(ctx, f, 0, func(e *data.Event) error {
		if e.Type == data.EventAlarm && len(ask.Alarms) > 0 {
			if kind, _ := e.Attributes.Get("alarm").Text(); !slices.Contains(ask.Alarms, kind) {
				return nil
			}
		}
		return each(e)
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

var devicesReport = Report{
	Name: "devices", Title: "Devices",
	Columns: []Column{
		{Key: "id"},
		{Key: "name", Title: "Device", Width: 24},
		{Key: "uniqueId", Title: "Identifier", Width: 20},
		{Key: "status", Title: "Status"},
		{Key: "lastUpdate", Title: "Last report", Unit: Time, Width: 20},
		{Key: "fixTime", Title: "Place measured", Unit: Time, Width: 20},
		{Key: "latitude", Title: "Latitude", Width: 12},
		{Key: "longitude", Title: "Longitude", Width: 12},
		{Key: "address", Title: "Address", Width: 28},
		{Key: "speed", Title: "Speed", Unit: Speed},
		{Key: "totalDistance", Title: "Total distance", Unit: Distance},
		{Key: "category", Title: "Category"},
		{Key: "model", Title: "Model"},
		{Key: "phone", Title: "Phone"},
		{Key: "contact", Title: "Contact"},
		{Key: "groupId"},
		{Key: "positionId"},
	},
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		// Positions of a few devices at a time: they are larger than devices.
		for chunk := range slices.Chunk(ask.Devices, 500) {
			part := Ask{Devices: chunk}
			latest, err := m.Store.LatestPositions(ctx, part.ids())
			if err != nil {
				return fmt.Errorf("read latest positions: %w", err)
			}
			for i := range chunk {
				d := &chunk[i]
				row.Values = append(row.Values[:0], data.Int(d.ID), data.String(d.Name), data.String(d.UniqueID), data.String(d.Status(m.Now())), timeValue(d.LastUpdate.UnixMilli(), d.LastUpdate.IsZero()))
				row.Values = placeValues(row.Values, latest, d.ID)
				row.Values = append(row.Values, optional(d.Category), optional(d.Model), optional(d.Phone), optional(d.Contact), data.Int(d.GroupID), data.Int(d.PositionID))
				if err := emit(&row); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

func timeValue(ms int64, none bool) data.Value {
	if none {
		return data.Value{}
	}
	return data.Int(ms)
}

// placeValues are where a device was last, by positions in the order of devices.
func placeValues(v []data.Value, latest []data.Position, deviceID int64) []data.Value {
	i, ok := slices.BinarySearchFunc(latest, deviceID, func(p data.Position, id int64) int { return int(p.DeviceID - id) })
	if !ok {
		return append(v, data.Value{}, data.Value{}, data.Value{}, data.Value{}, data.Value{}, data.Value{})
	}
	p := &latest[i]
	return append(v, timeValue(p.FixTime.UnixMilli(), p.FixTime.IsZero()), data.Float(p.Latitude), data.Float(p.Longitude), p.Attributes.Get(data.Address),
		data.Float(p.SpeedKnots), p.Attributes.Get("totalDistance"))
}
