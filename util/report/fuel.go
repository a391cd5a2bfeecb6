package report

import (
	"context"
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// fuelReport says what was burnt on which way, and what came into the tank and
// went out of it otherwise, by the events of the tank's level.
var fuelReport = Report{
	Name: "fuel", Title: "Fuel", period: Day,
	Columns: append(periodColumns[:5:5],
		Column{Key: "distance", Title: "Distance", Unit: Distance}, Column{Key: "spentFuel", Title: "Fuel", Unit: Volume},
		Column{Key: "consumption", Title: "Consumption", Unit: Consumption}, Column{Key: "idle", Title: "Standing with the engine on", Unit: Duration},
		Column{Key: "refills", Title: "Refills"}, Column{Key: "refilled", Title: "Refilled", Unit: Volume},
		Column{Key: "drops", Title: "Drops"}, Column{Key: "dropped", Title: "Dropped", Unit: Volume}),
	each: func(m *Maker, ctx context.Context, ask *Ask, emit emit) error {
		var row Row
		return m.eachSum(ctx, ask, func(id int64, in span, s *sum) error {
			t, err := m.tank(ctx, id, in)
			if err != nil {
				return err
			}
			a := s.amounts(in)
			row.Values = periodValues(row.Values[:0], ask.device(id), in, a)
			row.Values = append(row.Values, data.Float(a.distanceM), data.Float(a.fuelL), consumption(a.fuelL, a.distanceM), data.Int(s.IdleMS),
				data.Int(t.refills), data.Float(t.refilled), data.Int(t.drops), data.Float(t.dropped))
			return emit(&row)
		})
	},
}

// consumption is litres per 100 km, none where nothing is known.
func consumption(l, m float64) data.Value {
	if l <= 0 || m < 1000 { // of less than a kilometre it would say nothing
		return data.Value{}
	}
	return data.Float(l / m * 100_000)
}

// tank is how often the level of a tank jumped, and by how many litres; jumps in
// percent of the tank count, but not their litres.
type tank struct {
	refills, drops    int64
	refilled, dropped float64
}

func (m *Maker) tank(ctx context.Context, id int64, in span) (tank, error) {
	var t tank
	f := storage.EventFilter{
		DeviceIDs: []int64{id}, Types: []string{data.EventDeviceFuelIncrease, data.EventDeviceFuelDrop},
		From: moment(in.from), To: moment(in.to),
	}
	err := m.Store.EventsBetween(ctx, f, 0, func(e *data.Event) error {
		before, _ := e.Attributes.Get("before").Float()
		after, _ := e.Attributes.Get("after").Float()
		by := math.Abs(after - before)
		if unit, _ := e.Attributes.Get("unit").Text(); unit == "percent" {
			by = 0
		}
		if e.Type == data.EventDeviceFuelIncrease {
			t.refills++
			t.refilled += by
			return nil
		}
		t.drops++
		t.dropped += by
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("read events of the tank: %w", err)
	}
	return t, nil
}
