// Package code turns states into bytes and back. A state describes its fields
// once, in order, for both directions.
package code

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
)

// Coder appends to Bytes, or reads from them.
type Coder struct {
	Bytes   []byte
	Reading bool
	bad     bool
}

// Err says what is wrong with the bytes, after reading all of them.
func (c *Coder) Err() error {
	if c.bad || c.Reading && len(c.Bytes) != 0 {
		return fmt.Errorf("read a saved state: the bytes are not one: %w", data.ErrInvalid)
	}
	return nil
}

// Int codes a whole number.
func (c *Coder) Int(v *int64) {
	if !c.Reading {
		c.Bytes = binary.AppendVarint(c.Bytes, *v)
		return
	}
	x, n := binary.Varint(c.Bytes)
	if n <= 0 {
		c.fail()
		return
	}
	*v, c.Bytes = x, c.Bytes[n:]
}

// Float codes a number, bit by bit.
func (c *Coder) Float(v *float64) {
	if !c.Reading {
		if *v == 0 && !math.Signbit(*v) {
			c.Bytes = append(c.Bytes, 0)
			return
		}
		c.Bytes = append(c.Bytes, 1)
		c.Bytes = binary.LittleEndian.AppendUint64(c.Bytes, math.Float64bits(*v))
		return
	}
	switch {
	case len(c.Bytes) >= 1 && c.Bytes[0] == 0:
		*v, c.Bytes = 0, c.Bytes[1:]
	case len(c.Bytes) >= 9 && c.Bytes[0] == 1:
		*v = math.Float64frombits(binary.LittleEndian.Uint64(c.Bytes[1:]))
		c.Bytes = c.Bytes[9:]
	default:
		c.fail()
	}
}

// Bool codes a truth value.
func (c *Coder) Bool(v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	Byte(c, &b)
	*v = b == 1
	c.bad = c.bad || b > 1
}

// Byte codes a small number.
func Byte[T ~uint8](c *Coder, v *T) {
	if !c.Reading {
		c.Bytes = append(c.Bytes, byte(*v))
		return
	}
	if len(c.Bytes) == 0 {
		c.fail()
		return
	}
	*v, c.Bytes = T(c.Bytes[0]), c.Bytes[1:]
}

// String codes a text of at most max bytes.
func (c *Coder) String(v *string, max int) {
	n := c.Len(len(*v), max)
	if !c.Reading {
		c.Bytes = append(c.Bytes, *v...)
		return
	}
	if n > len(c.Bytes) {
		c.fail()
		return
	}
	*v, c.Bytes = string(c.Bytes[:n]), c.Bytes[n:]
}

// Len codes a length of at most max and returns it: 0 if the bytes are wrong.
func (c *Coder) Len(n, max int) int {
	x := int64(n)
	c.Int(&x)
	if c.Reading && (x < 0 || x > int64(max)) {
		c.fail()
		return 0
	}
	if c.bad {
		return 0
	}
	return int(x)
}

func (c *Coder) fail() { c.bad, c.Bytes = true, nil }
