package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
	"github.com/waymark-gps/waymark/web-server/live"
)

func login(email, password string) url.Values {
	return url.Values{"email": {email}, "password": {password}}
}

// A new server: the first person registers, becomes administrator, signs in,
// works, signs out.
func TestFirstRun(t *testing.T) {
	e := newEnv(t)
	c := e.client()
	if !strings.Contains(c.want(200, "GET", "/api/server", nil), `"newServer":true`) {
		t.Error("an empty server does not say so")
	}
	c.want(404, "GET", "/api/session", nil)
	c.want(401, "GET", "/api/devices", nil)
	if body := c.want(400, "POST", "/api/users", map[string]any{"name": "Root", "email": "root@example.org", "password": "short"}); !strings.Contains(body, "8 characters") {
		t.Errorf("short password: %s", body)
	}
	root := map[string]any{"name": "Root", "email": "Root@Example.org", "password": testPassword, "administrator": false}
	if body := c.want(200, "POST", "/api/users", root); !strings.Contains(body, `"administrator":true`) || strings.Contains(body, testPassword) {
		t.Errorf("first user: %s", body)
	}
	if !strings.Contains(c.want(200, "GET", "/api/server", nil), `"newServer":false`) {
		t.Error("the server still says it is new")
	}
	c.want(401, "POST", "/api/users", map[string]any{"name": "Eve", "email": "eve@example.org", "password": testPassword})
	c.want(401, "POST", "/api/session", login("root@example.org", "wrong horse"))

	a := c.do("POST", "/api/session", login("ROOT@example.org", testPassword))
	cookie := a.header.Get("Set-Cookie")
	if a.code != 200 || !strings.Contains(a.body, `"email":"root@example.org"`) {
		t.Fatalf("sign in: %d %s", a.code, a.body)
	}
	for _, part := range []string{"JSESSIONID=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %s", cookie, part)
		}
	}
	if strings.Contains(cookie, "Secure") {
		t.Error("a Secure cookie over plain HTTP would never come back")
	}
	if got := c.want(200, "GET", "/api/session", nil); got != a.body {
		t.Errorf("session: %s", got)
	}
	c.want(200, "GET", "/api/devices", nil)
	c.want(204, "DELETE", "/api/session", nil)
	c.want(404, "GET", "/api/session", nil)
	c.want(401, "GET", "/api/devices", nil)
	c.want(204, "DELETE", "/api/session", nil)
	if log := e.logged(); strings.Contains(log, testPassword) || strings.Contains(log, "wrong horse") || strings.Contains(log, strings.SplitN(cookie, ";", 2)[0]) {
		t.Error("a secret is in the log")
	}
}

func TestFirstUserRace(t *testing.T) {
	e := newEnv(t)
	var wg sync.WaitGroup
	var made atomic.Int32
	for i := range 8 {
		wg.Go(func() {
			a, err := e.client().try("POST", "/api/users", map[string]any{"email": fmt.Sprintf("u%d@example.org", i), "password": testPassword})
			if err != nil {
				t.Error(err)
			}
			if a.code == 200 {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d people became the first administrator", made.Load())
	}
}

func TestSessionLife(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	for range 50 {
		e.advance(26 * time.Hour)
		if a := c.do("GET", "/api/session", nil); a.code != 200 || a.header.Get("Set-Cookie") == "" {
			t.Fatalf("a session in daily use: %d, cookie %q", a.code, a.header.Get("Set-Cookie"))
		}
	}
	if a := c.do("GET", "/api/session", nil); a.header.Get("Set-Cookie") != "" {
		t.Error("every request renews the cookie")
	}
	e.advance(auth.SessionLife + time.Hour)
	c.want(404, "GET", "/api/session", nil)
	c.want(401, "GET", "/api/devices", nil)
}

func TestSignInAgainReplaces(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	at, _ := url.Parse(e.url)
	old := c.http.Jar.Cookies(at)[0]
	c.signIn(u)
	stale := e.client()
	stale.http.Jar.SetCookies(at, []*http.Cookie{old})
	stale.want(404, "GET", "/api/session", nil)
	c.want(200, "GET", "/api/session", nil)
}

func TestThrottle(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client()
	var a answer
	for range 12 {
		a = c.do("POST", "/api/session", login(u.Email, "wrong horse"))
	}
	if a.code != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "try again in") {
		t.Fatalf("the 12th guess: %d %q", a.code, a.body)
	}
	c.want(429, "POST", "/api/session", login(u.Email, testPassword))
	e.advance(time.Minute)
	c.signIn(u)
}

func TestBasic(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.basic(u)
	c.want(200, "GET", "/api/devices", nil)
	c.want(200, "GET", "/api/session", nil)
	c.password = "wrong horse"
	if a := c.do("GET", "/api/devices", nil, "Accept", "application/json"); a.code != 401 || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("a script: %d, %q", a.code, a.header.Get("WWW-Authenticate"))
	}
	if a := c.do("GET", "/api/devices", nil, "Accept", "text/html,*/*"); a.code != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("a browser: %d, %q", a.code, a.header.Get("WWW-Authenticate"))
	}
	c.want(401, "GET", "/api/session", nil)
	e.client().want(401, "GET", "/api/devices", nil, "Authorization", "Bearer nonsense")
	e.client().want(401, "GET", "/api/devices", nil, "Authorization", "Basic ???")
}

func TestOtherSites(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", true)
	c := e.client().signIn(u)
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		c.want(403, "POST", "/api/devices", map[string]any{"name": "x", "uniqueId": "x"}, h[0], h[1])
		c.want(403, "DELETE", "/api/session", nil, h[0], h[1])
		e.client().want(403, "POST", "/api/session", login(u.Email, testPassword), h[0], h[1])
	}
	if _, code := c.dial("Origin", "https://evil.example"); code != 403 {
		t.Errorf("a socket from another site: %d", code)
	}
	c.want(200, "POST", "/api/devices", map[string]any{"name": "x", "uniqueId": "x"}, "Origin", e.url, "Sec-Fetch-Site", "same-origin")
	if _, code := c.dial("Origin", e.url); code != 101 {
		t.Errorf("a socket from our page: %d", code)
	}
}

func TestUsers(t *testing.T) {
	e := newEnv(t)
	root, ann, bob := e.user("root", true), e.user("ann", false), e.user("bob", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	path := fmt.Sprintf("/api/users/%d", ann.ID)

	if got := ids(t, c.want(200, "GET", "/api/users", nil)); len(got) != 1 || got[0] != ann.ID {
		t.Errorf("ann sees users %v", got)
	}
	if got := ids(t, admin.want(200, "GET", "/api/users", nil)); len(got) != 3 {
		t.Errorf("the administrator sees users %v", got)
	}
	self := c.want(200, "PUT", path, map[string]any{"id": ann.ID, "name": "Ann B", "email": "Ann@b.org", "attributes": map[string]any{"speedUnit": "kmh"}})
	for _, part := range []string{`"name":"Ann B"`, `"email":"ann@b.org"`, `"attributes":{"speedUnit":"kmh"}`, `"administrator":false`} {
		if !strings.Contains(self, part) {
			t.Errorf("after the change %s lacks %s", self, part)
		}
	}
	// Clients send the whole object back.
	if again := c.want(200, "PUT", path, self); again != self {
		t.Errorf("sending it back changed it:\n%s\n%s", self, again)
	}
	for _, more := range []map[string]any{{"administrator": true}, {"disabled": true}, {"expirationTime": "2030-01-01T00:00:00Z"}} {
		c.want(403, "PUT", path, more)
	}
	for _, other := range []int64{root.ID, bob.ID, 999} {
		p := fmt.Sprintf("/api/users/%d", other)
		c.want(404, "GET", p, nil)
		c.want(404, "PUT", p, map[string]any{"name": "x"})
		c.want(404, "DELETE", p, nil)
	}
	c.want(403, "POST", "/api/users", map[string]any{"email": "eve@example.org", "password": testPassword})
	c.want(400, "PUT", path, map[string]any{"email": "bob@example.org"})
	c.want(400, "PUT", path, map[string]any{"email": ""})
	c.want(400, "PUT", path, map[string]any{"id": bob.ID, "name": "x"})

	admin.want(400, "POST", "/api/users", map[string]any{"email": "bob@example.org", "password": testPassword})
	made := admin.want(200, "POST", "/api/users", map[string]any{"name": "Eve", "email": "eve@example.org", "password": testPassword})
	if !strings.Contains(made, `"administrator":false`) {
		t.Errorf("made %s", made)
	}
	rootPath := fmt.Sprintf("/api/users/%d", root.ID)
	for _, less := range []map[string]any{{"administrator": false}, {"disabled": true}, {"expirationTime": "2030-01-01T00:00:00Z"}} {
		if body := admin.want(400, "PUT", rootPath, less); !strings.Contains(body, "last administrator") {
			t.Errorf("the last administrator: %s", body)
		}
	}
	admin.want(400, "DELETE", rootPath, nil)
	admin.want(200, "PUT", path, map[string]any{"administrator": true})
	admin.want(200, "PUT", rootPath, map[string]any{"administrator": false})
	admin.want(403, "POST", "/api/users", map[string]any{"email": "x@example.org", "password": testPassword})
	c.want(204, "DELETE", rootPath, nil)
	admin.want(404, "GET", "/api/session", nil)
}

func TestPasswordChange(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	here, elsewhere, tool := e.client().signIn(u), e.client().signIn(u), e.basic(u)
	mine, theirs, tools := here.open(), elsewhere.open(), tool.open()
	here.want(200, "PUT", fmt.Sprintf("/api/users/%d", u.ID), map[string]any{"password": "another horse"})
	if code := theirs.closedWith(); code != live.StatusSignedOut {
		t.Errorf("the other browser's socket: %d", code)
	}
	if code := tools.closedWith(); code != live.StatusSignedOut {
		t.Errorf("the tool's socket: %d", code)
	}
	elsewhere.want(404, "GET", "/api/session", nil)
	tool.want(401, "GET", "/api/devices", nil)
	here.want(200, "GET", "/api/session", nil)
	d := e.device("d", u)
	_ = e.bus.PublishUser(data.UserChange{ID: u.ID})
	e.bus.publishLive(e.position(d.ID, 0))
	mine.until(`"positions"`)
}

func TestDisabledUser(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	c := e.client().signIn(ann)
	s := c.open()
	e.client().signIn(root).want(200, "PUT", fmt.Sprintf("/api/users/%d", ann.ID), map[string]any{"disabled": true})
	if code := s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("socket: %d", code)
	}
	c.want(404, "GET", "/api/session", nil)
	c.want(401, "POST", "/api/session", login(ann.Email, testPassword))
}

func TestCookieOverTLS(t *testing.T) {
	for address, want := range map[string]bool{"https://example.org/api/session": true, "http://example.org/api/session": false} {
		w := httptest.NewRecorder()
		setSessionCookie(w, httptest.NewRequest("POST", address, nil), "token")
		if got := w.Result().Cookies()[0].Secure; got != want {
			t.Errorf("%s: Secure is %v", address, got)
		}
	}
}
