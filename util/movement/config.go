package movement

import (
	"math"
	"strconv"
	"time"
	_ "time/tzdata" // images have no database of time zones

	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

// Config is what holds for one device.
type Config struct {
	Filter filter.Config
	Trips  trips.Config
}

// DefaultConfig is what holds where nobody has said anything else.
func DefaultConfig() Config {
	return Config{Filter: filter.DefaultConfig(), Trips: trips.DefaultConfig()}
}

// Resolve makes the Config of a device from attributes: the server's first,
// then those of its groups from the outermost to its own, then the device's. A
// later one counts more. Keys are "filter.*" (filter.Config), "movement.*"
// (trips.Config) and "timezone" (a name of the IANA database). Values that make
// no sense are passed over.
func Resolve(attributes ...map[string]any) Config {
	c := DefaultConfig()
	for _, of := range attributes {
		if len(of) == 0 {
			continue
		}
		c.Filter.Override(settings(of))
		c.Trips.Override(settings(of))
		if name, _ := of["timezone"].(string); name != "" {
			if zone, err := time.LoadLocation(name); err == nil {
				c.Trips.Zone = zone
			}
		}
	}
	return c
}

// maxSetting bounds numbers, so that spans of time made of them do not overflow.
const maxSetting = 1e9

// settings are the attributes of a server, group or device: numbers may come as
// text, as forms send them.
type settings map[string]any

func (s settings) Bool(key string, to *bool) {
	switch v := s[key].(type) {
	case bool:
		*to = v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			*to = b
		}
	}
}

func (s settings) Number(key string, to *float64) {
	var n float64
	switch v := s[key].(type) {
	case float64:
		n = v
	case int:
		n = float64(v)
	case int64:
		n = float64(v)
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return
		}
		n = f
	default:
		return
	}
	if n >= 0 && n <= maxSetting && !math.IsNaN(n) {
		*to = n
	}
}

func (s settings) Seconds(key string, to *time.Duration) {
	n := to.Seconds()
	s.Number(key, &n)
	if n != to.Seconds() {
		*to = time.Duration(n * float64(time.Second))
	}
}
