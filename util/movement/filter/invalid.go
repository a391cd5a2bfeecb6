package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

// invalid marks places that the device itself does not trust.
func invalid(c *Config, f *fix.Fix) Mark {
	if c.Invalid && !f.Valid {
		return Mark{Reason: Invalid}
	}
	return Mark{}
}
