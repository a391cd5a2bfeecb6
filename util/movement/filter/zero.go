package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

// zero marks the place that trackers send when they know none.
func zero(c *Config, f *fix.Fix) Mark {
	if c.Zero && f.Lat == 0 && f.Lon == 0 {
		return Mark{Reason: Zero}
	}
	return Mark{}
}
