package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

const (
	// jumpSlackM is noise that is no movement: reflections between houses.
	jumpSlackM = 50
	// enough places in a row that agree with each other outvote the last kept
	// one; without this a device whose first fix was wrong would never recover.
	enough = 4
	// minSeconds keeps two fixes of the same second from dividing by nothing.
	minSeconds = 1
	knot       = 1852.0 / 3600 // m/s
)

// implausible marks places that cannot be reached from the last kept one in the
// time since.
func implausible(c *Config, st *step) Mark {
	way := st.meters - jumpSlackM - st.f.AccuracyM - st.from.AccuracyM
	if way <= 0 {
		return Mark{}
	}
	s := max(st.seconds, minSeconds)
	if kmh := st.meters / s * 3.6; c.MaxSpeedKmh > 0 && kmh > c.MaxSpeedKmh {
		return Mark{Reason: Jump, Value: kmh, Limit: c.MaxSpeedKmh, DistanceM: st.meters, Seconds: st.seconds}
	}
	// The least steady acceleration that covers the way in the time.
	a := 2 * (way/s - max(st.from.SpeedKnots, st.f.SpeedKnots)*knot) / s
	if c.MaxAcceleration > 0 && a > c.MaxAcceleration {
		return Mark{Reason: Acceleration, Value: a, Limit: c.MaxAcceleration, DistanceM: st.meters, Seconds: st.seconds}
	}
	return Mark{}
}

// agrees counts strange places that are plausible from one to the next, and
// tells whether there are enough of them.
func (s *State) agrees(c *Config, f *fix.Fix) bool {
	if s.Agree > 0 {
		if st := between(&s.Strange, f); implausible(c, &st).Reason != "" {
			s.Agree = 0
		} else if st.f.FixTime == st.from.FixTime {
			return false // the same fix again is no second witness
		}
	}
	s.Agree++
	s.Strange = pointOf(f)
	return s.Agree >= enough
}
