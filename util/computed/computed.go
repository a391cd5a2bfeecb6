// Package computed makes attributes of a position from others by expressions
// that people write, see docs/events.md. An expression sees one position and
// nothing else: no clock, no files, no loops, so its cost is bounded by its
// length.
//
// The language is small and of our own: libraries for expressions reach methods
// of values by name, for which the linker has to keep every method of the
// program, five megabytes of them.
package computed

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/waymark-gps/waymark/data"
)

// Types of results, data.ComputedAttribute.Type.
const (
	Number  = "number"
	Text    = "string"
	Boolean = "boolean"
)

// Derived are the attributes that processing adds after the device's own ones:
// what is computed of them is computed after that.
var Derived = []string{"distance", "totalDistance", "motion", "hours", "geofenceIds", "address"}

// Set is the computed attributes of a device, ready to be used by any number of
// goroutines.
type Set struct {
	// before and after the derived values, in order.
	before, after []step
}

// step is one attribute. Its program is nil if the expression is wrong.
type step struct {
	key, kind string
	program   *Program
}

// Before puts in what is computed of the device's own values, After what is
// computed of derived ones as well. Both return how many could not be computed:
// those are left out, and the others are computed all the same. A nil Set has
// none.
func (s *Set) Before(p *data.Position) (failed int) {
	if s == nil {
		return 0
	}
	return put(s.before, p)
}

// After see Before.
func (s *Set) After(p *data.Position) (failed int) {
	if s == nil {
		return 0
	}
	return put(s.after, p)
}

func put(steps []step, p *data.Position) (failed int) {
	for i := range steps {
		st := &steps[i]
		v, err := st.program.Eval(p)
		if err == nil {
			v, err = convert(v, st.kind)
		}
		switch {
		case err != nil:
			failed++
		case v.Kind() != data.KindNone:
			p.Attributes.Set(st.key, v)
		}
	}
	return failed
}

// maxSets bounds the sets that a Compiler keeps. Devices mostly share theirs.
const maxSets = 1000

// Compiler makes Sets and keeps them, for any number of goroutines.
type Compiler struct {
	mu   sync.Mutex
	sets map[string]*Set
}

// Set is what computes the attributes: those of higher priority first, then by
// id. Nil for none.
func (c *Compiler) Set(attributes []data.ComputedAttribute) *Set {
	if len(attributes) == 0 {
		return nil
	}
	attributes = slices.Clone(attributes)
	slices.SortFunc(attributes, func(a, b data.ComputedAttribute) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
	})
	key := &strings.Builder{}
	for _, a := range attributes {
		fmt.Fprintf(key, "%q%q%q", a.Attribute, a.Type, a.Expression)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sets[key.String()]; s != nil {
		return s
	}
	if c.sets == nil || len(c.sets) >= maxSets {
		c.sets = map[string]*Set{} // devices keep what they have
	}
	s := newSet(attributes)
	c.sets[key.String()] = s
	return s
}

func newSet(attributes []data.ComputedAttribute) *Set {
	s := &Set{}
	late := slices.Clone(Derived)
	for i := range attributes {
		a := &attributes[i]
		if Check(a) != nil {
			s.before = append(s.before, step{}) // counted as failed
			continue
		}
		p, _ := Compile(a.Expression)
		st := step{a.Attribute, a.Type, p}
		if !slices.ContainsFunc(p.names, func(name string) bool { return slices.Contains(late, name) }) {
			s.before = append(s.before, st)
			continue
		}
		s.after = append(s.after, st)
		late = append(late, a.Attribute)
	}
	return s
}

// Check tells what is wrong with an attribute; the error wraps data.ErrInvalid.
func Check(a *data.ComputedAttribute) error {
	switch a.Type {
	case Number, Text, Boolean:
	default:
		return invalid("the type of a computed attribute is %s, %s or %s, not %q", Text, Number, Boolean, a.Type)
	}
	if a.Attribute == "" {
		return invalid("a computed attribute needs the name of the attribute it sets")
	}
	_, err := Compile(a.Expression)
	return err
}

// Test computes one attribute of a position; none if the expression has no
// value there. Errors wrap data.ErrInvalid and are for people.
func Test(a *data.ComputedAttribute, p *data.Position) (data.Value, error) {
	program, err := Compile(a.Expression)
	if err != nil {
		return data.Value{}, err
	}
	v, err := program.Eval(p)
	if err != nil {
		return data.Value{}, err
	}
	return convert(v, a.Type)
}

// invalid is an error for people, with its kind in front.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{data.ErrInvalid}, args...)...)
}

// convert makes a value of the type that was asked for.
func convert(v data.Value, kind string) (data.Value, error) {
	if v.Kind() == data.KindNone {
		return v, nil
	}
	switch kind {
	case Number:
		if _, ok := v.Float(); ok {
			return v, nil
		}
		if text, ok := v.Text(); ok {
			if n, ok := parseNumber(text); ok {
				return n, nil
			}
		}
	case Boolean:
		if _, ok := v.Bool(); ok {
			return v, nil
		}
		if b, err := strconv.ParseBool(v.String()); err == nil && v.Kind() == data.KindString {
			return data.Bool(b), nil
		}
	case Text:
		return data.String(v.String()), nil
	default:
		return data.Value{}, invalid("no type %q", kind)
	}
	return data.Value{}, invalid("the result %s is no %s", show(v), kind)
}

// parseNumber reads decimal numbers, whole ones as such.
func parseNumber(text string) (data.Value, bool) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return data.Int(i), true
	}
	f, err := strconv.ParseFloat(text, 64)
	return data.Float(f), err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// show is a value in an error text.
func show(v data.Value) string {
	const most = 40
	if v.Kind() == data.KindNone {
		return "null"
	}
	text := string(v.AppendJSON(nil))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
