// Package events finds what happens to a device in its reports, one report after
// the other. It is a fold like package movement: the same reports in the same
// order give the same events, whether they are seen at once or years apart with
// the state saved in between. Nothing here reads a clock or a store.
//
// Each event has a key (see data.Event) made of the report alone, so that a
// repeat stores nothing twice. Events that last come twice: without End when
// they begin, and with the same key and an End when they are over.
//
// What needs more than the reports of one device (that it fell silent, that two
// came near each other) is found by package presence of the tracker.
package events

import (
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence"
)

// Input is one report of a device with what was found out about it.
type Input struct {
	// Position is the report, with derived and computed attributes. Its ID goes
	// into the events.
	Position *data.Position
	// Placed: it has a place of its own that counts, and so has its speed. Reports
	// without a fix, and those that a filter has marked, have not.
	Placed bool
	// Motion is movement.Result.Motion.
	Motion bool
	// Visits are the geofences it is in whose hours it is, Fences what happened at
	// them with this report.
	Visits []geofence.Visit
	Fences []geofence.Event
}

// State is where a device stands between two reports; the zero State is that of
// a new device. It belongs to one goroutine.
type State struct {
	// time is that of the newest report, milliseconds since 1970 UTC; 0 before
	// the first.
	time     int64
	moving   bool
	speeding overspeed
	tank     fuel
	alarms   alarms
	ignition tri
	counters counters
	driver   string
	media    int64
}

// Step takes the next report in, in the order of fix.Compare, and appends what
// happened. Reports older than the newest one change nothing: they come in order
// when the caller begins again from an earlier state.
func (s *State) Step(c *Config, in *Input, out []data.Event) []data.Event {
	r := report{in.Position, in.Position.DeviceTime.UnixMilli()}
	if r.time < s.time {
		return out
	}
	a := read(in.Position.Attributes)
	first := s.time == 0
	out = s.move(&r, in.Motion, first, out)
	out = s.speeding.step(c, &r, in, &a, out)
	out = s.tank.step(c, &r, &a, out)
	out = s.alarms.step(c, &r, a.alarm, out)
	out = s.ignite(&r, a.ignition, out)
	out = s.counters.step(c, &r, out)
	out = s.drive(&r, a.driver, first, out)
	out = s.attach(&r, &a, out)
	for _, f := range in.Fences {
		out = append(out, Geofence(f, in.Position))
	}
	s.time = r.time
	return out
}

// report is a position and its DeviceTime in milliseconds since 1970 UTC.
type report struct {
	*data.Position
	time int64
}

// event begins an event of the report.
func (r *report) event(kind string) data.Event {
	return data.Event{
		DeviceID: r.DeviceID, Type: kind, Time: at(r.time), ServerTime: r.ServerTime, PositionID: r.ID,
	}
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// tri is yes, no or not known.
type tri uint8

const (
	unknown tri = iota
	off
	on
)

// attributes are those that are looked at, found in one go.
type attributes struct {
	alarm, driver       string
	image, video, audio string
	ignition            tri
	// fuel is litres, level percent, limit knots; none is below 0.
	fuel, level, limit float64
}

func read(from data.Attributes) attributes {
	a := attributes{fuel: -1, level: -1, limit: -1}
	for i := range from {
		switch v := from[i].Value; from[i].Key {
		case "alarm":
			a.alarm, _ = v.Text()
		case "driverUniqueId":
			a.driver = v.String()
		case "ignition":
			if is, ok := v.Bool(); ok {
				a.ignition = off
				if is {
					a.ignition = on
				}
			}
		case "fuel":
			a.fuel = amount(v)
		case "fuelLevel":
			a.level = amount(v)
		case "speedLimit":
			a.limit = amount(v)
		case "image":
			a.image, _ = v.Text()
		case "video":
			a.video, _ = v.Text()
		case "audio":
			a.audio, _ = v.Text()
		}
	}
	return a
}

func amount(v data.Value) float64 {
	if n, ok := v.Float(); ok && n >= 0 {
		return n
	}
	return -1
}
