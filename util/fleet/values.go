package fleet

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/geofence"
)

// Number reads a setting of a device (Settings.Attributes): 0 to 1e9. What
// makes no sense is passed over; ok is false if nobody has said anything.
func Number(attributes []map[string]any, key string) (n float64, ok bool) {
	for i := len(attributes) - 1; i >= 0; i-- {
		if n, ok = events.Number(attributes[i][key]); ok {
			return n, true
		}
	}
	return 0, false
}

// Bool is Number for yes and no.
func Bool(attributes []map[string]any, key string) (is, ok bool) {
	for i := len(attributes) - 1; i >= 0; i-- {
		switch v := attributes[i][key].(type) {
		case bool:
			return v, true
		case string:
			if is, err := strconv.ParseBool(v); err == nil {
				return is, true
			}
		}
	}
	return false, false
}

// Text is Number for texts that are not empty.
func Text(attributes []map[string]any, key string) (text string, ok bool) {
	for i := len(attributes) - 1; i >= 0; i-- {
		if s, _ := attributes[i][key].(string); s != "" {
			return s, true
		}
	}
	return "", false
}

// Source tells which of the attributes counts for a key: "server", "group",
// "device", or "" for none.
func Source(attributes []map[string]any, key string) string {
	for i := len(attributes) - 1; i >= 0; i-- {
		if attributes[i][key] == nil {
			continue
		}
		switch i {
		case len(attributes) - 1:
			return "device"
		case 0:
			return "server"
		}
		return "group"
	}
	return ""
}

// altitude is a bound of a geofence in metres; nil for none.
func altitude(v any) *float64 {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case string:
		var err error
		if f, err = strconv.ParseFloat(v, 64); err != nil {
			return nil
		}
	default:
		return nil
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

// DeadlineKey is the attribute of a geofence, or of a device and what stands
// above it for all its geofences that have none: the time of day ("08:00", in
// the device's time zone) at which the device should be inside. The days are
// those of the geofence's calendar.
const DeadlineKey = "missingAt"

func deadlines(s *Settings) (found []Deadline) {
	general, _ := Text(s.Attributes, DeadlineKey)
	for i := range s.Geofences {
		g := &s.Geofences[i]
		at := general
		if own, _ := g.Attributes[DeadlineKey].(string); own != "" {
			at = own
		}
		hour, minute, ok := clock(at)
		if !ok {
			continue
		}
		d := geofence.Deadline{Hour: hour, Minute: minute, Zone: s.Movement.Trips.Zone}
		if c := s.Hours[g.ID]; c != nil {
			d.On = onAt(c, d)
		}
		found = append(found, Deadline{g.ID, d})
	}
	return found
}

// onAt tells of dates whether the calendar is on at the time of the deadline.
func onAt(c *calendar.Calendar, d geofence.Deadline) func(time.Time) bool {
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	return func(date time.Time) bool {
		return c.On(time.Date(date.Year(), date.Month(), date.Day(), d.Hour, d.Minute, 0, 0, zone))
	}
}

// clock reads "8:00" or "08:00".
func clock(s string) (hour, minute int, ok bool) {
	h, m, found := strings.Cut(s, ":")
	hour, err := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	return hour, minute, found && err == nil && err2 == nil && hour >= 0 && hour < 24 && minute >= 0 && minute < 60
}
