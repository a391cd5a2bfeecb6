package computed

import (
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// maxText bounds every text on the way, in bytes.
const maxText = 16 << 10

// node is a part of an expression that has a value. What a position does not
// have is none: it counts as false and equals null, but nothing can be reckoned
// with it.
type node interface {
	eval(p *data.Position) (data.Value, error)
}

// Eval computes the expression for a position. Errors wrap data.ErrInvalid.
func (p *Program) Eval(of *data.Position) (data.Value, error) {
	if p == nil {
		return data.Value{}, invalid("the expression cannot be read")
	}
	return p.root.eval(of)
}

type constant struct{ data.Value }

func (c constant) eval(*data.Position) (data.Value, error) { return c.Value, nil }

type attribute string

func (a attribute) eval(p *data.Position) (data.Value, error) {
	return p.Attributes.Get(string(a)), nil
}

type field func(p *data.Position) data.Value

func (f field) eval(p *data.Position) (data.Value, error) { return f(p), nil }

// fields are the names that are no attributes. Times are milliseconds since 1970 UTC.
var fields = map[string]field{
	"id":         func(p *data.Position) data.Value { return data.Int(p.ID) },
	"deviceId":   func(p *data.Position) data.Value { return data.Int(p.DeviceID) },
	"protocol":   func(p *data.Position) data.Value { return data.String(p.Protocol) },
	"valid":      func(p *data.Position) data.Value { return data.Bool(p.Valid) },
	"outdated":   func(p *data.Position) data.Value { return data.Bool(p.Outdated) },
	"latitude":   func(p *data.Position) data.Value { return data.Float(p.Latitude) },
	"longitude":  func(p *data.Position) data.Value { return data.Float(p.Longitude) },
	"altitude":   func(p *data.Position) data.Value { return data.Float(p.AltitudeM) },
	"speed":      func(p *data.Position) data.Value { return data.Float(p.SpeedKnots) },
	"course":     func(p *data.Position) data.Value { return data.Float(p.CourseDeg) },
	"accuracy":   func(p *data.Position) data.Value { return data.Float(p.AccuracyM) },
	"fixTime":    func(p *data.Position) data.Value { return millis(p.FixTime) },
	"deviceTime": func(p *data.Position) data.Value { return millis(p.DeviceTime) },
	"serverTime": func(p *data.Position) data.Value { return millis(p.ServerTime) },
}

func millis(t time.Time) data.Value {
	if t.IsZero() {
		return data.Value{}
	}
	return data.Int(t.UnixMilli())
}

type choose struct{ a, b, c node }

func (n choose) eval(p *data.Position) (data.Value, error) {
	yes, err := truth(n.a, p)
	switch {
	case err != nil:
		return data.Value{}, err
	case yes:
		return n.b.eval(p)
	}
	return n.c.eval(p)
}

// otherwise is b where a is null, or false too.
type otherwise struct {
	a, b node
	null bool
}

func (n otherwise) eval(p *data.Position) (data.Value, error) {
	a, err := n.a.eval(p)
	if b, is := a.Bool(); err == nil && (a.Kind() == data.KindNone || !n.null && is && !b) {
		return n.b.eval(p)
	}
	return a, err
}

type negation struct{ a node }

func (n negation) eval(p *data.Position) (data.Value, error) {
	b, err := truth(n.a, p)
	return data.Bool(!b), err
}

type logic struct {
	a, b node
	or   bool
}

func (n logic) eval(p *data.Position) (data.Value, error) {
	b, err := truth(n.a, p)
	if err == nil && b != n.or {
		b, err = truth(n.b, p)
	}
	return data.Bool(b), err
}

// truth is a part as yes or no.
func truth(n node, p *data.Position) (bool, error) {
	v, err := n.eval(p)
	if err != nil {
		return false, err
	}
	b, ok := v.Bool()
	if !ok && v.Kind() != data.KindNone {
		return false, invalid("%s is neither true nor false", show(v))
	}
	return b && ok, nil
}

type match struct {
	a  node
	re *regexp.Regexp
}

func (n match) eval(p *data.Position) (data.Value, error) {
	v, err := n.a.eval(p)
	return data.Bool(err == nil && v.Kind() != data.KindNone && n.re.MatchString(v.String())), err
}

type operation struct {
	f    func(a, b data.Value) (data.Value, bool)
	op   string
	a, b node
}

func (n operation) eval(p *data.Position) (data.Value, error) {
	a, err := n.a.eval(p)
	if err != nil {
		return a, err
	}
	b, err := n.b.eval(p)
	if err != nil {
		return b, err
	}
	v, ok := n.f(a, b)
	if !ok {
		return v, &noValue{a, n.op, b}
	}
	return v, nil
}

// noValue is the error of an operation. It is written out only when somebody
// reads it: most positions lack something.
type noValue struct {
	a  data.Value
	op string
	b  data.Value
}

func (e *noValue) Error() string {
	return invalid("%s %s %s has no value", show(e.a), e.op, show(e.b)).Error()
}

func (*noValue) Unwrap() error { return data.ErrInvalid }

type call struct {
	f    func(args []data.Value) (data.Value, bool)
	name string
	args []node
}

func (n call) eval(p *data.Position) (data.Value, error) {
	args := make([]data.Value, len(n.args))
	shown := make([]string, 0, len(n.args))
	for i, a := range n.args {
		var err error
		if args[i], err = a.eval(p); err != nil {
			return args[i], err
		}
	}
	v, ok := n.f(args)
	if ok {
		return v, nil
	}
	for _, a := range args {
		shown = append(shown, show(a))
	}
	return v, invalid("%s(%s) has no value", n.name, strings.Join(shown, ", "))
}

// whole makes a whole number of a number without a fraction.
func whole(f float64) (int64, bool) {
	const most = 1 << 53 // what a float64 holds exactly
	return int64(f), f == math.Trunc(f) && math.Abs(f) <= most
}
