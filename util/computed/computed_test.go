package computed

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// position is a car on its way.
func position() *data.Position {
	p := &data.Position{
		ID: 9, DeviceID: 4, Protocol: "teltonika", Valid: true, Latitude: 52.5, Longitude: 13.25, AltitudeM: 34,
		SpeedKnots: 20, CourseDeg: 90, AccuracyM: 5,
		FixTime: time.UnixMilli(1_790_000_000_000), DeviceTime: time.UnixMilli(1_790_000_000_000), ServerTime: time.UnixMilli(1_790_000_001_000),
	}
	p.Attributes.SetFloat("power", 12.5)
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetBool("motion", false)
	p.Attributes.SetInt("io240", 5)
	p.Attributes.SetInt("input", 6)
	p.Attributes.SetString("card", "A-17")
	p.Attributes.SetString("adc", " 12.5 ")
	p.Attributes.SetFloat("odd key!", 3)
	p.Attributes.SetFloat("temp.1", 21.5)
	return p
}

// TestExpressions computes what people write.
func TestExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"power * 1000":                    "12500.0",
		"speed > 10 ? true : false":       "true",
		"ignition && !motion":             "true",
		"ignition and not motion":         "true",
		"!ignition or motion":             "false",
		"speed * 1.852":                   "37.04",
		"io240 / 2":                       "2.5",
		"io240 % 2 == 1":                  "true",
		"io240 + 1":                       "6",
		"7 - 2 - 1":                       "4",
		"2 + 3 * 4":                       "14",
		"(2 + 3) * 4":                     "20",
		"-io240 + 1":                      "-4",
		"(input & 4) != 0":                "true",
		"input >> 1":                      "3",
		"~0 & 0xFF":                       "255",
		"input & 1 == 0 ? 'even' : 'x'":   "", // as in C: input & (1 == 0)
		"nothing":                         "null",
		"nothing == null":                 "true",
		"power != null":                   "true",
		"nothing ? 1 : 2":                 "2",
		"!nothing":                        "true",
		"nothing ?? 7":                    "7",
		"motion ?? 7":                     "false",
		"motion ?: 7":                     "7",
		"motion ? 1 : ignition ? 2 : 3":   "2",
		"'a' + \"b\" + 1":                 `"ab1"`,
		"card + ':' + io240":              `"A-17:5"`,
		"card == 'A-17'":                  "true",
		"card eq 'B'":                     "false",
		"card =~ 'A-[0-9]+'":              "true",
		"card !~ 'B.*'":                   "true",
		`card =~ '\w-\d\d'`:               "true",
		"card =^ 'A-'":                    "true",
		"card =$ '17'":                    "true",
		"adc * 2":                         "25.0",
		"adc == 12.5":                     "true",
		"'b' > 'a'":                       "true",
		"math:floor(power)":               "12",
		"math.ceil(power) + 1":            "14",
		"round(power / 7, 2)":             "1.79",
		"round(-2.5)":                     "-3",
		"abs(-3)":                         "3",
		"min(3, power, 5)":                "3",
		"max(io240, power)":               "12.5",
		"pow(2, 10)":                      "1024.0",
		"sqrt(16)":                        "4",
		"number('0017')":                  "17",
		"string(io240) + '%'":             `"5%"`,
		"upper(card) == card":             "true",
		"lower('ÄB')":                     `"äb"`,
		"contains(card, '-')":             "true",
		"size(card)":                      "4",
		"empty(nothing) && empty('')":     "true",
		"empty nothing":                   "true",
		"attribute('odd key!') + 1":       "4.0",
		"temp.1 > 20":                     "true",
		"latitude + longitude":            "65.75",
		"altitude":                        "34.0",
		"course lt 180 and accuracy le 5": "true",
		"valid ? protocol : ''":           `"teltonika"`,
		"serverTime - fixTime":            "1000",
		"deviceId * 10 + id":              "49",
		"1e3":                             "1000.0",
		"1e-3 * 1000 == 1":                "true",
		".5 + .5":                         "1.0",
		"0x10":                            "16",
		"9223372036854775807 + 1 > 0":     "true",
		"'it\\'s' + '\\n'":                `"it's\u000a"`,
		"true || 1 / 0":                   "true", // not looked at
		" \tpower\n":                      "12.5",
	} {
		program, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		v, err := program.Eval(position())
		if want == "" {
			if !errors.Is(err, data.ErrInvalid) {
				t.Errorf("%s = %s, want an error", expression, show(v))
			}
			continue
		}
		if got := string(v.AppendJSON(nil)); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", expression, got, err, want)
		}
	}
}

// TestWrong wants errors that say where.
func TestWrong(t *testing.T) {
	for expression, want := range map[string]string{
		"":                 "column 1: the expression ends where a value is missing",
		"power *":          "column 8: the expression ends where a value is missing",
		"power ** 2":       `column 8: a value is missing before "*"`,
		"(power":           `column 7: the expression ends where ")" is missing`,
		"a ? b":            `column 6: the expression ends where ":" is missing`,
		"power power":      `column 7: "power" is too much here`,
		"'text":            "column 1: the text has no end, a ' is missing",
		"power = 3":        `column 7: '=' has no meaning here`,
		"var x = 3; x":     `column 7: '=' has no meaning here`,
		"12volt":           `column 1: "12volt" is no number`,
		"0xZZ":             `column 1: "0xZZ" is no number`,
		"sin(3)":           `column 1: there is no function "sin"`,
		"min()":            "column 1: min takes 1 to 20 values, not 0",
		"abs(1, 2)":        "column 1: abs takes 1 value, not 2",
		"card =~ power":    "column 6: a pattern must be a text in quotes",
		"card =~ '('":      `column 6: the pattern "(" cannot be read`,
		"attribute(power)": "column 1: attribute takes the name of an attribute in quotes",
		"1" + strings.Repeat("+1", MaxExpression/2): "longer than",
		strings.Repeat("(", 200):                    "column 51: the expression is too deep",
		strings.Repeat("!", 200) + "x":              "the expression is too deep",
		"now()":                                     `there is no function "now"`,
	} {
		_, err := Compile(expression)
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", expression, err, want)
		}
	}
	for _, expression := range []string{
		"nothing * 2", "1 / 0", "io240 % 0", "card * 2", "card && true", "power < nothing", "input & 0.5", "upper(power)", "sqrt(-1)", "'a' + nothing",
	} {
		program, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := program.Eval(position()); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s = %s, %v; want an error", expression, show(v), err)
		}
	}
}

// TestTextsAreBounded doubles a text until it would be too long.
func TestTextsAreBounded(t *testing.T) {
	p := position()
	p.Attributes.SetString("long", strings.Repeat("x", maxText/2+1))
	program, err := Compile("long + long")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.Eval(p); !errors.Is(err, data.ErrInvalid) || len(err.Error()) > 300 {
		t.Error(err)
	}
}

func attributes(of ...string) (out []data.ComputedAttribute) {
	for i := 0; i+2 < len(of); i += 3 {
		out = append(out, data.ComputedAttribute{ID: int64(i), Attribute: of[i], Type: of[i+1], Expression: of[i+2]})
	}
	return out
}

// TestSet computes in order, what depends on derived values after those, and
// goes on after failures.
func TestSet(t *testing.T) {
	list := attributes(
		"odo", Number, "totalDistance / 1000",
		"milli", Number, "power * 1000",
		"broken", Number, "power *",
		"fails", Number, "nothing * 2",
		"none", Number, "nothing",
		"typed", Number, "ignition",
		"odd", "date", "1",
		"double", Number, "milli * 2",
		"far", Boolean, "odo > 5",
		"label", Text, "milli",
		"moving", Text, "motion ? 'yes' : 'no'",
	)
	list[7].Priority = -1 // after what it needs
	list[1].Priority = 5
	c := &Compiler{}
	set := c.Set(list)
	if c.Set(list) != set {
		t.Error("the same set was compiled twice")
	}
	p := position()
	if failed := set.Before(p); failed != 4 {
		t.Errorf("%d failed before", failed)
	}
	if got := p.Attributes.Get("moving"); got.Kind() != data.KindNone {
		t.Error("motion was read before it is derived")
	}
	p.Attributes.SetFloat("totalDistance", 6000)
	if failed := set.After(p); failed != 0 {
		t.Errorf("%d failed after", failed)
	}
	for key, want := range map[string]string{
		"milli": "12500.0", "double": "25000.0", "odo": "6.0", "far": "true", "label": `"12500.0"`, "moving": `"no"`,
		"broken": "null", "fails": "null", "none": "null", "typed": "null", "odd": "null",
	} {
		if got := string(p.Attributes.Get(key).AppendJSON(nil)); got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
	var none *Set
	if none.Before(p)+none.After(p) != 0 || c.Set(nil) != nil {
		t.Error("without computed attributes something failed")
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct{ kind, expression, want string }{
		{Number, "'12'", "12"},
		{Number, "1.5", "1.5"},
		{Number, "true", ""},
		{Number, "'x'", ""},
		{Boolean, "'true'", "true"},
		{Boolean, "1", ""},
		{Boolean, "1 > 0", "true"},
		{Text, "1.5", `"1.5"`},
		{Text, "true", `"true"`},
		{Text, "nothing", "null"},
		{"date", "1", ""},
	} {
		v, err := Test(&data.ComputedAttribute{Attribute: "a", Type: c.kind, Expression: c.expression}, position())
		if got := string(v.AppendJSON(nil)); c.want == "" && !errors.Is(err, data.ErrInvalid) || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s of %s: %s, %v; want %q", c.kind, c.expression, got, err, c.want)
		}
	}
}

// FuzzExpression wants an error or a value, whatever is written, and the same
// each time.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"power * 1000", "ignition && !motion ? 'a' : \"b\" + 1", "min(1, attribute('x')) ?? empty y", "card =~ '(a+)+$' || ~1 << 99", "math:pow(9, 9e9) % -1", "((((",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		program, err := Compile(s)
		if err != nil {
			if !errors.Is(err, data.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		a, errA := program.Eval(position())
		b, errB := program.Eval(position())
		if a != b || (errA == nil) != (errB == nil) {
			t.Fatalf("%s, %v and then %s, %v", show(a), errA, show(b), errB)
		}
		if text, ok := a.Text(); ok && len(text) > 4*maxText {
			t.Fatalf("a text of %d bytes", len(text))
		}
		for _, kind := range []string{Number, Text, Boolean} {
			if v, err := convert(a, kind); err == nil && v.Kind() != data.KindNone && kind == Boolean && v.Kind() != data.KindBool {
				t.Fatalf("%s is no boolean", show(v))
			}
		}
	})
}

// BenchmarkFive is five attributes of one position.
func BenchmarkFive(b *testing.B) {
	set := (&Compiler{}).Set(attributes(
		"milli", Number, "power * 1000", "fast", Boolean, "speed > 10 ? true : false", "parked", Boolean, "ignition && !motion",
		"bit", Boolean, "(input & 4) != 0", "level", Number, "round(power / 14.4 * 100)",
	))
	p := position()
	b.ReportAllocs()
	for b.Loop() {
		set.Before(p)
		set.After(p)
	}
}
