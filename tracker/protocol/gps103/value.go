package gps103

import (
	"bytes"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// alarms are the events that are alarms.
var alarms = map[string]string{
	"help me":         "sos",
	"low battery":     "lowBattery",
	"stockade":        "geofence",
	"move":            "movement",
	"speed":           "overspeed",
	"door alarm":      "door",
	"ac alarm":        "powerCut",
	"accident alarm":  "accident",
	"sensor alarm":    "vibration",
	"bonnet alarm":    "bonnet",
	"footbrake alarm": "footBrake",
	"DTC":             "fault",
}

// event reads the second field of a report.
func (m *message) event(b []byte) {
	a := &m.at.Attributes
	if alarm, ok := alarms[string(b)]; ok {
		a.AddAlarm(alarm)
		return
	}
	switch {
	case len(b) == 0:
	case string(b) == "tracker":
		a.SetString("event", "tracker")
	case string(b) == "acc on":
		a.SetBool("ignition", true)
	case string(b) == "acc off":
		a.SetBool("ignition", false)
	case m.announce(b):
	case bytes.HasPrefix(b, []byte("T:")):
		a.AddAlarm("temperature")
		quantity(m.at, "temp1", b[2:])
	case bytes.HasPrefix(b, []byte("oil ")):
		a.AddAlarm("fuelLeak")
		quantity(m.at, "fuel", b[4:])
	case len(b) > 3 && string(b[:3]) == "oil" && fields.AllDigits(b[3:4]):
		a.AddAlarm("fuelLeak")
	default:
		a.SetString("event", protocol.Text(b))
	}
}

// coordinate reads degrees and minutes with the hemisphere behind or in front.
func coordinate(a, b []byte) (float64, bool) {
	if len(a) == 1 && a[0] >= 'A' {
		a, b = b, a
	}
	v, ok := fields.Degrees(a)
	if len(b) == 1 && (b[0] == 'S' || b[0] == 'W') {
		v = -v
	}
	return v, ok
}

// flag reads 0 or 1.
func flag(p *data.Position, key string, b []byte) {
	if len(b) == 1 && (b[0] == '0' || b[0] == '1') {
		p.Attributes.SetBool(key, b[0] == '1')
	}
}

// share reads a number with a percent sign.
func share(p *data.Position, key string, b []byte) {
	if digits, ok := bytes.CutSuffix(bytes.TrimSpace(b), []byte{'%'}); ok {
		if v, ok := fields.Number(digits); ok {
			p.Attributes.SetFloat(key, v)
		}
	}
}

// quantity reads a number, an integer if it has no point.
func quantity(p *data.Position, key string, b []byte) {
	if v, ok := fields.Number(b); ok {
		if bytes.IndexByte(b, '.') < 0 {
			p.Attributes.SetInt(key, int64(v))
			return
		}
		p.Attributes.SetFloat(key, v)
	}
}

// localTime reads the local time of a device: yymmddhhmm, yymmddhhmmss or
// yy/mm/dd hh:mm. The zero time if there is none; UTC stands for its zone.
func localTime(b []byte) time.Time {
	var room [12]byte
	d := room[:0]
	for _, c := range bytes.TrimSpace(b) {
		switch {
		case c >= '0' && c <= '9' && len(d) < cap(d):
			d = append(d, c)
		case c != '/' && c != ' ' && c != ':':
			return time.Time{}
		}
	}
	second := 0
	switch len(d) {
	case 10:
	case 12:
		second = fields.Pair(d, 10)
	default:
		return time.Time{}
	}
	return protocol.Date(2000+fields.Pair(d, 0), fields.Pair(d, 2), fields.Pair(d, 4), fields.Pair(d, 6), fields.Pair(d, 8), second)
}

// reportTime puts the local date and the clock in UTC together. The date of UTC
// may be another one: the difference of both clocks is the zone, from -12 to
// +12 hours.
func (m *message) reportTime(local time.Time, clock []byte) time.Time {
	since, ok := timeOfDay(clock)
	if !ok {
		if t := m.utc(local); !t.IsZero() {
			return t
		}
		return local
	}
	if local.IsZero() {
		// The clock alone: the moment nearest to now.
		return nearest(m.now, since)
	}
	minute := local.Truncate(time.Minute)
	day := minute.Truncate(24 * time.Hour)
	const half = 12 * time.Hour
	ahead := minute.Sub(day) - since.Truncate(time.Minute)
	switch {
	case ahead > half:
		ahead -= 2 * half
	case ahead <= -half:
		ahead += 2 * half
	}
	m.ahead, m.aheadKnown = ahead, true
	return minute.Add(-ahead).Add(since % time.Minute)
}

// utc is a local time in UTC, as far as the zone is known from the reports
// before; the zero time if it is not.
func (m *message) utc(local time.Time) time.Time {
	if local.IsZero() || !m.aheadKnown {
		return time.Time{}
	}
	return local.Add(-m.ahead)
}

// timeOfDay reads hhmmss with or without a fraction.
func timeOfDay(b []byte) (time.Duration, bool) {
	hour, minute, second := fields.Pair(b, 0), fields.Pair(b, 2), fields.Pair(b, 4)
	if hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	d := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	if len(b) > 6 {
		if fraction, ok := fields.Number(b[6:]); ok && b[6] == '.' {
			d += time.Duration(converters.Clamp(fraction*1000, 0, 999)) * time.Millisecond
		}
	}
	return d, true
}

// nearest is the moment at a time of the day that is nearest to now.
func nearest(now time.Time, since time.Duration) time.Time {
	const day = 24 * time.Hour
	t := now.UTC().Truncate(day).Add(since)
	switch {
	case t.Sub(now) > day/2:
		return t.Add(-day)
	case now.Sub(t) > day/2:
		return t.Add(day)
	}
	return t
}
