package trips

import "github.com/waymark-gps/waymark/util/movement/internal/code"

// maxDriver is longer than any driver that fix.Of lets through.
const maxDriver = 256

// Code writes or reads the state.
func (s *State) Code(c *code.Coder) {
	c.Int(&s.Time)
	c.Int(&s.alive)
	c.Bool(&s.placed)
	s.last.code(c)
	code.Byte(c, &s.ignition)
	c.Bool(&s.ignitionSeen)
	c.Bool(&s.speedSeen)
	for _, g := range [...]*gauge{&s.odometer, &s.engine, &s.fuel, &s.fuelUsed} {
		c.Bool(&g.known)
		c.Float(&g.value)
	}
	c.String(&s.driver, maxDriver)
	c.Int(&s.totals.DistanceMM)
	c.Int(&s.totals.EngineMS)
	s.rest.code(c)
	c.Bool(&s.underway)
	if s.underway {
		s.trip.code(c)
	}
	c.Bool(&s.halted)
	if s.halted {
		s.halt.code(c)
	}
	s.day.code(c)
}

func (r *rest) code(c *code.Coder) {
	r.start.code(c)
	r.anchor.code(c)
	r.until.code(c)
	r.Amounts.code(c)
	c.Float(&r.odometerM)
	c.Int(&r.totalMM)
}

func (t *open) code(c *code.Coder) {
	code.Byte(c, &t.kind)
	t.start.code(c)
	c.Bool(&t.proven)
	c.Int(&t.away)
	c.Int(&t.points)
	c.Bool(&t.far)
	t.Amounts.code(c)
	c.Float(&t.odometerM)
	c.Int(&t.totalMM)
	c.String(&t.driver, maxDriver)
	t.path.code(c)
}

func (h *halt) code(c *code.Coder) {
	c.Bool(&h.blind)
	h.at.code(c)
	h.Amounts.code(c)
	c.Float(&h.odometerM)
}

func (p *Place) code(c *code.Coder) {
	c.Int(&p.PositionID)
	c.Int(&p.Time)
	c.Float(&p.Lat)
	c.Float(&p.Lon)
}

func (a *Amounts) code(c *code.Coder) {
	c.Int(&a.DistanceMM)
	c.Int(&a.MovingMS)
	c.Int(&a.IdleMS)
	c.Int(&a.EngineMS)
	c.Int(&a.FuelML)
	c.Float(&a.MaxSpeedKnots)
}

func (d *Day) code(c *code.Coder) {
	for _, v := range [...]*int64{
		&d.Number, &d.Start, &d.End, &d.First, &d.Last, &d.Reports, &d.CarriedMM, &d.Trips,
		&d.TotalStartMM, &d.TotalEndMM, &d.HoursStartMS, &d.HoursEndMS,
	} {
		c.Int(v)
	}
	d.Amounts.code(c)
	c.Float(&d.OdometerStartM)
	c.Float(&d.OdometerEndM)
	version := int64(d.Version)
	c.Int(&version)
	d.Version = int(version)
}

func (p *path) code(c *code.Coder) {
	n := c.Len(len(p.lat), MaxPath)
	if c.Reading {
		p.lat, p.lon = make([]int32, n, MaxPath+1), make([]int32, n, MaxPath+1)
	}
	for _, axis := range [...][]int32{p.lat, p.lon} {
		last := int64(0)
		for i := range axis {
			d := int64(axis[i]) - last
			c.Int(&d)
			axis[i] = int32(last + d)
			last = int64(axis[i])
		}
	}
}
