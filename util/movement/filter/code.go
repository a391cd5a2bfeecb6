package filter

import "github.com/waymark-gps/waymark/util/internal/code"

// Code writes or reads the state.
func (s *State) Code(c *code.Coder) {
	c.Bool(&s.Known)
	s.Kept.code(c)
	code.Byte(c, &s.Ignition)
	s.Strange.code(c)
	c.Int(&s.Agree)
}

func (p *Point) code(c *code.Coder) {
	c.Int(&p.Time)
	c.Int(&p.FixTime)
	c.Float(&p.Lat)
	c.Float(&p.Lon)
	c.Float(&p.SpeedKnots)
	c.Float(&p.AccuracyM)
}
