package events

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/internal/code"
)

// version is that of the saved form: it changes with the fields and the rules.
const version = 1

// Append appends the state as it is saved: some 40 bytes for a device that does
// nothing special, at most some 5 kB.
func (s *State) Append(b []byte) []byte {
	c := code.Coder{Bytes: append(b, version)}
	s.code(&c)
	return c.Bytes
}

// Decode reads a saved state. An error wraps data.ErrInvalid: the state is that
// of another version or damaged; the device then begins anew.
func Decode(b []byte) (State, error) {
	var s State
	if len(b) == 0 || b[0] != version {
		return s, fmt.Errorf("a saved state of events of another version: %w", data.ErrInvalid)
	}
	c := code.Coder{Bytes: b[1:], Reading: true}
	s.code(&c)
	if err := c.Err(); err != nil {
		return State{}, err
	}
	return s, nil
}

func (s *State) code(c *code.Coder) {
	c.Int(&s.time)
	c.Bool(&s.moving)
	s.speeding.code(c)
	s.tank.code(c)
	s.alarms.code(c)
	code.Byte(c, &s.ignition)
	s.counters.code(c)
	c.String(&s.driver, maxDriver)
	c.Int(&s.media)
}

func (o *overspeed) code(c *code.Coder) {
	if c.Bool(&o.on); !o.on {
		return
	}
	for _, v := range [...]*int64{&o.since, &o.until, &o.position, &o.fence} {
		c.Int(v)
	}
	c.Bool(&o.told)
	for _, v := range [...]*float64{&o.limit, &o.speed, &o.max} {
		c.Float(v)
	}
	c.String(&o.source, maxDriver)
}

func (f *fuel) code(c *code.Coder) {
	c.Int(&f.time)
	c.Bool(&f.percent)
	readings(c, &f.base)
	if readings(c, &f.other); len(f.other) == 0 {
		return
	}
	c.Int(&f.since)
	c.Int(&f.position)
	c.Bool(&f.fell)
}

func readings(c *code.Coder, of *[]float64) {
	n := c.Len(len(*of), settled)
	if c.Reading && n > 0 {
		*of = make([]float64, n)
	}
	for i := range *of {
		c.Float(&(*of)[i])
	}
}

func (s *alarms) code(c *code.Coder) {
	n := c.Len(len(*s), maxAlarms)
	if c.Reading && n > 0 {
		*s = make(alarms, n)
	}
	for i := range *s {
		a := &(*s)[i]
		c.String(&a.kind, maxAlarm)
		c.Int(&a.seen)
		c.Bool(&a.on)
	}
}

func (s *counters) code(c *code.Coder) {
	n := c.Len(len(*s), maxCounters)
	if c.Reading && n > 0 {
		*s = make(counters, n)
	}
	for i := range *s {
		c.String(&(*s)[i].name, maxCounter)
		c.Float(&(*s)[i].value)
	}
}
