package events

import (
	"math"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

const (
	// maxCounters bounds the counters that are remembered of a device, maxCounter
	// the bytes of a name.
	maxCounters = 32
	maxCounter  = 64
)

// counters are what a device's counters showed last, of those that a
// maintenance counts.
type counters []counter

type counter struct {
	name  string
	value float64
}

// step tells of the maintenances that have become due since the last report.
func (s *counters) step(c *Config, r *report, out []data.Event) []data.Event {
	if len(c.Maintenances) == 0 {
		return out
	}
	for i := range c.Maintenances {
		m := &c.Maintenances[i]
		now, ok := reading(r, m.Type)
		if !ok {
			continue
		}
		was, known := s.get(m.Type)
		due, crossed := crossed(m, was, now)
		if !known || !crossed {
			continue
		}
		e := r.event(data.EventMaintenance)
		e.MaintenanceID = m.ID
		e.Attributes.SetString("maintenance", m.Type)
		e.Attributes.SetFloat("value", now)
		e.Attributes.SetFloat("due", due)
		out = append(out, e)
	}
	if len(*s) == maxCounters { // make room
		*s = slices.DeleteFunc(*s, func(k counter) bool {
			return !slices.ContainsFunc(c.Maintenances, func(m data.Maintenance) bool { return m.Type == k.name })
		})
	}
	// Several maintenances may count the same.
	for i := range c.Maintenances {
		if now, ok := reading(r, c.Maintenances[i].Type); ok {
			s.set(c.Maintenances[i].Type, now)
		}
	}
	return out
}

// reading is what a counter shows: an attribute, or a time in milliseconds since
// 1970 UTC.
func reading(r *report, name string) (v float64, ok bool) {
	switch name {
	case "fixTime":
		return float64(r.FixTime.UnixMilli()), !r.FixTime.IsZero()
	case "deviceTime":
		return float64(r.time), true
	case "serverTime":
		return float64(r.ServerTime.UnixMilli()), !r.ServerTime.IsZero()
	}
	return r.Attributes.Get(name).Float()
}

// crossed tells whether a maintenance became due on the way from one value to
// another: at Start, and at every Period after that. due is the last such value.
func crossed(m *data.Maintenance, was, now float64) (due float64, ok bool) {
	start, period := float64(m.Start), float64(m.Period)
	if now < start || now <= was {
		return 0, false
	}
	due = start
	if period > 0 {
		due = start + math.Floor((now-start)/period)*period
	}
	return due, was < due
}

func (s *counters) get(name string) (v float64, known bool) {
	for i := range *s {
		if (*s)[i].name == name {
			return (*s)[i].value, true
		}
	}
	return 0, false
}

func (s *counters) set(name string, v float64) {
	i := slices.IndexFunc(*s, func(c counter) bool { return c.name == name })
	switch {
	case i >= 0:
		(*s)[i].value = v
	case len(*s) < maxCounters && len(name) <= maxCounter && name != "":
		*s = append(*s, counter{name, v})
	}
}
