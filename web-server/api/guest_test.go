package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/filter"
)

// A guest reads what is shared and nothing else: every route of the server is
// tried, also those that will be added.
func TestGuestIsolation(t *testing.T) {
	e := newEnv(t)
	u, root := e.user("ann", false), e.user("root", true)
	c, admin := e.client().signIn(u), e.client().signIn(root)
	d, foreign := e.device("d", u), e.secretDevice("secretdevice", u, root)
	e.at(d.ID, 52, 13)
	p := e.at(foreign.ID, 52, 13)
	sh := c.newShare(map[string]any{"deviceIds": []int64{d.ID}, "trailHours": 24})
	e.advance(time.Minute)
	g := e.guest(sh.Token)
	allowed := map[string]bool{
		"/socket": true, "/stream": true, "/server": true, "/session": true, "/health": true, "/public/{token}": true,
		"/openapi.yaml": true, "/openapi.json": true, "/docs": true, "/docs/style.css": true,
	}
	err := chi.Walk(e.server.Handler().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path, ok := strings.CutPrefix(route, "/api")
		if !ok || allowed[path] || path == "/*" {
			return nil
		}
		path = strings.NewReplacer("{id}", fmt.Sprint(foreign.ID), "{uniqueId}", foreign.UniqueID, "{z}", "0", "{x}", "0", "{y}", "0",
			"{format:csv|geojson|gpx|jsonl|kml|kmz}", "csv", "/*", "").Replace(path)
		for _, query := range []string{"", span(foreign.ID), fmt.Sprintf("?id=%d", p.ID), fmt.Sprintf("?userId=%d", u.ID), "?all=true", "?uniqueId=id-secretdevice"} {
			a := g.do(method, "/api"+path+query, nil)
			if strings.Contains(a.body, "secret") || a.code/100 == 2 && a.body != "[]" && method != "GET" {
				t.Errorf("%s %s%s: %d %.200s", method, path, query, a.code, a.body)
			}
			if a.code/100 == 2 && !guestPaths[path] && !strings.HasPrefix(path, "/positions") {
				t.Errorf("%s %s%s is open to guests", method, path, query)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/users", "/api/shares", "/api/permissions", "/api/audit", "/api/commands", "/api/media/id-d/x"} {
		g.want(403, "GET", path, nil)
	}
	g.want(403, "POST", "/api/shares", map[string]any{"deviceIds": []int64{d.ID}})
	g.want(403, "POST", "/api/users", map[string]any{"name": "x", "email": "x@example.org", "password": "correct horse"})
	// Sockets hear nothing of others, and no events.
	s := g.open()
	if !strings.Contains(s.first, fmt.Sprintf(`"deviceId":%d,`, d.ID)) || strings.Contains(s.first, fmt.Sprintf(`"deviceId":%d,`, foreign.ID)) {
		t.Errorf("begins with %s", s.first)
	}
	if err := s.conn.Write(t.Context(), 1, []byte(`{"logs":true}`)); err != nil {
		t.Fatal(err)
	}
	e.advance(time.Minute)
	e.bus.publishLive(e.at(foreign.ID, 1, 1))
	e.bus.publishLogs(data.LogLine{DeviceID: d.ID})
	e.advance(time.Minute)
	e.bus.publishLive(e.at(d.ID, 53, 13))
	for {
		m := s.read()
		if strings.Contains(m, "secret") || strings.Contains(m, fmt.Sprintf(`"deviceId":%d,`, foreign.ID)) || strings.Contains(m, "logs") {
			t.Errorf("a guest hears %s", m)
		}
		if strings.Contains(m, `"latitude":53`) {
			break
		}
	}
	// Others do not see the share, administrators not its token.
	stranger := e.client().signIn(e.user("bob", false))
	if got := stranger.want(200, "GET", "/api/shares?all=true", nil); got != "[]" {
		t.Error(got)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		foreign, missing := stranger.do(method, fmt.Sprintf("/api/shares/%d", sh.ID), map[string]any{}), stranger.do(method, "/api/shares/999", map[string]any{})
		if foreign.code != 404 || foreign.body != missing.body {
			t.Errorf("%s: %d %s", method, foreign.code, foreign.body)
		}
	}
	stranger.want(404, "POST", "/api/shares", map[string]any{"deviceIds": []int64{d.ID}})
	stranger.want(404, "POST", "/api/share/device", url.Values{"deviceId": {fmt.Sprint(d.ID)}, "expiration": {"2026-03-02T12:00:00Z"}})
	if got := admin.want(200, "GET", "/api/shares?all=true", nil); !strings.Contains(got, fmt.Sprintf(`"id":%d,`, sh.ID)) || strings.Contains(got, sh.Token) {
		t.Error(got)
	}
	admin.want(403, "PUT", fmt.Sprintf("/api/shares/%d", sh.ID), map[string]any{"blur": 0})
	admin.want(204, "DELETE", fmt.Sprintf("/api/shares/%d", sh.ID), nil)
	g.want(401, "GET", "/api/devices", nil)
	if strings.Contains(e.logged(), sh.Token) {
		t.Error("the token is in the log")
	}
}

// A device that is called by its identifier is not, to guests: whoever knows it
// could report in its place.
func TestGuestSeesNoIdentifier(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	for name, hidden := range map[string]bool{"860000000900018": true, "Van 860000000900018": true, "Van": false} {
		d := e.device(name, u)
		d.UniqueID, d.Name = "860000000900018", name
		if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		e.at(d.ID, 52, 13)
		sh := c.newShare(map[string]any{"deviceIds": []int64{d.ID}, "trailHours": 24})
		g := e.guest(sh.Token)
		s := g.open()
		for _, text := range []string{
			g.want(200, "GET", "/api/devices", nil), g.want(200, "GET", "/api/public/"+sh.Token, nil), s.first, g.want(200, "GET", "/api/session", nil),
			g.do("GET", "/api/positions/gpx"+span(d.ID), nil).header.Get("Content-Disposition"),
		} {
			if strings.Contains(text, "86000000") {
				t.Errorf("%s: %.300s", name, text)
			}
		}
		if list := g.want(200, "GET", "/api/devices?keyword=86000000", nil); list != "[]" {
			t.Errorf("%s is found by its identifier: %s", name, list)
		}
		if shown := strings.Contains(g.want(200, "GET", "/api/devices", nil), `"name":"Van"`); shown == hidden {
			t.Errorf("%s: shown by its name: %t", name, shown)
		}
		d.UniqueID = name + " done"
		if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGuestSeesWhatIsBelieved: a guest is not told what filters doubt, neither in
// the trail nor as the last place.
func TestGuestSeesWhatIsBelieved(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d := e.device("Car", u)
	at := func(lat float64, doubted bool) data.Position {
		e.advance(time.Minute)
		now := e.clock()
		p := data.Position{DeviceID: d.ID, Protocol: "test", DeviceTime: now, FixTime: now, ServerTime: now, Valid: true, Latitude: lat, Longitude: 13}
		if doubted {
			p.Attributes.SetString(filter.KeyReason, string(filter.Jump))
		}
		list := []data.Position{p}
		if err := e.store.InsertPositions(t.Context(), list, []uint64{p.Fingerprint()}, nil); err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	first, _, second := at(52, false), at(53, true), at(52.001, false)
	doubted, _ := at(54, true), at(55, true)
	g := e.guest(e.client().signIn(u).newShare(map[string]any{"deviceIds": []int64{d.ID}, "trailHours": 24}).Token)
	if got := ids(t, g.want(200, "GET", "/api/positions", nil)); !slices.Equal(got, []int64{second.ID}) {
		t.Errorf("the last place is %v, want %d", got, second.ID)
	}
	if got := ids(t, g.want(200, "GET", "/api/positions"+span(d.ID), nil)); !slices.Equal(got, []int64{first.ID, second.ID}) {
		t.Errorf("the trail is %v", got)
	}
	if got := g.want(200, "GET", fmt.Sprintf("/api/positions?id=%d", doubted.ID), nil); got != "[]" {
		t.Errorf("by id: %s", got)
	}
}
