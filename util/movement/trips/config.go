package trips

import (
	"time"

	"github.com/waymark-gps/waymark/util/movement/filter"
)

// Version is the version of the rules. Rows carry it, so that a rebuild can tell
// what older rules have made.
const Version = 1

// Config says what a trip and a stop are. Server, group and device may each set
// any part of it by attributes, the device's counting most.
type Config struct {
	// StopAfter is how long a device stays in one place until that is a stop
	// ("movement.stopAfterS", 5 min); StopAfterOff the same while the ignition is
	// known to be off ("movement.stopAfterOffS", 2 min). Shorter halts belong to
	// the trip, as idle time.
	StopAfter, StopAfterOff time.Duration
	// StopRadiusM is how far places may lie from where the device came to rest
	// ("movement.stopRadiusM", 60 m); a fix's own uncertainty widens it.
	StopRadiusM float64
	// MinTripM and MinTripTime are what a departure must reach to be one
	// ("movement.minTripM", 200 m; "movement.minTripS", 30 s).
	MinTripM    float64
	MinTripTime time.Duration
	// MinSpeedKnots is the least speed that is movement ("movement.minSpeedKnots", 2).
	MinSpeedKnots float64
	// CarriedM is how far a device with its ignition off must get from where it
	// rested to count as carried ("movement.carriedM", 500 m): on a ferry, a
	// transporter, by a thief.
	CarriedM float64
	// MaxGap is the longest silence that belongs to a trip
	// ("movement.maxGapS", 1 h): tunnels, dead zones.
	MaxGap time.Duration
	// IgnoreIgnition is for devices whose wire is not connected but reports
	// ("movement.ignoreIgnition").
	IgnoreIgnition bool
	// RefuelL is the rise of the fuel level, in litres, that is a refuelling and
	// not the tank's slosh ("movement.refuelL", 10).
	RefuelL float64
	// Zone is the time zone of the days; nil is UTC. It comes from the attribute
	// "timezone".
	Zone *time.Location
}

// DefaultConfig is what holds where nobody has said anything else.
func DefaultConfig() Config {
	return Config{
		StopAfter: 5 * time.Minute, StopAfterOff: 2 * time.Minute, StopRadiusM: 60,
		MinTripM: 200, MinTripTime: 30 * time.Second, MinSpeedKnots: 2,
		CarriedM: 500, MaxGap: time.Hour, RefuelL: 10, Zone: time.UTC,
	}
}

// Override takes over what is set, but the zone.
func (c *Config) Override(from filter.Setting) {
	from.Seconds("movement.stopAfterS", &c.StopAfter)
	from.Seconds("movement.stopAfterOffS", &c.StopAfterOff)
	from.Number("movement.stopRadiusM", &c.StopRadiusM)
	from.Number("movement.minTripM", &c.MinTripM)
	from.Seconds("movement.minTripS", &c.MinTripTime)
	from.Number("movement.minSpeedKnots", &c.MinSpeedKnots)
	from.Number("movement.carriedM", &c.CarriedM)
	from.Seconds("movement.maxGapS", &c.MaxGap)
	from.Bool("movement.ignoreIgnition", &c.IgnoreIgnition)
	from.Number("movement.refuelL", &c.RefuelL)
}
