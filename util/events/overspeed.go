package events

import (
	"math"

	"github.com/waymark-gps/waymark/data"
)

// silence ends what goes on: nobody knows what a device did that said nothing
// for so long (milliseconds).
const silence = 10 * 60_000

// overspeed is a device that is too fast, or was not.
type overspeed struct {
	// on: it is too fast, since a report at since, and was last at until.
	on           bool
	since, until int64
	position     int64
	// told: it has been so for long enough.
	told bool
	// limit (knots) and where it came from are those of the beginning.
	limit  float64
	source string
	fence  int64
	// speed is that of the beginning, max the highest.
	speed, max float64
}

// limit is what holds for a report: the lowest of the geofences it is in, else
// what the device says of the road, else what is set for it. 0 is none.
func limit(c *Config, in *Input, ofRoad float64) (knots float64, source string, fence int64) {
	for _, v := range in.Visits {
		if l := c.FenceLimitKnots[v.Fence]; l > 0 && (fence == 0 || l < knots) {
			knots, source, fence = l, FromGeofence, v.Fence
		}
	}
	switch {
	case fence != 0:
		return knots, source, fence
	case ofRoad > 0:
		return ofRoad, FromPosition, 0
	}
	return c.SpeedLimitKnots, c.SpeedLimitSource, 0
}

func (o *overspeed) step(c *Config, r *report, in *Input, a *attributes, out []data.Event) []data.Event {
	if o.on && r.time-o.until > silence {
		out = o.close(r, o.until, out)
	}
	if !in.Placed {
		return out
	}
	knots, source, fence := limit(c, in, a.limit)
	if knots <= 0 || !(r.SpeedKnots > knots*c.OverspeedFactor) {
		if o.on {
			out = o.close(r, r.time, out)
		}
		return out
	}
	if !o.on {
		*o = overspeed{
			on: true, since: r.time, position: r.ID, limit: knots, source: source, fence: fence, speed: r.SpeedKnots,
		}
	}
	o.until, o.max = r.time, math.Max(o.max, r.SpeedKnots)
	if !o.told && o.until-o.since >= c.OverspeedAfter.Milliseconds() {
		o.told = true
		out = append(out, o.event(r))
	}
	return out
}

// close ends it at a time, milliseconds since 1970 UTC.
func (o *overspeed) close(r *report, end int64, out []data.Event) []data.Event {
	if o.told {
		e := o.event(r)
		e.End = at(end)
		e.Attributes.SetFloat("maxSpeed", o.max)
		out = append(out, e)
	}
	*o = overspeed{}
	return out
}

func (o *overspeed) event(r *report) data.Event {
	e := r.event(data.EventDeviceOverspeed)
	e.Time, e.PositionID, e.GeofenceID = at(o.since), o.position, o.fence
	e.Attributes.SetFloat("speed", o.speed)
	e.Attributes.SetFloat("speedLimit", o.limit)
	e.Attributes.SetString("speedLimitSource", o.source)
	return e
}
