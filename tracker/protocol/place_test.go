package protocol

import (
	"math"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestSetPlace(t *testing.T) {
	for _, c := range []struct {
		lat, lon float64
		ok       bool
	}{
		{52.5, 13.4, true},
		{-90, 180, true},
		{90.0001, 0, false},
		{0, -180.1, false},
		{math.NaN(), 0, false},
		{0, math.Inf(1), false},
	} {
		p := data.Position{Valid: true}
		SetPlace(&p, c.lat, c.lon)
		if p.Outdated == c.ok || (c.ok && (p.Latitude != c.lat || p.Longitude != c.lon)) {
			t.Errorf("%v, %v: %+v", c.lat, c.lon, p)
		}
		if !c.ok && (p.Valid || p.Latitude != 0 || p.Longitude != 0) {
			t.Errorf("%v, %v was kept: %+v", c.lat, c.lon, p)
		}
	}
}

func TestTimes(t *testing.T) {
	if have := Date(2026, 2, 28, 23, 59, 59); have != time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC) {
		t.Error(have)
	}
	for _, have := range []time.Time{
		Date(2000, 0, 0, 0, 0, 0), Date(2026, 13, 1, 0, 0, 0), Date(2026, 1, 1, 24, 0, 0),
		Date(2255, 1, 1, 0, 0, 0), Date(1999, 12, 31, 0, 0, 0), UnixMilli(364_000), UnixMilli(-1), UnixMilli(math.MaxInt64),
	} {
		if !have.IsZero() {
			t.Errorf("%v was believed", have)
		}
	}
	if have := UnixMilli(1374042849140); !have.Equal(time.Date(2013, 7, 17, 6, 34, 9, 140e6, time.UTC)) {
		t.Error(have)
	}
}

func TestText(t *testing.T) {
	for have, want := range map[string]string{"\r\n ok \x00\x00": "ok", "": "", "gr\xfcn": "grün", "grün": "grün"} {
		if got := Text([]byte(have)); got != want {
			t.Errorf("%q: %q, want %q", have, got, want)
		}
	}
}

func TestCourse(t *testing.T) {
	for have, want := range map[float64]float64{0: 0, 360: 360, 361: 0, -1: 0, 12.5: 12.5} {
		if got := Course(have); got != want {
			t.Errorf("%v: %v", have, got)
		}
	}
	if Course(math.NaN()) != 0 {
		t.Error("NaN")
	}
}
