package geo

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, have, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(have) || math.Abs(have-want) > tolerance {
		t.Errorf("%s: have %v, want %v", what, have, want)
	}
}

func TestDistance(t *testing.T) {
	near(t, "same point", Distance(52.5, 13.4, 52.5, 13.4), 0, 0)
	near(t, "a degree of latitude", Distance(0, 0, 1, 0), 111_195, 1)
	near(t, "a degree of longitude at 60 degrees", Distance(60, 0, 60, 1), 55_597, 5)
	near(t, "across the date line", Distance(0, 179.5, 0, -179.5), 111_195, 1)
	near(t, "to the other side", Distance(0, 0, 0, 180), math.Pi*earthRadiusM, 1)
	near(t, "a metre", Distance(52.5, 13.4, 52.5+1/111195.08, 13.4), 1, 1e-6)
	near(t, "Berlin to Lisbon", Distance(52.52, 13.405, 38.7223, -9.1393), 2_312_000, 3_000)
}

func TestBearing(t *testing.T) {
	near(t, "north", Bearing(0, 0, 1, 0), 0, 1e-9)
	near(t, "east", Bearing(0, 0, 0, 1), 90, 1e-9)
	near(t, "south", Bearing(1, 0, 0, 0), 180, 1e-9)
	near(t, "west", Bearing(0, 0, 0, -1), 270, 1e-9)
	near(t, "same point", Bearing(10, 10, 10, 10), 0, 0)
	near(t, "east over the date line", Bearing(0, 179.9, 0, -179.9), 90, 1e-9)
}

func TestDestination(t *testing.T) {
	for _, c := range []struct{ lat, lon, bearing, distance float64 }{
		{52.5, 13.4, 37, 1500}, {-37.8, 144.96, 250, 12_000}, {0, 179.99, 90, 5_000}, {38.7, -9.1, 1, 3},
	} {
		lat, lon := Destination(c.lat, c.lon, c.bearing, c.distance)
		near(t, "distance", Distance(c.lat, c.lon, lat, lon), c.distance, 1e-3)
		near(t, "bearing", Bearing(c.lat, c.lon, lat, lon), c.bearing, 1e-2)
		if lon < -180 || lon >= 180 {
			t.Errorf("longitude %v", lon)
		}
	}
	lat, _ := Destination(90, 0, 0, 1000)
	if math.IsNaN(lat) {
		t.Error("no number at the pole")
	}
}
