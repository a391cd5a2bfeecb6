package flat

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestRefusals(t *testing.T) {
	if _, err := Form(strings.Repeat("a=1&", MaxValues+1)); !errors.Is(err, data.ErrInvalid) {
		t.Error("too many parameters are taken")
	}
	if _, err := Form("pass=%zzsecret"); !errors.Is(err, data.ErrInvalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("broken escape: %v", err)
	}
	for _, body := range []string{"", "[]", "1", `{"a":`} {
		if _, err := JSON([]byte(body)); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
	for _, v := range [][]Value{{{"lat", "north"}}, {{"lon", "NaN"}}} {
		if _, _, err := Read("x", v); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestSecretsAreNoAttributes(t *testing.T) {
	_, p, err := Read("x", []Value{{"token", "a"}, {"pass", "b"}, {"Password", "c"}, {"key", "d"}, {"user", "e"}})
	if err != nil || len(p.Attributes) != 0 {
		t.Errorf("%v, %v", p.Attributes, err)
	}
}

func TestIdentityByRank(t *testing.T) {
	id, _, err := Read("x", []Value{{"ser", "3"}, {"device", "2"}, {"id", ""}}, "id", "device", "ser")
	if err != nil || id != "2" {
		t.Errorf("%q, %v", id, err)
	}
}

func TestSpeeds(t *testing.T) {
	for _, v := range []Value{{"speed", "10"}, {"SPD", "10"}, {"spd_kph", "36"}, {"speed_kmh", "36"}} {
		_, p, err := Read("x", []Value{v})
		if err != nil || p.SpeedKnots < 19.4384 || p.SpeedKnots > 19.4385 {
			t.Errorf("%v: %v, %v", v, p.SpeedKnots, err)
		}
	}
	for _, text := range []string{"-1", "", "1e300", "fast"} {
		if _, p, err := Read("x", []Value{{"speed", text}}); err != nil || p.SpeedKnots != 0 {
			t.Errorf("%q: %v, %v", text, p.SpeedKnots, err)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 6, 1, 8, 30, 0, 0, time.UTC)
	for _, text := range []string{"1780302600", "1780302600000", "2026-06-01T08:30:00Z", "2026-06-01T10:30:00 02:00", "2026-06-01T10:30:00+0200", "2026-06-01 08:30:00"} {
		if _, p, err := Read("x", []Value{{"time", text}}); err != nil || !p.DeviceTime.Equal(want) {
			t.Errorf("%s: %v, %v", text, p.DeviceTime, err)
		}
	}
	// The number counts, whichever comes first: a text may lack its zone.
	if _, p, _ := Read("x", []Value{{"timestamp", "1780302600"}, {"time", "2026-06-01T10:30:00"}}); !p.DeviceTime.Equal(want) {
		t.Error(p.DeviceTime)
	}
	if _, p, _ := Read("x", []Value{{"time", "%TIME"}}); !p.DeviceTime.IsZero() {
		t.Error(p.DeviceTime)
	}
}

func TestNoPlace(t *testing.T) {
	for _, v := range [][]Value{nil, {{"lat", "0"}, {"lon", "0"}}, {{"lat", "1"}}, {{"lat", "91"}, {"lon", "1"}}} {
		if _, p, err := Read("x", v); err != nil || !p.Outdated || p.Valid || p.Latitude != 0 {
			t.Errorf("%v: %+v, %v", v, p, err)
		}
	}
}
