package filter

// duplicate marks another report of the fix that was kept last. What else the
// report says still counts.
func duplicate(c *Config, st *step) Mark {
	if c.Duplicate && st.f.FixTime == st.from.FixTime && st.f.Lat == st.from.Lat && st.f.Lon == st.from.Lon {
		return Mark{Reason: Duplicate}
	}
	return Mark{}
}
