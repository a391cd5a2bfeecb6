package computed

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// operators compute values of two; ok is false where there is none.
var operators = map[string]func(a, b data.Value) (v data.Value, ok bool){
	"+":  add,
	"-":  reckon(func(a, b int64) (int64, bool) { return a - b, (a-b < a) == (b > 0) }, func(a, b float64) float64 { return a - b }),
	"*":  reckon(multiply, func(a, b float64) float64 { return a * b }),
	"/":  reckon(nil, func(a, b float64) float64 { return a / b }),
	"%":  reckon(func(a, b int64) (int64, bool) { return mod(a, b) }, math.Mod),
	"&":  bits(func(a, b int64) int64 { return a & b }),
	"|":  bits(func(a, b int64) int64 { return a | b }),
	"^":  bits(func(a, b int64) int64 { return a ^ b }),
	"<<": bits(func(a, b int64) int64 { return a << (uint64(b) & 63) }),
	">>": bits(func(a, b int64) int64 { return a >> (uint64(b) & 63) }),
	"==": func(a, b data.Value) (data.Value, bool) { return data.Bool(equal(a, b)), true },
	"!=": func(a, b data.Value) (data.Value, bool) { return data.Bool(!equal(a, b)), true },
	"<":  order(func(c int) bool { return c < 0 }),
	"<=": order(func(c int) bool { return c <= 0 }),
	">":  order(func(c int) bool { return c > 0 }),
	">=": order(func(c int) bool { return c >= 0 }),
	"=^": texts(strings.HasPrefix),
	"=$": texts(strings.HasSuffix),
}

// numeric is a number, also one in a text.
func numeric(v data.Value) (data.Value, bool) {
	if text, ok := v.Text(); ok {
		return parseNumber(strings.TrimSpace(text))
	}
	return v, v.Kind() == data.KindInt || v.Kind() == data.KindFloat
}

// reckon computes whole numbers where both are and the result fits, else
// numbers. There is no infinity.
func reckon(ints func(a, b int64) (int64, bool), floats func(a, b float64) float64) func(a, b data.Value) (data.Value, bool) {
	return func(a, b data.Value) (data.Value, bool) {
		a, ok := numeric(a)
		b, ok2 := numeric(b)
		if !ok || !ok2 {
			return data.Value{}, false
		}
		i, aInt := a.Int()
		j, bInt := b.Int()
		if aInt && bInt && ints != nil {
			if v, ok := ints(i, j); ok {
				return data.Int(v), true
			}
		}
		x, _ := a.Float()
		y, _ := b.Float()
		v := data.Float(floats(x, y))
		return v, v.Kind() != data.KindNone
	}
}

func multiply(a, b int64) (int64, bool) {
	const most = 1 << 31
	return a * b, a > -most && a < most && b > -most && b < most
}

func mod(a, b int64) (int64, bool) {
	if b == 0 || b == -1 {
		return 0, b != 0
	}
	return a % b, true
}

var sum = reckon(func(a, b int64) (int64, bool) { return a + b, (a+b > a) == (b > 0) }, func(a, b float64) float64 { return a + b })

// add adds numbers, and joins texts with whatever.
func add(a, b data.Value) (data.Value, bool) {
	_, aText := a.Text()
	_, bText := b.Text()
	if !aText && !bText {
		return sum(a, b)
	}
	s := a.String() + b.String()
	return data.String(s), len(s) <= maxText && a.Kind() != data.KindNone && b.Kind() != data.KindNone
}

func bits(f func(a, b int64) int64) func(a, b data.Value) (data.Value, bool) {
	return func(a, b data.Value) (data.Value, bool) {
		i, ok := integer(a)
		j, ok2 := integer(b)
		return data.Int(f(i, j)), ok && ok2
	}
}

func integer(v data.Value) (int64, bool) {
	if v, ok := numeric(v); ok {
		if i, ok := v.Int(); ok {
			return i, true
		}
		f, _ := v.Float()
		return whole(f)
	}
	return 0, false
}

func equal(a, b data.Value) bool {
	if c, ok := compare(a, b); ok {
		return c == 0
	}
	return a.Kind() == b.Kind() && a == b
}

// compare puts two numbers or two texts in order; a text that is a number
// counts as one beside a number.
func compare(a, b data.Value) (c int, ok bool) {
	s, aText := a.Text()
	t, bText := b.Text()
	if aText && bText {
		return cmp.Compare(s, t), true
	}
	a, ok = numeric(a)
	b, ok2 := numeric(b)
	if !ok || !ok2 {
		return 0, false
	}
	i, aInt := a.Int()
	j, bInt := b.Int()
	if aInt && bInt {
		return cmp.Compare(i, j), true
	}
	x, _ := a.Float()
	y, _ := b.Float()
	return cmp.Compare(x, y), true
}

func order(is func(int) bool) func(a, b data.Value) (data.Value, bool) {
	return func(a, b data.Value) (data.Value, bool) {
		c, ok := compare(a, b)
		return data.Bool(is(c)), ok
	}
}

func texts(f func(s, t string) bool) func(a, b data.Value) (data.Value, bool) {
	return func(a, b data.Value) (data.Value, bool) {
		s, ok := a.Text()
		t, ok2 := b.Text()
		return data.Bool(f(s, t)), ok && ok2
	}
}

// function computes a value of others; ok is false where there is none.
type function struct {
	least, most int
	f           func(args []data.Value) (v data.Value, ok bool)
}

func (f function) takes() string {
	switch {
	case f.least == f.most && f.least == 1:
		return "1 value"
	case f.least == f.most:
		return strconv.Itoa(f.least) + " values"
	}
	return strconv.Itoa(f.least) + " to " + strconv.Itoa(f.most) + " values"
}

const maxArguments = 20

var functions = map[string]function{
	"abs":        {1, 1, ofNumber(math.Abs)},
	"ceil":       {1, 1, ofNumber(math.Ceil)},
	"floor":      {1, 1, ofNumber(math.Floor)},
	"round":      {1, 2, round},
	"sqrt":       {1, 1, ofNumber(math.Sqrt)},
	"pow":        {2, 2, func(a []data.Value) (data.Value, bool) { return power(a[0], a[1]) }},
	"min":        {1, maxArguments, best(-1)},
	"max":        {1, maxArguments, best(1)},
	"number":     {1, 1, func(a []data.Value) (data.Value, bool) { return numeric(a[0]) }},
	"string":     {1, 1, func(a []data.Value) (data.Value, bool) { return data.String(a[0].String()), true }},
	"lower":      {1, 1, ofText(strings.ToLower)},
	"upper":      {1, 1, ofText(strings.ToUpper)},
	"contains":   {2, 2, ofTexts(strings.Contains)},
	"startsWith": {2, 2, ofTexts(strings.HasPrefix)},
	"endsWith":   {2, 2, ofTexts(strings.HasSuffix)},
	"size":       {1, 1, func(a []data.Value) (data.Value, bool) { return data.Int(int64(len(a[0].String()))), true }},
	"empty": {1, 1, func(a []data.Value) (data.Value, bool) {
		n, isNumber := a[0].Float()
		return data.Bool(a[0].Kind() == data.KindNone || a[0] == data.String("") || isNumber && n == 0), true
	}},
}

var power = reckon(nil, math.Pow)

func ofNumber(f func(float64) float64) func([]data.Value) (data.Value, bool) {
	return func(a []data.Value) (data.Value, bool) {
		v, ok := numeric(a[0])
		x, _ := v.Float()
		return settle(f(x), ok)
	}
}

// settle makes whole numbers of those without a fraction.
func settle(f float64, ok bool) (data.Value, bool) {
	if i, is := whole(f); is {
		return data.Int(i), ok
	}
	v := data.Float(f)
	return v, ok && v.Kind() != data.KindNone
}

// round rounds to whole numbers, or to some decimals.
func round(a []data.Value) (data.Value, bool) {
	v, ok := numeric(a[0])
	x, _ := v.Float()
	if len(a) == 1 {
		return settle(math.Round(x), ok)
	}
	n, ok2 := integer(a[1])
	scale := math.Pow(10, float64(n))
	return settle(math.Round(x*scale)/scale, ok && ok2 && n >= 0 && n <= 12)
}

// best is the lowest (-1) or highest (1).
func best(sign int) func([]data.Value) (data.Value, bool) {
	return func(a []data.Value) (data.Value, bool) {
		v, ok := numeric(a[0])
		for _, b := range a[1:] {
			b, ok2 := numeric(b)
			if ok = ok && ok2; !ok {
				break
			}
			if c, _ := compare(b, v); c == sign {
				v = b
			}
		}
		return v, ok
	}
}

func ofText(f func(string) string) func([]data.Value) (data.Value, bool) {
	return func(a []data.Value) (data.Value, bool) {
		s, ok := a[0].Text()
		return data.String(f(s)), ok
	}
}

func ofTexts(f func(s, t string) bool) func([]data.Value) (data.Value, bool) {
	return func(a []data.Value) (data.Value, bool) { return texts(f)(a[0], a[1]) }
}
