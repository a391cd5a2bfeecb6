package fleet

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/geo/wkt"
	"github.com/waymark-gps/waymark/util/geofence"
)

func TestSpot(t *testing.T) {
	fences := []geofence.Fence{
		{ID: 3, Area: wkt.Circle{Center: wkt.Point{Lat: 52.5, Lon: 13.4}, RadiusM: 100}},
		{ID: 4, Area: wkt.Circle{Center: wkt.Point{Lat: 52.5, Lon: 13.4}, RadiusM: 20_000}},
		{ID: 5, Area: wkt.Circle{Center: wkt.Point{Lat: -10, Lon: 179.99}, RadiusM: 100}},
		{ID: 6, Area: wkt.Circle{Center: wkt.Point{Lat: 10, Lon: 10}, RadiusM: 100}}, // somebody else's
	}
	ix, err := geofence.New(fences)
	if err != nil {
		t.Fatal(err)
	}
	s := &Settings{
		Fences: ix, FenceSet: ix.Set([]int64{3, 5}), AddressM: 30_000,
		Geofences: []data.Geofence{{ID: 3, Name: "Depot"}, {ID: 5, Name: "Pier"}},
	}
	at := func(lat, lon, bearing, distance float64) string {
		lat, lon = geo.Destination(lat, lon, bearing, distance)
		return s.Name(s.Spot(geofence.Point{Lat: lat, Lon: lon}))
	}
	for _, c := range []struct {
		lat, lon, bearing, distance float64
		want                        string
	}{
		{52.5, 13.4, 0, 0, "Depot"},
		{52.5, 13.4, 77, 129, "Depot"}, // as a device has not left yet there
		{52.5, 13.4, 46, 132, "Depot · 30 m NE"},
		{52.5, 13.4, 350, 184, "Depot · 80 m N"},
		{52.5, 13.4, 200, 430, "Depot · 350 m S"},
		{52.5, 13.4, 270, 1090, "Depot · 1 km W"},
		{52.5, 13.4, 135, 1350, "Depot · 1.3 km SE"},
		{52.5, 13.4, 225, 12_900, "Depot · 13 km SW"},
		{52.5, 13.4, 225, 31_000, ""},
		{-10, 179.99, 90, 5100, "Pier · 5 km E"}, // beyond the antimeridian
		{10, 10, 0, 0, ""},
	} {
		if have := at(c.lat, c.lon, c.bearing, c.distance); have != c.want {
			t.Errorf("%v m at %v° of %v %v: %q, want %q", c.distance, c.bearing, c.lat, c.lon, have, c.want)
		}
	}
	for _, c := range []struct {
		of   []map[string]any
		want float64
	}{
		{nil, 500},
		{[]map[string]any{{AddressKey: "200"}, {AddressKey: 0.0}}, 0},
		{[]map[string]any{{AddressKey: 1e8}}, maxAddressM},
		{[]map[string]any{{AddressKey: 100.0}, {AddressKey: "far"}}, 100},
	} {
		if have := addressM(c.of); have != c.want {
			t.Errorf("%v: %v, want %v", c.of, have, c.want)
		}
	}
	if have := s.Name(Spot{fence: 6}); have != "" {
		t.Errorf("named %q", have)
	}
}
