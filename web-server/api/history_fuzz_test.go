package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func FuzzHistoryParameters(f *testing.F) {
	f.Add("deviceId=1&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00.123456Z&points=5&zoom=3&geofenceId=2", "3", "1", "2")
	f.Add("deviceId=1&from=2026-03-01T11:00:00.000 01:00&to=2026-03-02T00:00:00+0200", "20", "1048575", "0")
	f.Fuzz(func(t *testing.T, raw, z, x, y string) {
		q, ask, err := parseHistoryQuery(raw)
		if err == nil && (ask.deviceID <= 0 || ask.from.IsZero() || ask.to.Before(ask.from) || ask.ids != nil) {
			t.Errorf("%q is taken for %+v", raw, ask)
		}
		if err == nil {
			if n, area, err := parseDetail(q); err == nil && (n < 2 || n > maxTrackPoints || area < 0 || math.IsNaN(area)) {
				t.Errorf("%q: %d points, %v", raw, n, area)
			}
		}
		if tile, err := parseTile(z, x, y); err == nil && (tile.zoom < 0 || tile.zoom > maxZoom || tile.x < 0 || tile.x >= 1<<tile.zoom || tile.y >= 1<<tile.zoom) {
			t.Errorf("%+v", tile)
		}
	})
}

func FuzzShare(f *testing.F) {
	f.Add(`{"deviceIds":[1],"arrival":{"latitude":1,"longitude":2,"radius":3},"hidden":[{"radius":5}],"blur":10,"expirationTime":"2026-01-01T00:00:00Z"}`)
	f.Add(`{"groupId":1,"name":null,"expirationTime":null,"trailHours":744}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := http.NewRequest("POST", "/api/shares", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var sh data.Share
		if readShare(r, &sh) != nil {
			return
		}
		if (len(sh.DeviceIDs) == 0) == (sh.GroupID == 0) || sh.BlurM < 0 || sh.BlurM > maxBlurM || sh.Trail() < 0 || sh.Delay() < 0 {
			t.Errorf("%s is taken for %+v", body, sh)
		}
		if _, err := json.Marshal(sh.ShareView); err != nil {
			t.Errorf("%s cannot be stored: %v", body, err)
		}
	})
}
