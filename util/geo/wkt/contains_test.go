package wkt

import "testing"

func TestContains(t *testing.T) {
	const (
		square = "POLYGON ((50 10, 50 20, 60 20, 60 10, 50 10))"
		holed  = "POLYGON ((50 10, 50 20, 60 20, 60 10, 50 10), (54 14, 54 16, 56 16, 56 14, 54 14))"
		fiji   = "POLYGON ((-20 175, -20 -175, -10 -175, -10 175, -20 175))"
		circle = "CIRCLE (52.5 13.4, 100)"
		line   = "LINESTRING (52.5 13.4, 52.6 13.4)"
	)
	for _, test := range []struct {
		area     string
		lat, lon float64
		want     bool
	}{
		{square, 55, 15, true},
		{square, 49, 15, false},
		{square, 61, 15, false},
		{square, 55, 9, false},
		{square, 55, 21, false},
		{square, 55, -165, false},
		{holed, 55, 15, false},
		{holed, 53, 15, true},
		{holed, 55, 13, true},
		{fiji, -15, 179, true},
		{fiji, -15, -179, true},
		{fiji, -15, 170, false},
		{fiji, -15, 0, false},
		{fiji, -25, 180, false},
		{circle, 52.5008, 13.4, true},
		{circle, 52.501, 13.4, false},
		{line, 52.55, 13.4003, true},
		{line, 52.55, 13.4005, false},
		{line, 52.6002, 13.4, true},
		{line, 52.601, 13.4, false},
		{line, 52.4, 13.4, false},
	} {
		s, err := Parse(test.area)
		if err != nil {
			t.Fatal(err)
		}
		if have := Contains(s, test.lat, test.lon, 25); have != test.want {
			t.Errorf("%s contains %v %v: %v", test.area, test.lat, test.lon, have)
		}
	}
}
