package filter

import (
	"time"
)

// Config says what is filtered. Server, group and device may each set any part
// of it by attributes, the device's counting most; 0 switches a limit off.
type Config struct {
	// Invalid marks places the device itself does not trust ("filter.invalid", on).
	Invalid bool
	// Zero marks latitude and longitude both 0 ("filter.zero", on).
	Zero bool
	// Duplicate marks a second report of the same fix ("filter.duplicate", on).
	Duplicate bool
	// Future and Past bound how far a report's time may lie after and before its
	// arrival ("filter.futureS", 1 day; "filter.pastS", off). Times before 2000
	// are always past: no tracker is that old.
	Future, Past time.Duration
	// MaxSpeedKmh bounds the speed from the last kept place ("filter.maxSpeedKmh",
	// 1,000: airliners pass).
	MaxSpeedKmh float64
	// MaxAcceleration, in m/s², bounds how fast that speed may be reached
	// ("filter.maxAcceleration", 15: more than a racing car's).
	MaxAcceleration float64
	// MaxAccuracyM bounds the radius of uncertainty ("filter.maxAccuracyM", 1,000).
	MaxAccuracyM float64
	// DriftM marks places of a standing device that lie no farther than this from
	// the last kept one ("filter.driftM", off: trips need no help against drift).
	DriftM float64
	// MinPeriod and MinDistanceM thin out: a place is kept when this much time has
	// passed or way lies behind since the last kept one ("filter.minPeriodS",
	// "filter.minDistanceM", both off). With both set either is enough. Changes of
	// ignition, alarms and answers are never thinned out.
	MinPeriod    time.Duration
	MinDistanceM float64
}

// DefaultConfig is what holds where nobody has said anything else.
func DefaultConfig() Config {
	return Config{
		Invalid: true, Zero: true, Duplicate: true, Future: 24 * time.Hour,
		MaxSpeedKmh: 1000, MaxAcceleration: 15, MaxAccuracyM: 1000,
	}
}

// Setting reads one attribute of a server, group or device.
type Setting interface {
	// Bool, Number and Seconds change *to if the setting is there and sensible.
	Bool(key string, to *bool)
	Number(key string, to *float64)
	Seconds(key string, to *time.Duration)
}

// Override takes over what is set.
func (c *Config) Override(from Setting) {
	from.Bool("filter.invalid", &c.Invalid)
	from.Bool("filter.zero", &c.Zero)
	from.Bool("filter.duplicate", &c.Duplicate)
	from.Seconds("filter.futureS", &c.Future)
	from.Seconds("filter.pastS", &c.Past)
	from.Number("filter.maxSpeedKmh", &c.MaxSpeedKmh)
	from.Number("filter.maxAcceleration", &c.MaxAcceleration)
	from.Number("filter.maxAccuracyM", &c.MaxAccuracyM)
	from.Number("filter.driftM", &c.DriftM)
	from.Seconds("filter.minPeriodS", &c.MinPeriod)
	from.Number("filter.minDistanceM", &c.MinDistanceM)
}
