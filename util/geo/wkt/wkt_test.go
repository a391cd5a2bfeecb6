package wkt

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func TestParse(t *testing.T) {
	triangle := []Point{{0, 0}, {0, 10}, {10, 10}, {0, 0}}
	for text, want := range map[string]Shape{
		"CIRCLE (52.5 13.4, 250.5)":         Circle{Point{52.5, 13.4}, 250.5},
		" circle(52.5 13.4,250.5) ":         Circle{Point{52.5, 13.4}, 250.5},
		"LINESTRING (1 2, -3 -4.5)":         Line{{1, 2}, {-3, -4.5}},
		"LINESTRING\n(\t1e1 +2 , .5 180)":   Line{{10, 2}, {0.5, 180}},
		"POLYGON ((0 0, 0 10, 10 10, 0 0))": Polygon{triangle},
		"POLYGON((0 0,0 10,10 10))":         Polygon{triangle}, // the end left out
		"POLYGON ((0 0, 0 10, 10 10, 0 0), (1 1, 1 2, 2 2, 1 1))": Polygon{
			triangle, {{1, 1}, {1, 2}, {2, 2}, {1, 1}},
		},
	} {
		have, err := Parse(text)
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%q is %v, %v, want %v", text, have, err, want)
			continue
		}
		if again, err := Parse(Format(have)); err != nil || !reflect.DeepEqual(again, have) {
			t.Errorf("%q, written as %q, is %v, %v", text, Format(have), again, err)
		}
	}
}

func TestParseWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "begin with POLYGON",
		"POINT (1 2)":                      "begin with POLYGON",
		"CIRCLE":                           "'('",
		"CIRCLE (1 2)":                     "','",
		"CIRCLE (1 2, 0)":                  "radius",
		"CIRCLE (1 2, -5)":                 "radius",
		"CIRCLE (1 2, 1e9)":                "radius",
		"CIRCLE (1 2, 1e999)":              "number",
		"CIRCLE (1 2, 3) x":                "after the end",
		"CIRCLE (91 2, 3)":                 "latitude, then longitude",
		"CIRCLE (1 181, 3)":                "longitude 181",
		"CIRCLE (NaN 2, 3)":                "number",
		"LINESTRING (1 2)":                 "two points",
		"LINESTRING (1 2, 3)":              "number",
		"LINESTRING ()":                    "number",
		"POLYGON (1 2, 3 4, 5 6)":          "'('",
		"POLYGON ((1 2, 3 4))":             "three points",
		"POLYGON ((1 2, 3 4, 5 6)":         "')'",
		"POLYGON ((1 2, 3 4, 5 6), )":      "'('",
		"MULTIPOLYGON (((1 2, 3 4, 5 6)))": "begin with",
		"LINESTRING (" + strings.Repeat("1 2,", MaxPoints) + "1 2)": "more than",
	} {
		s, err := Parse(text)
		if !errors.Is(err, data.ErrInvalid) || s != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q is %v, %v, want %q", text, s, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"CIRCLE (52.5 13.4, 250.5)", "LINESTRING (1 2, -3 -4.5)", "POLYGON ((0 0, 0 10, 10 10, 0 0), (1 1, 1 2, 2 2))", "POLYGON ((",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if s != nil || !errors.Is(err, data.ErrInvalid) {
				t.Errorf("%q is %v, %v", text, s, err)
			}
			return
		}
		if again, err := Parse(Format(s)); err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%q, written as %q, is %v, %v", text, Format(s), again, err)
		}
	})
}
