package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

// accuracy marks places that are too uncertain.
func accuracy(c *Config, f *fix.Fix) Mark {
	if c.MaxAccuracyM > 0 && f.AccuracyM > c.MaxAccuracyM {
		return Mark{Reason: Accuracy, Value: f.AccuracyM, Limit: c.MaxAccuracyM}
	}
	return Mark{}
}
