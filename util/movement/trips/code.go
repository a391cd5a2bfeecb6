package trips

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/util/internal/code"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

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
	codeVersion(c, &d.Version)
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

// A row is kept as bytes, which it describes once for both directions.
type coded interface{ code(*code.Coder) }

func appended(b []byte, row coded) []byte {
	c := code.Coder{Bytes: b}
	row.code(&c)
	return c.Bytes
}

func decoded(b []byte, what string, row coded) error {
	c := code.Coder{Bytes: b, Reading: true}
	row.code(&c)
	if err := c.Err(); err != nil {
		return fmt.Errorf("read a %s: %w", what, err)
	}
	return nil
}

// Append appends the trip as it is kept, some 100 bytes and its path.
func (t *Trip) Append(b []byte) []byte { return appended(b, t) }

// Decode reads what Append wrote. An error wraps data.ErrInvalid.
func (t *Trip) Decode(b []byte) error { return decoded(b, "trip", t) }

// Append and Decode are those of Trip.
func (s *Stop) Append(b []byte) []byte { return appended(b, s) }
func (s *Stop) Decode(b []byte) error  { return decoded(b, "stop", s) }

// Append and Decode are those of Trip.
func (d *Day) Append(b []byte) []byte { return appended(b, d) }
func (d *Day) Decode(b []byte) error  { return decoded(b, "day", d) }

// Shift adds to our counts what late reports before the row have brought.
func (t *Trip) Shift(by fix.Totals) {
	t.TotalStartMM += by.DistanceMM
	t.TotalEndMM += by.DistanceMM
}

// Shift is that of Trip.
func (s *Stop) Shift(by fix.Totals) { s.TotalMM += by.DistanceMM }

// Shift is that of Trip.
func (d *Day) Shift(by fix.Totals) {
	d.TotalStartMM += by.DistanceMM
	d.TotalEndMM += by.DistanceMM
	d.HoursStartMS += by.EngineMS
	d.HoursEndMS += by.EngineMS
}

// maxKept bounds a kept path in bytes: far more than MaxPath places take.
const maxKept = 1 << 12

func (t *Trip) code(c *code.Coder) {
	code.Byte(c, &t.Kind)
	t.Start.code(c)
	t.End.code(c)
	t.Amounts.code(c)
	c.Float(&t.AverageSpeedKnots)
	c.Float(&t.OdometerStartM)
	c.Float(&t.OdometerEndM)
	c.Int(&t.TotalStartMM)
	c.Int(&t.TotalEndMM)
	c.String(&t.Driver, maxDriver)
	c.String(&t.Path, maxKept)
	codeVersion(c, &t.Version)
}

func (s *Stop) code(c *code.Coder) {
	s.Start.code(c)
	s.End.code(c)
	s.Amounts.code(c)
	c.Float(&s.OdometerM)
	c.Int(&s.TotalMM)
	codeVersion(c, &s.Version)
}

func codeVersion(c *code.Coder, v *int) {
	n := int64(*v)
	c.Int(&n)
	*v = int(min(max(n, math.MinInt32), math.MaxInt32))
}
