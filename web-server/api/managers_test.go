package api

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/live"
)

// manager is an account that may manage two others.
func (e *env) manager(change func(*data.User)) data.User {
	u := e.user("boss", false)
	u.UserLimit = 2
	if change != nil {
		change(&u)
	}
	if err := e.store.UpdateUser(e.t.Context(), &u); err != nil {
		e.t.Fatal(err)
	}
	return u
}

func TestManager(t *testing.T) {
	e := newEnv(t)
	root, stranger := e.user("root", true), e.user("stranger", false)
	boss := e.manager(nil)
	c := e.client().signIn(boss)
	created := func(name string) int64 {
		return ids(t, "["+c.want(200, "POST", "/api/users", fmt.Sprintf(`{"email":"%s@example.org","password":"%s"}`, name, testPassword))+"]")[0]
	}
	one := created("one")
	if got := ids(t, c.want(200, "GET", "/api/users", nil)); len(got) != 2 {
		t.Errorf("the manager sees users %v", got)
	}
	if got := ids(t, c.want(200, "GET", fmt.Sprintf("/api/users?userId=%d", boss.ID), nil)); len(got) != 1 || got[0] != one {
		t.Errorf("managed users %v", got)
	}
	at := fmt.Sprintf("/api/users/%d", one)
	c.want(200, "PUT", at, `{"name":"One","disabled":true,"deviceLimit":5,"readonly":true,"expirationTime":"2027-01-01T00:00:00Z"}`)
	c.want(200, "PUT", at, `{"disabled":false,"readonly":false,"expirationTime":null}`)
	for _, body := range []string{`{"administrator":true}`, `{"userLimit":1}`, `{"userLimit":-1}`} {
		c.want(403, "PUT", at, body)
	}
	// What the manager sees can be given, and taken; what is seen stays apart.
	mine, foreign := e.device("mine", boss), e.device("foreign", stranger)
	user := e.client().signIn(data.User{Email: "one@example.org"})
	user.want(404, "GET", fmt.Sprintf("/api/devices/%d", mine.ID), nil)
	c.want(204, "POST", "/api/permissions", permit(one, mine.ID))
	user.want(200, "GET", fmt.Sprintf("/api/devices/%d", mine.ID), nil)
	c.want(404, "POST", "/api/permissions", permit(one, foreign.ID))
	c.want(404, "POST", "/api/permissions", permit(stranger.ID, mine.ID))
	c.want(403, "POST", "/api/permissions", permit(boss.ID, mine.ID))
	c.want(403, "POST", "/api/permissions", fmt.Sprintf(`{"userId":%d,"managedUserId":%d}`, boss.ID, stranger.ID))
	own := ids(t, "["+user.want(200, "POST", "/api/devices", `{"name":"own","uniqueId":"own"}`)+"]")[0]
	if got := ids(t, c.want(200, "GET", fmt.Sprintf("/api/devices?userId=%d", one), nil)); len(got) != 2 {
		t.Errorf("devices of the managed user: %v", got)
	}
	if got := ids(t, c.want(200, "GET", "/api/devices?all=true", nil)); len(got) != 1 || got[0] != mine.ID {
		t.Errorf("devices of the manager: %v", got)
	}
	c.want(404, "GET", fmt.Sprintf("/api/devices/%d", own), nil)
	c.want(204, "DELETE", "/api/permissions", permit(one, mine.ID))
	user.want(404, "GET", fmt.Sprintf("/api/devices/%d", mine.ID), nil)
	// Two are the limit.
	two := created("two")
	if got := c.want(403, "POST", "/api/users", `{"email":"three@example.org","password":"`+testPassword+`"}`); !strings.Contains(got, "2 users") {
		t.Errorf("the limit: %s", got)
	}
	c.want(204, "DELETE", fmt.Sprintf("/api/users/%d", two), nil)
	created("three")
	// Administrators are nobody's to manage.
	e.link(data.Link{Owner: data.UserKind, OwnerID: boss.ID, Property: data.ManagedUserKind, PropertyID: root.ID})
	c.want(403, "PUT", fmt.Sprintf("/api/users/%d", root.ID), `{"password":"taken over"}`)
	c.want(403, "DELETE", fmt.Sprintf("/api/users/%d", root.ID), nil)
	user.want(403, "POST", "/api/users", `{"email":"x@example.org","password":"`+testPassword+`"}`)
	// An open page of an account that goes is closed.
	s := user.open()
	c.want(204, "DELETE", at, nil)
	if code := s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("closed with %d", code)
	}
}

// A manager cannot give what the own account does not have.
func TestManagerGivesNoMore(t *testing.T) {
	e := newEnv(t)
	e.user("root", true)
	until := e.clock().Add(24 * time.Hour)
	boss := e.manager(func(u *data.User) { u.DeviceLimit, u.ExpiresAt, u.LimitCommands = 3, until, true })
	c := e.client().signIn(boss)
	body := func(more string) string {
		return fmt.Sprintf(`{"email":"a@example.org","password":"%s","limitCommands":true,"expirationTime":"%s"%s}`, testPassword, until.Format(time.RFC3339), more)
	}
	c.want(403, "POST", "/api/users", body(`,"deviceLimit":4`))
	c.want(403, "POST", "/api/users", body(`,"deviceLimit":-1`))
	c.want(403, "POST", "/api/users", body(`,"limitCommands":false`))
	c.want(403, "POST", "/api/users", body(`,"expirationTime":null`))
	c.want(403, "POST", "/api/users", body(`,"userLimit":1`))
	if got := c.want(200, "POST", "/api/users", body("")); !strings.Contains(got, `"deviceLimit":3`) {
		t.Errorf("made %s", got)
	}
}

func TestDeviceLimit(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	u.DeviceLimit = 1
	if err := e.store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	c := e.client().signIn(u)
	c.want(200, "POST", "/api/devices", `{"name":"a","uniqueId":"a"}`)
	if got := c.want(403, "POST", "/api/devices", `{"name":"b","uniqueId":"b"}`); !strings.Contains(got, "1 devices") {
		t.Errorf("the limit: %s", got)
	}
	c.want(403, "PUT", fmt.Sprintf("/api/users/%d", u.ID), `{"deviceLimit":-1}`)
}

func TestRegistration(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	admin := e.client().signIn(root)
	register := func(more string) answer {
		return e.client().do("POST", "/api/users", `{"email":"new@example.org","password":"`+testPassword+`"`+more+`}`)
	}
	if a := register(""); a.code != 401 {
		t.Errorf("closed: %d %s", a.code, a.body)
	}
	admin.want(200, "PUT", "/api/server", `{"registration":true}`)
	for _, more := range []string{`,"administrator":true`, `,"userLimit":-1`, `,"deviceLimit":3`, `,"expirationTime":"2030-01-01T00:00:00Z"`} {
		if a := register(more); a.code != 403 {
			t.Errorf("%s: %d %s", more, a.code, a.body)
		}
	}
	if a := register(""); a.code != 200 {
		t.Errorf("open: %d %s", a.code, a.body)
	}
}

func TestLoginName(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin := e.client().signIn(root)
	at := fmt.Sprintf("/api/users/%d", ann.ID)
	admin.want(200, "PUT", at, `{"login":"Annie"}`)
	e.client().want(200, "POST", "/api/session", url.Values{"email": {"aNNie"}, "password": {testPassword}})
	// Nobody takes a name that somebody signs in with.
	bob := e.user("bob", false)
	for _, body := range []string{`{"email":"annie"}`, `{"login":"ANNIE"}`, `{"login":"ann@example.org"}`} {
		admin.want(400, "PUT", fmt.Sprintf("/api/users/%d", bob.ID), body)
	}
	admin.want(400, "PUT", at, `{"login":"two words"}`)
	c := e.client().signIn(ann)
	admin.want(200, "PUT", at, `{"fixedEmail":true}`)
	c.want(403, "PUT", at, `{"email":"other@example.org"}`)
	c.want(200, "PUT", at, `{"name":"Ann"}`)
}

func TestServerSettings(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	at := fmt.Sprintf("/api/devices/%d", e.device("d", ann).ID)
	c.want(200, "PUT", at, `{"name":"x"}`)
	sent := admin.want(200, "PUT", "/api/server", `{"deviceReadonly":true,"announcement":"hello","latitude":52.5,"attributes":{"title":"T"}}`)
	for _, part := range []string{`"deviceReadonly":true`, `"announcement":"hello"`, `"latitude":52.5,"longitude":0.0`, `"attributes":{"title":"T"}`} {
		if got := e.client().want(200, "GET", "/api/server", nil); !strings.Contains(got, part) || !strings.Contains(sent, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
	c.want(403, "PUT", at, `{"name":"y"}`) // at once
	admin.want(200, "PUT", "/api/server", sent)
	admin.want(200, "PUT", "/api/server", `{"deviceReadonly":false,"readonly":true}`)
	c.want(403, "POST", "/api/geofences", `{"name":"x","area":"CIRCLE (1 2, 3)"}`)
	c.want(403, "PUT", fmt.Sprintf("/api/users/%d", ann.ID), `{"name":"y"}`)
	for _, bad := range []string{`{"latitude":91}`, `{"zoom":-1}`, `{"map":"a\u0000"}`, `{"registration":"yes"}`} {
		admin.want(400, "PUT", "/api/server", bad)
	}
}

func TestActAs(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	c := e.client().signIn(root)
	at := fmt.Sprintf("/api/session/%d", ann.ID)
	c.want(403, "GET", at, nil, "Sec-Fetch-Site", "cross-site")
	c.want(404, "GET", "/api/session/999", nil)
	if got := ids(t, "["+c.want(200, "GET", at, nil)+"]"); got[0] != ann.ID {
		t.Errorf("signed in as %v", got)
	}
	if got := ids(t, "["+c.want(200, "GET", "/api/session", nil)+"]"); got[0] != ann.ID {
		t.Errorf("the session is of %v", got)
	}
	c.want(403, "GET", fmt.Sprintf("/api/session/%d", root.ID), nil)
	admin := e.client().signIn(root)
	log := admin.want(200, "GET", "/api/audit?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", nil)
	want := fmt.Sprintf(`"address":"127.0.0.1","userId":%d,"actionType":"actAs","objectType":"user","objectId":%d}`, root.ID, ann.ID)
	if !strings.Contains(log, want) {
		t.Errorf("the audit says %s", log)
	}
	if got := admin.want(200, "GET", "/api/audit?from=2027-01-01T00:00:00Z", nil); got != "[]" {
		t.Errorf("of another time: %s", got)
	}
}

func TestDeviceImage(t *testing.T) {
	e := newEnv(t)
	ann, bob := e.user("ann", false), e.user("bob", false)
	c := e.client().signIn(ann)
	d := e.device("d 1/2", ann)
	at := fmt.Sprintf("/api/devices/%d/image", d.ID)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	if got := c.want(200, "POST", at, picture.String(), "Content-Type", "image/png"); got != "device.png" {
		t.Errorf("the file is called %q", got)
	}
	file := "/api/media/" + url.PathEscape(d.UniqueID) + "/device.png"
	a := c.do("GET", file, nil)
	if a.code != 200 || a.body != picture.String() || a.header.Get("Content-Type") != "image/png" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %d bytes, %v", a.code, len(a.body), a.header)
	}
	e.client().signIn(bob).want(404, "GET", file, nil)
	c.want(404, "GET", "/api/media/"+url.PathEscape(d.UniqueID)+"/other.png", nil)
	for _, bad := range []string{"", "<svg xmlns='http://www.w3.org/2000/svg'/>", "<html><script>", "plain"} {
		c.want(400, "POST", at, bad, "Content-Type", "image/png")
	}
	c.want(413, "POST", at, strings.Repeat("x", maxBodyBytes+1), "Content-Type", "image/png")
}

func TestAccumulators(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d := e.device("d", ann)
	at := fmt.Sprintf("/api/devices/%d/accumulators", d.ID)
	body := fmt.Sprintf(`{"deviceId":%d,"totalDistance":1234.5,"hours":3600000}`, d.ID)
	if got := c.want(400, "PUT", at, body); !strings.Contains(got, "not reported") {
		t.Errorf("without a position: %s", got)
	}
	p := e.position(d.ID, -time.Hour)
	s := c.open()
	c.want(204, "PUT", at, body)
	s.until(`"totalDistance":1234.5`)
	last, err := e.store.LatestPositions(t.Context(), []int64{d.ID})
	if err != nil || len(last) != 1 || last[0].ID == p.ID || !last[0].FixTime.Equal(p.FixTime) {
		t.Fatalf("last position %+v, %v", last, err)
	}
	if hours := last[0].Attributes.Get("hours"); hours.String() != "3600000" || last[0].Attributes.Get("motion").String() != "true" {
		t.Errorf("attributes %v", last[0].Attributes)
	}
	if now, _ := e.store.Device(t.Context(), d.ID); !now.LastUpdate.Equal(p.ServerTime) {
		t.Error("setting counters looks like a report of the device")
	}
	for _, bad := range []string{`{}`, `{"hours":-1}`, `{"deviceId":9,"hours":1}`} {
		c.want(400, "PUT", at, bad)
	}
}
