package events

import (
	"math"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

const (
	// settled is how many readings make the level of a tank, changed how many
	// must agree that it is another one. Their middle one counts, so that fuel
	// that sloshes about in a bend does not.
	settled = 5
	changed = 3
)

// fuel is the level of a tank.
type fuel struct {
	// time is that of the newest reading, percent what it was measured in.
	time    int64
	percent bool
	// base are the newest readings of the level, other those beyond the
	// threshold that may become the next one; since and position are those of the
	// first of them, fell tells which way.
	base, other     []float64
	since, position int64
	fell            bool
}

func (f *fuel) step(c *Config, r *report, a *attributes, out []data.Event) []data.Event {
	v, percent := a.fuel, false
	if v < 0 {
		v, percent = a.level, true
	}
	if v < 0 || f.time != 0 && r.time <= f.time || c.FuelDrop <= 0 && c.FuelIncrease <= 0 {
		return out
	}
	if percent != f.percent {
		if !f.percent && f.time != 0 && r.time-f.time <= silence {
			return out // this report has the level only; the litres say more
		}
		*f = fuel{percent: percent}
	}
	f.time = r.time
	if len(f.base) == 0 {
		f.base = keep(f.base, v)
		return out
	}
	by := v - middle(f.base)
	beyond := c.FuelIncrease > 0 && by >= c.FuelIncrease || c.FuelDrop > 0 && by <= -c.FuelDrop
	switch {
	case !beyond:
		f.base, f.other = keep(f.base, v), f.other[:0]
		return out
	case len(f.other) == 0 || f.fell != (by < 0):
		f.other, f.since, f.position, f.fell = f.other[:0], r.time, r.ID, by < 0
	}
	f.other = keep(f.other, v)
	if len(f.other) < changed || r.time-f.since < c.FuelWindow.Milliseconds() {
		return out
	}
	return append(out, f.settle(r))
}

// settle takes the other level for the tank's.
func (f *fuel) settle(r *report) data.Event {
	before, after := middle(f.base), middle(f.other)
	f.base, f.other = f.other, f.base[:0]
	kind := data.EventDeviceFuelIncrease
	if f.fell {
		kind = data.EventDeviceFuelDrop
	}
	e := r.event(kind)
	e.Time, e.PositionID = at(f.since), f.position
	unit := "litres"
	if f.percent {
		unit = "percent"
	}
	e.Attributes.SetFloat("before", before)
	e.Attributes.SetFloat("after", after)
	e.Attributes.SetFloat("change", math.Round((after-before)*1000)/1000)
	e.Attributes.SetString("unit", unit)
	return e
}

// keep adds a reading; the oldest of more than settled goes.
func keep(readings []float64, v float64) []float64 {
	if len(readings) >= settled {
		copy(readings, readings[1:])
		readings = readings[:settled-1]
	}
	return append(readings, v)
}

// middle is the median, the lower one of an even number.
func middle(readings []float64) float64 {
	var sorted [settled]float64
	n := copy(sorted[:], readings)
	slices.Sort(sorted[:n])
	return sorted[(n-1)/2]
}
