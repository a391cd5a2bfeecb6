package fields

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func TestSplit(t *testing.T) {
	got := Split(make(List, 0, 3), []byte("a,,b,c"), ',')
	if len(got) != 3 || string(got[0]) != "a" || len(got[1]) != 0 || string(got[2]) != "b" {
		t.Errorf("got %q: room for three, and no more", got)
	}
	if got.At(-1) != nil || got.At(3) != nil || string(got.At(2)) != "b" {
		t.Error("At does not stay within")
	}
	if got.From(4) != nil || len(got.From(1)) != 2 {
		t.Error("From does not stay within")
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]float64{"0": 0, " 12.5 ": 12.5, "-0.25": -0.25, "+7": 7, ".5": 0.5, "5.": 5, "123456789012345678": 123456789012345678} {
		if v, ok := Number([]byte(in)); !ok || v != want {
			t.Errorf("%q: %v, %v", in, v, ok)
		}
	}
	for _, in := range []string{"", "-", ".", "1.2.3", "1e5", "0x10", "1234567890123456789", "NaN", "１"} {
		if v, ok := Number([]byte(in)); ok {
			t.Errorf("%q is %v", in, v)
		}
	}
	if v, ok := Integer([]byte(" -12 ")); !ok || v != -12 {
		t.Errorf("integer: %v, %v", v, ok)
	}
	if _, ok := Integer([]byte("1.5")); ok {
		t.Error("1.5 is an integer")
	}
	if v, ok := HexNumber([]byte("fF")); !ok || v != 255 {
		t.Errorf("hex: %v, %v", v, ok)
	}
	if v, ok := Integer([]byte("-123456789012345678")); !ok || v != -123456789012345678 {
		t.Errorf("18 digits: %v, %v", v, ok)
	}
	for _, in := range []string{"", "-", "+-1", "1234567890123456789", "0x1", "1_0"} {
		if v, ok := Integer([]byte(in)); ok {
			t.Errorf("integer %q is %v", in, v)
		}
	}
	for _, in := range []string{"", "0123456789abcdef0", "0x1", "-1", "g"} {
		if v, ok := HexNumber([]byte(in)); ok {
			t.Errorf("hex %q is %v", in, v)
		}
	}
}

// Every decimal is the nearest float64, beyond the digits that one division
// gets right as well.
func TestNumberIsExact(t *testing.T) {
	for _, in := range []string{"0.1", "22.6423153", "113.912345678901", "90071992547409.93", "0.3000000000000001", "9007199254740993.5"} {
		want, _ := strconv.ParseFloat(in, 64)
		if v, ok := Number([]byte(in)); !ok || v != want {
			t.Errorf("%s: %v, %v", in, v, ok)
		}
	}
}

// What is no number is common, as fields without a value are: it costs nothing.
func TestAllocations(t *testing.T) {
	inputs := [][]byte{[]byte("-12.5"), []byte("12x"), nil, []byte("123456789012345.67")}
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range inputs {
			Number(b)
			Integer(b)
			HexNumber(b)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDegrees(t *testing.T) {
	if v, ok := Degrees([]byte("5230.1234")); !ok || math.Abs(v-(52+30.1234/60)) > 1e-12 {
		t.Errorf("%v, %v", v, ok)
	}
	for _, in := range []string{"", "-5230.1", "x"} {
		if v, ok := Degrees([]byte(in)); ok {
			t.Errorf("%q is %v", in, v)
		}
	}
}

func TestCoordinate(t *testing.T) {
	if v, ok := Coordinate([]byte("5230.1234"), []byte("S")); !ok || math.Abs(v+52+30.1234/60) > 1e-12 {
		t.Errorf("south: %v, %v", v, ok)
	}
	if v, ok := Coordinate([]byte("00130.0"), []byte("E")); !ok || v != 1.5 {
		t.Errorf("east: %v, %v", v, ok)
	}
	for _, hemisphere := range []string{"", "n", "NE", "X"} {
		if v, ok := Coordinate([]byte("5230.1234"), []byte(hemisphere)); ok {
			t.Errorf("%q is %v", hemisphere, v)
		}
	}
}

func TestStamp(t *testing.T) {
	if got := Stamp([]byte("261122235958")); !got.Equal(time.Date(2026, 11, 22, 23, 59, 58, 0, time.UTC)) {
		t.Errorf("got %v", got)
	}
	for _, in := range []string{"", "26112223595", "2611222359580", "261322235958", "26112223595x", "x61122235958"} {
		if got := Stamp([]byte(in)); !got.IsZero() {
			t.Errorf("%q is %v", in, got)
		}
	}
}

func TestMoment(t *testing.T) {
	want := time.Date(2026, 11, 22, 23, 59, 58, 250e6, time.UTC)
	if got := Moment([]byte("221126"), []byte("235958.25")); !got.Equal(want) {
		t.Errorf("got %v", got)
	}
	for _, in := range [][2]string{{"", ""}, {"221126", ""}, {"321126", "000000"}, {"22112x", "000000"}, {"221126", "246000"}, {"2211260", "000000"}} {
		if got := Moment([]byte(in[0]), []byte(in[1])); !got.IsZero() {
			t.Errorf("%q is %v", in, got)
		}
	}
	if Pair([]byte("1"), 0) != NotDigits || Pair([]byte("x1"), 0) != NotDigits || Pair([]byte("a42"), 1) != 42 {
		t.Error("pair")
	}
	if AllHexDigits(nil) || AllHexDigits([]byte("1g")) || AllHexDigits([]byte(" 1")) || !AllHexDigits([]byte("09afAF")) {
		t.Error("hex digits")
	}
	if AllDigits(nil) || AllDigits([]byte("1a")) || !AllDigits([]byte("19")) {
		t.Error("digits")
	}
}
