package geofence

import "time"

// Deadline is a time of day at which a device should be in a fence. When it has
// passed, by the clock or by the time of a report, State.Inside of before that
// report tells whether it was missing.
type Deadline struct {
	// Hour (0 to 23) and Minute are of the clock in Zone; nil is UTC. A time that
	// the clocks skip comes an hour later that day, one that comes twice counts
	// the first time.
	Hour, Minute int
	Zone         *time.Location
	// On tells on which days it holds, given as midnight UTC of the date; nil for
	// every day.
	On func(date time.Time) bool
}

// farthest is how many days ahead Next looks.
const farthest = 400

// Next is the first time after one at which it holds; ok is false if there is
// none within 400 days.
func (d Deadline) Next(after time.Time) (at time.Time, ok bool) {
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, day := after.In(zone).Date()
	for i := range farthest {
		date := time.Date(y, m, day+i, 0, 0, 0, 0, time.UTC)
		if d.On != nil && !d.On(date) {
			continue
		}
		at := time.Date(y, m, day+i, d.Hour, d.Minute, 0, 0, zone)
		if first := at.Add(-time.Hour); first.Hour() == at.Hour() {
			at = first
		}
		if at.After(after) {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
