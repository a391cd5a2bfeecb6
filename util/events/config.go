package events

import (
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Where a speed limit comes from: the attribute "speedLimitSource" of an event.
const (
	FromServer   = "server"
	FromGroup    = "group"
	FromDevice   = "device"
	FromPosition = "position"
	FromGeofence = "geofence"
)

// Config is what holds for one device.
type Config struct {
	// SpeedLimitKnots is that of device, group or server, and SpeedLimitSource
	// which; 0 for none.
	SpeedLimitKnots  float64
	SpeedLimitSource string
	// FenceLimitKnots are the speed limits of geofences, by id.
	FenceLimitKnots map[int64]float64
	// OverspeedAfter is how long a device must be too fast; OverspeedFactor is
	// what the limit is multiplied with before it is compared.
	OverspeedAfter  time.Duration
	OverspeedFactor float64
	// FuelDrop and FuelIncrease are what the tank must lose or win, in litres, or
	// per cent for devices that say a level only; 0 for never. FuelWindow is how
	// long the new level must hold.
	FuelDrop, FuelIncrease float64
	FuelWindow             time.Duration
	// AlarmQuiet is how long after an alarm the same one is not told again.
	AlarmQuiet time.Duration
	// Maintenances are those of the device and its groups.
	Maintenances []data.Maintenance
}

// DefaultConfig is what holds where nobody has said anything else.
func DefaultConfig() Config { return Config{OverspeedFactor: 1, FuelWindow: 2 * time.Minute} }

// Resolve makes the Config of a device from the attributes of the server, of its
// groups from the outermost to its own, and of the device: the first of them is
// the server's, the last the device's, and a later one counts more. Values that
// make no sense are passed over. The keys are in docs/events.md.
func Resolve(attributes []map[string]any, fences []data.Geofence, maintenances []data.Maintenance) Config {
	c := DefaultConfig()
	c.Maintenances = maintenances
	for i, of := range attributes {
		if v, ok := Number(of["speedLimit"]); ok {
			c.SpeedLimitKnots, c.SpeedLimitSource = v, FromGroup
			switch i {
			case len(attributes) - 1:
				c.SpeedLimitSource = FromDevice
			case 0:
				c.SpeedLimitSource = FromServer
			}
		}
		number(of, "event.overspeed.thresholdMultiplier", &c.OverspeedFactor)
		number(of, "fuelDropThreshold", &c.FuelDrop)
		number(of, "fuelIncreaseThreshold", &c.FuelIncrease)
		seconds(of, "event.overspeed.minimalDurationS", &c.OverspeedAfter)
		seconds(of, "event.fuel.windowS", &c.FuelWindow)
		seconds(of, "event.ignoreDuplicateAlerts", &c.AlarmQuiet)
	}
	if c.OverspeedFactor <= 0 {
		c.OverspeedFactor = 1
	}
	for i := range fences {
		if v, ok := Number(fences[i].Attributes["speedLimit"]); ok && v > 0 {
			if c.FenceLimitKnots == nil {
				c.FenceLimitKnots = map[int64]float64{}
			}
			c.FenceLimitKnots[fences[i].ID] = v
		}
	}
	return c
}

// maxSetting bounds numbers, so that spans of time made of them do not overflow.
const maxSetting = 1e9

// Number reads a setting of attributes, 0 to 1e9. Forms send numbers as text.
func Number(v any) (n float64, ok bool) {
	switch v := v.(type) {
	case float64:
		n = v
	case int:
		n = float64(v)
	case int64:
		n = float64(v)
	case string:
		var err error
		if n, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	return n, n >= 0 && n <= maxSetting && !math.IsNaN(n)
}

func number(of map[string]any, key string, to *float64) {
	if n, ok := Number(of[key]); ok {
		*to = n
	}
}

func seconds(of map[string]any, key string, to *time.Duration) {
	if n, ok := Number(of[key]); ok {
		*to = time.Duration(n * float64(time.Second))
	}
}
