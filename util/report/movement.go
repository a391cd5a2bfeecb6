package report

import (
	"context"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

var tripsReport = Report{
	Name: "trips", Title: "Trips",
	Columns: common(
		Column{Key: "duration", Title: "Duration", Unit: Duration}, Column{Key: "kind", Title: "Kind"},
		Column{Key: "idle", Title: "Standing with the engine on", Unit: Duration},
		Column{Key: "driverUniqueId"}, Column{Key: "driverName", Title: "Driver", Width: 20},
		Column{Key: "startPositionId"}, Column{Key: "endPositionId"},
		Column{Key: "startLat", Title: "Latitude at start", Width: 12}, Column{Key: "startLon", Title: "Longitude at start", Width: 12},
		Column{Key: "endLat", Title: "Latitude at end", Width: 12}, Column{Key: "endLon", Title: "Longitude at end", Width: 12},
		Column{Key: "startAddress", Title: "Address at start", Width: 28}, Column{Key: "endAddress", Title: "Address at end", Width: 28}, Column{Key: "path"},
	),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachTrip(ctx, ask, func(id int64, t *trips.Trip) error {
			of, err := m.named(ctx, id)
			if err != nil {
				return err
			}
			row.Values = tripValues(row.Values[:0], ask, of, id, t)
			return emit(&row)
		})
	},
}

func tripValues(v []data.Value, ask *Ask, of *fleet.Settings, id int64, t *trips.Trip) []data.Value {
	v = commonValues(v, ask.device(id), &amounts{
		start: t.Start.Time, end: t.End.Time, distanceM: metres(t.DistanceMM), averageKnots: t.AverageSpeedKnots, maxKnots: t.MaxSpeedKnots,
		fuelL: litres(t.FuelML), odometerStart: odometer(t.OdometerStartM, t.TotalStartMM), odometerEnd: odometer(t.OdometerEndM, t.TotalEndMM),
	})
	return append(v,
		data.Int(t.End.Time-t.Start.Time), data.String(t.Kind.String()), data.Int(t.IdleMS),
		optional(t.Driver), optional(ask.Drivers[t.Driver]),
		data.Int(t.Start.PositionID), data.Int(t.End.PositionID),
		data.Float(t.Start.Lat), data.Float(t.Start.Lon), data.Float(t.End.Lat), data.Float(t.End.Lon),
		address(of, t.Start.Lat, t.Start.Lon), address(of, t.End.Lat, t.End.Lon), optional(t.Path))
}

var stopsReport = Report{
	Name: "stops", Title: "Stops",
	Columns: common(
		Column{Key: "duration", Title: "Duration", Unit: Duration}, Column{Key: "engineHours", Title: "Engine on", Unit: Duration},
		Column{Key: "idle", Title: "Standing with the engine on", Unit: Duration}, Column{Key: "positionId"},
		Column{Key: "latitude", Title: "Latitude", Width: 12}, Column{Key: "longitude", Title: "Longitude", Width: 12}, Column{Key: "address", Title: "Address", Width: 28},
	),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachStop(ctx, ask, func(id int64, s *trips.Stop) error {
			of, err := m.named(ctx, id)
			if err != nil {
				return err
			}
			at := odometer(s.OdometerM, s.TotalMM)
			row.Values = commonValues(row.Values[:0], ask.device(id), &amounts{
				start: s.Start.Time, end: s.End.Time, fuelL: litres(s.FuelML), odometerStart: at, odometerEnd: at,
			})
			row.Values = append(row.Values, data.Int(s.End.Time-s.Start.Time), data.Int(s.EngineMS), data.Int(s.IdleMS),
				data.Int(s.Start.PositionID), data.Float(s.Start.Lat), data.Float(s.Start.Lon), address(of, s.Start.Lat, s.Start.Lon))
			return emit(&row)
		})
	},
}

var summaryReport = Report{
	Name: "summary", Title: "Summary", period: Whole,
	Columns: common(
		Column{Key: "startHours", Title: "Engine hours at start", Unit: Duration}, Column{Key: "endHours", Title: "Engine hours at end", Unit: Duration},
		Column{Key: "engineHours", Title: "Engine on", Unit: Duration}, Column{Key: "moving", Title: "Moving", Unit: Duration},
		Column{Key: "idle", Title: "Standing with the engine on", Unit: Duration},
		Column{Key: "trips", Title: "Trips"}, Column{Key: "carriedDistance", Title: "Carried", Unit: Distance},
		Column{Key: "startAddress", Title: "Address at start", Width: 28}, Column{Key: "endAddress", Title: "Address at end", Width: 28},
	),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachSum(ctx, ask, func(id int64, in span, s *sum) error {
			begin, end, err := m.addresses(ctx, id, s)
			if err != nil {
				return err
			}
			row.Values = commonValues(row.Values[:0], ask.device(id), s.amounts(in))
			row.Values = append(row.Values, data.Int(s.hoursStart), data.Int(s.hoursEnd), data.Int(s.EngineMS), data.Int(s.MovingMS),
				data.Int(s.IdleMS), data.Int(s.trips), data.Float(metres(s.carriedMM)), begin, end)
			return emit(&row)
		})
	},
}

// amounts are the common columns of a sum: from its first to its last report, or
// the span if there was none. The average speed is by the time on the way.
func (s *sum) amounts(in span) *amounts {
	a := amounts{
		start: s.first, end: s.last, distanceM: metres(s.DistanceMM), averageKnots: knots(s.DistanceMM, s.MovingMS), maxKnots: s.MaxSpeedKnots,
		fuelL: litres(s.FuelML), odometerStart: odometer(s.odometerStart, s.totalStart), odometerEnd: odometer(s.odometerEnd, s.totalEnd),
	}
	if s.reports == 0 {
		a.start, a.end = in.from, in.to
	}
	return &a
}

// periodColumns are those of sums that are about one thing.
var periodColumns = append(deviceColumns[:2:2],
	Column{Key: "periodStart", Title: "From", Unit: Date, Width: 12}, Column{Key: "startTime", Unit: Time}, Column{Key: "endTime", Unit: Time})

var mileageReport = Report{
	Name: "mileage", Title: "Mileage", period: Day,
	Columns: append(periodColumns[:5:5],
		Column{Key: "distance", Title: "Distance", Unit: Distance}, Column{Key: "carriedDistance", Title: "Carried", Unit: Distance},
		Column{Key: "startOdometer", Title: "Odometer at start", Unit: Distance}, Column{Key: "endOdometer", Title: "Odometer at end", Unit: Distance},
		Column{Key: "trips", Title: "Trips"}, Column{Key: "moving", Title: "Moving", Unit: Duration}),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachSum(ctx, ask, func(id int64, in span, s *sum) error {
			a := s.amounts(in)
			row.Values = periodValues(row.Values[:0], ask.device(id), in, a)
			row.Values = append(row.Values, data.Float(a.distanceM), data.Float(metres(s.carriedMM)),
				data.Float(a.odometerStart), data.Float(a.odometerEnd), data.Int(s.trips), data.Int(s.MovingMS))
			return emit(&row)
		})
	},
}

func periodValues(v []data.Value, d *data.Device, in span, a *amounts) []data.Value {
	return append(v, data.Int(d.ID), data.String(d.Name), data.Int(in.from), data.Int(a.start), data.Int(a.end))
}
