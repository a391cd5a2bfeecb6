package filter

// thinned marks places that come too soon or too near after the last kept one.
func thinned(c *Config, st *step) Mark {
	soon := c.MinPeriod > 0 && st.seconds < c.MinPeriod.Seconds()
	near := c.MinDistanceM > 0 && st.meters < c.MinDistanceM
	switch {
	case near && (soon || c.MinPeriod == 0):
		return Mark{Reason: Distance, Value: st.meters, Limit: c.MinDistanceM}
	case soon && c.MinDistanceM == 0:
		return Mark{Reason: Period, Value: st.seconds, Limit: c.MinPeriod.Seconds()}
	}
	return Mark{}
}
