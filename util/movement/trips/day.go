package trips

import (
	"time"

	"github.com/waymark-gps/waymark/util/movement/fix"
)

// roll begins a new day if the report lies in one, and tells whether.
func (s *State) roll(c *Config, f *fix.Fix, r *Result) bool {
	if s.day.End != 0 {
		if f.Time < s.day.End {
			return false
		}
		r.Days = append(r.Days, s.day)
	}
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := time.UnixMilli(f.Time).In(zone).Date()
	s.day = Day{
		Number: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400,
		Start:  midnight(y, m, d, zone).UnixMilli(), End: midnight(y, m, d+1, zone).UnixMilli(),
		First: f.Time, OdometerStartM: s.odometer.or(), OdometerEndM: s.odometer.or(),
		TotalStartMM: s.totals.DistanceMM, TotalEndMM: s.totals.DistanceMM,
		HoursStartMS: s.totals.EngineMS, HoursEndMS: s.totals.EngineMS, Version: Version,
	}
	return true
}

// midnight is the first moment of a day. In some zones clocks go forward at
// midnight, so that the day begins at one.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	switch {
	case t.Day() != want:
		_, t = t.ZoneBounds()
	case t.Hour() != 0:
		t, _ = t.ZoneBounds()
	}
	return t
}

// note ends a report's work on the day.
func (s *State) note(f *fix.Fix) {
	d := &s.day
	d.Last = f.Time
	d.Reports++
	if d.OdometerStartM < 0 {
		d.OdometerStartM = f.OdometerM
	}
	d.OdometerEndM = s.odometer.or()
	d.TotalEndMM, d.HoursEndMS = s.totals.DistanceMM, s.totals.EngineMS
}
