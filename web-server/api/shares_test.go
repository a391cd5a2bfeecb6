package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/live"
)

// newShare makes a share over HTTP.
func (c *client) newShare(body map[string]any) (sh struct {
	ID    int64
	Token string
	Link  string
},
) {
	c.e.t.Helper()
	if err := json.Unmarshal([]byte(c.want(200, "POST", "/api/shares", body)), &sh); err != nil || sh.Token == "" || sh.Link != "/?token="+sh.Token {
		c.e.t.Fatalf("%+v %v", sh, err)
	}
	return sh
}

// guest is a browser that opened a link.
func (e *env) guest(token string) *client {
	e.t.Helper()
	c := e.client()
	c.want(200, "GET", "/api/session?token="+token, nil)
	return c
}

// secretDevice has something in every field that a guest must not see.
func (e *env) secretDevice(name string, users ...data.User) data.Device {
	e.t.Helper()
	d := e.device(name, users...)
	d.Phone, d.Contact, d.Model, d.Category = "+49secret", "secret@example.org", "secretmodel", "car"
	d.Attributes = map[string]any{"note": "secret"}
	if err := e.store.UpdateDevice(e.t.Context(), &d); err != nil {
		e.t.Fatal(err)
	}
	return d
}

// at stores a position with secrets in it.
func (e *env) at(deviceID int64, lat, lon float64) data.Position {
	e.t.Helper()
	now := e.clock()
	p := data.Position{
		DeviceID: deviceID, Protocol: "secretprotocol", ServerTime: now, DeviceTime: now, FixTime: now, Valid: true, Latitude: lat, Longitude: lon,
		SpeedKnots: 10, CourseDeg: 77, AltitudeM: 123, Network: &data.Network{WifiAccessPoints: []data.WifiAccessPoint{{MAC: "se:cr:et:00:00:00"}}},
	}
	p.Attributes.SetBool("motion", true)
	p.Attributes.SetString("vin", "secret")
	list := []data.Position{p}
	if err := e.store.InsertPositions(e.t.Context(), list, []uint64{p.Fingerprint()}, nil); err != nil {
		e.t.Fatal(err)
	}
	return list[0]
}

// everything is all that a guest gets to read of a device.
func (c *client) everything(deviceID int64) string {
	c.e.t.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/api/devices", fmt.Sprintf("/api/devices/%d", deviceID), "/api/positions", "/api/positions" + span(deviceID),
		"/api/positions/track" + span(deviceID), "/api/positions/csv" + span(deviceID), "/api/positions/gpx" + span(deviceID),
		"/api/positions/kml" + span(deviceID), "/api/positions/geojson" + span(deviceID), "/api/positions/jsonl" + span(deviceID),
	} {
		b.WriteString(c.want(200, "GET", path, nil) + "\n")
	}
	s := c.open()
	b.WriteString(s.first)
	s.conn.CloseNow()
	return b.String()
}

func TestShare(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	d, private := e.secretDevice("Car", u), e.secretDevice("private", u)
	p1 := e.at(d.ID, 52.1, 13.1)
	e.advance(2 * time.Hour)
	p2 := e.at(d.ID, 52.2, 13.2)
	hiddenPosition := e.at(private.ID, 1, 2)

	token := c.want(200, "POST", "/api/share/device", url.Values{"deviceId": {fmt.Sprint(d.ID)}, "expiration": {"2026-03-02T12:00:00.000Z"}})
	g := e.guest(token)
	var me struct {
		Temporary, Readonly, Administrator bool
		ID                                 int64
	}
	if err := json.Unmarshal([]byte(g.want(200, "GET", "/api/session", nil)), &me); err != nil || !me.Temporary || !me.Readonly || me.Administrator || me.ID >= 0 {
		t.Errorf("%+v %v", me, err)
	}
	all := g.everything(d.ID)
	for _, secret := range []string{"secret", "se:cr", "id-Car", "vin"} {
		if strings.Contains(all, secret) {
			t.Errorf("a guest reads %q in %s", secret, all)
		}
	}
	if got := ids(t, g.want(200, "GET", "/api/positions", nil)); len(got) != 1 || got[0] != p2.ID {
		t.Errorf("positions %v", got)
	}
	byID := fmt.Sprintf("/api/positions?id=%d&id=%d&id=%d", p1.ID, p2.ID, hiddenPosition.ID)
	if got := ids(t, g.want(200, "GET", byID, nil)); len(got) != 1 || got[0] != p2.ID { // live only
		t.Errorf("by id %v", got)
	}
	if got := g.want(200, "GET", "/api/positions"+span(d.ID), nil); got != "[]" {
		t.Errorf("a share without a trail has one: %s", got)
	}
	if got := g.want(200, "GET", "/api/devices?uniqueId=id-Car", nil); got != "[]" {
		t.Errorf("found by what is hidden: %s", got)
	}
	if got := g.want(200, "GET", "/api/devices?keyword=id-", nil); got != "[]" {
		t.Errorf("found by what is hidden: %s", got)
	}
	// Home-made links and header tokens.
	g2 := e.client()
	g2.want(200, "GET", "/api/devices", nil, "Authorization", "Bearer "+token)
	e.client().want(401, "GET", "/api/devices", nil, "Authorization", "Bearer share_x")
	e.client().want(401, "GET", "/api/session?token=share_x", nil)
	if a := e.client().do("GET", "/api/public/"+token, nil); a.code != 200 || strings.Contains(a.body, "secret") || !strings.Contains(a.body, `"latitude":52.2`) {
		t.Errorf("public: %d %s", a.code, a.body)
	}
	e.client().want(404, "GET", "/api/public/share_x", nil)
	if list := c.want(200, "GET", "/api/shares", nil); !strings.Contains(list, token) || !strings.Contains(list, `"opened":1`) {
		t.Errorf("listed as %s", list)
	}
	// It ends by time, at once and everywhere.
	s := g.open()
	e.advance(22 * time.Hour)
	e.position(d.ID, 0)
	e.bus.publishLive(p2)
	if code := s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("closed with %d", code)
	}
	g.want(404, "GET", "/api/session", nil)
	g.want(401, "GET", "/api/devices", nil)
	e.client().want(404, "GET", "/api/public/"+token, nil)
}

func TestShareMasks(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	d := e.device("d", u)
	step := func(lat float64) data.Position { e.advance(10 * time.Minute); return e.at(d.ID, lat, 13) }
	old := step(50)
	e.advance(5 * time.Hour)
	step(52.0)
	home := step(52.1)
	step(52.2)
	recent := step(52.3)
	sh := c.newShare(map[string]any{
		"deviceIds": []int64{d.ID}, "trailHours": 2, "delayMinutes": 5, "blur": 2000,
		"hidden": []map[string]float64{{"latitude": 52.1, "longitude": 13, "radius": 500}},
	})
	g := e.guest(sh.Token)
	all := g.everything(d.ID)
	for what, p := range map[string]data.Position{"older than the trail": old, "at home": home, "not yet shown": recent} {
		if strings.Contains(all, fmt.Sprintf(`"id":%d,`, p.ID)) || strings.Contains(all, fmt.Sprintf("%.1f", p.Latitude)+"00") {
			t.Errorf("%s is shown: %s", what, all)
		}
	}
	var list []struct{ Latitude, Longitude, Course, Altitude, Accuracy float64 }
	if err := json.Unmarshal([]byte(g.want(200, "GET", "/api/positions"+span(d.ID), nil)), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	for i, lat := range []float64{52.0, 52.2} {
		off := math.Abs(list[i].Latitude-lat) * 111_195
		if off == 0 || off > 1001 || math.Abs(list[i].Longitude-13)*68_000 > 1001 || list[i].Course != 0 || list[i].Altitude != 0 || list[i].Accuracy != 2000 {
			t.Errorf("%v is shown as %+v", lat, list[i])
		}
	}
	if strings.Contains(all, "52.2,") || strings.Contains(all, "52.200000") {
		t.Error("the exact place is shown")
	}
	// The tile around home is empty for the guest, and has the way for the owner,
	// who asked first.
	tile := "/api/tiles/16/35134/21604.mvt" + span(d.ID)
	c.do("GET", tile, nil)
	if a := g.do("GET", tile, nil); a.code != 204 && strings.Contains(a.body, "positions") {
		t.Errorf("tile at home: %d", a.code)
	}
	// What comes now shows later, and where the device stays hidden nowhere.
	s := g.open()
	step(52.4)
	e.advance(6 * time.Minute)
	e.bus.publishLive(recent)
	if m := s.until(`"positions"`); !strings.Contains(m, `"latitude":52.4`) && !strings.Contains(m, `"latitude":52.3`) {
		t.Errorf("the socket says %s", m)
	}
	// Changed at once, for open channels too.
	c.want(200, "PUT", fmt.Sprintf("/api/shares/%d", sh.ID), map[string]any{"blur": 0, "delayMinutes": 0})
	if m := s.until(`"latitude":52.4,`); m == "" {
		t.Error("not changed")
	}
	c.want(204, "DELETE", fmt.Sprintf("/api/shares/%d", sh.ID), nil)
	if code := s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("closed with %d", code)
	}
	g.want(401, "GET", "/api/positions", nil)
}

func TestShareEndsOnArrival(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	d, two := e.device("d", u), e.device("e", u)
	place := map[string]float64{"latitude": 52.5, "longitude": 13, "radius": 300}
	e.at(d.ID, 52.5, 13) // it starts where it is to end
	e.advance(time.Minute)
	sh := c.newShare(map[string]any{"deviceIds": []int64{d.ID}, "arrival": place})
	g := e.guest(sh.Token)
	e.advance(time.Minute)
	e.at(d.ID, 52.5001, 13)
	g.want(200, "GET", "/api/positions", nil)
	e.advance(time.Minute)
	e.at(d.ID, 53, 13)
	s := g.open()
	e.advance(time.Minute)
	p := e.at(d.ID, 52.501, 13)
	e.bus.publishLive(p)
	if code := s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("closed with %d", code)
	}
	e.advance(time.Minute)
	e.at(d.ID, 53, 13) // it goes on, the share does not
	g.want(401, "GET", "/api/positions", nil)
	path := fmt.Sprintf("/api/shares/%d", sh.ID)
	if got := c.want(200, "GET", path, nil); !strings.Contains(got, `"active":false`) || !strings.Contains(got, `"arrivedTime":"2026-`) {
		t.Error(got)
	}
	c.want(200, "PUT", path, map[string]any{"arrival": nil})
	g.want(200, "GET", "/api/positions", nil)
	for _, bad := range []map[string]any{
		{"deviceIds": []int64{d.ID, two.ID}, "arrival": place},
		{},
		{"deviceIds": []int64{d.ID}, "groupId": 1},
		{"deviceIds": []int64{d.ID}, "blur": 3},
		{"deviceIds": []int64{d.ID}, "trailHours": -1},
		{"deviceIds": []int64{d.ID}, "delayMinutes": 1e6},
		{"deviceIds": []int64{d.ID}, "expirationTime": "2020-01-01T00:00:00Z"},
		{"deviceIds": []int64{d.ID}, "hidden": []any{map[string]any{"radius": 0}}},
		{"deviceIds": "x"},
	} {
		c.want(400, "POST", "/api/shares", bad)
	}
}

func TestShareGroup(t *testing.T) {
	e := newEnv(t)
	u, other := e.user("ann", false), e.user("bob", false)
	c := e.client().signIn(u)
	var outer, inner struct{ ID int64 }
	for _, g := range []struct {
		body map[string]any
		to   any
	}{{map[string]any{"name": "outer"}, &outer}, {nil, &inner}} {
		if g.body == nil {
			g.body = map[string]any{"name": "inner", "groupId": outer.ID}
		}
		if err := json.Unmarshal([]byte(c.want(200, "POST", "/api/groups", g.body)), g.to); err != nil {
			t.Fatal(err)
		}
	}
	d := e.device("d", u)
	c.want(200, "PUT", fmt.Sprintf("/api/devices/%d", d.ID), map[string]any{"groupId": inner.ID})
	form := url.Values{"groupId": {fmt.Sprint(outer.ID)}, "expiration": {"2026-03-02T12:00:00Z"}}
	token := c.want(200, "POST", "/api/share/group", form)
	g := e.guest(token)
	if got := ids(t, g.want(200, "GET", "/api/devices", nil)); len(got) != 1 || got[0] != d.ID {
		t.Errorf("devices %v", got)
	}
	// A guest sees no more than the owner, now.
	c.want(200, "PUT", fmt.Sprintf("/api/devices/%d", d.ID), map[string]any{"groupId": 0})
	if got := g.want(200, "GET", "/api/devices", nil); got != "[]" {
		t.Error(got)
	}
	e.client().signIn(other).want(404, "POST", "/api/share/group", form)
	u.Disabled = true
	if err := e.store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	g.want(401, "GET", "/api/devices", nil)
}
