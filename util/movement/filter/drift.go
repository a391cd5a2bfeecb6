package filter

// standingKnots is the speed up to which a receiver that lies still may think
// that it moves.
const standingKnots = 2

// drift marks places of a standing device that differ from the last kept one by
// noise only.
func drift(c *Config, st *step) Mark {
	if c.DriftM > 0 && st.f.SpeedKnots <= standingKnots && st.meters <= c.DriftM {
		return Mark{Reason: Drift, Value: st.meters, Limit: c.DriftM}
	}
	return Mark{}
}
