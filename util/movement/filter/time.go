package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

// year2000 in milliseconds since 1970 UTC. GPS week numbers that roll over and
// clocks that were never set lie before it.
const year2000 = 946_684_800_000

// timing marks reports whose time cannot be right, measured by their arrival.
func timing(c *Config, f *fix.Fix) Mark {
	if f.Time < year2000 {
		return Mark{Reason: Past}
	}
	if f.ServerTime == 0 {
		return Mark{}
	}
	ahead := f.Time - f.ServerTime
	if limit := c.Future.Milliseconds(); limit > 0 && ahead > limit {
		return Mark{Reason: Future, Value: float64(ahead) / 1000, Limit: c.Future.Seconds()}
	}
	if limit := c.Past.Milliseconds(); limit > 0 && -ahead > limit {
		return Mark{Reason: Past, Value: float64(-ahead) / 1000, Limit: c.Past.Seconds()}
	}
	return Mark{}
}

// Untimely tells whether a report's time cannot be right. Such a report changes
// no state.
func Untimely(c *Config, f *fix.Fix) bool { return timing(c, f).Reason != "" }
