package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// settings are newEnv with other settings.
func settings(t *testing.T, set func(*Config, *Deps)) *env {
	return newEnvSet(t, func(s storage.Store) storage.Store { return s }, set)
}

// bearerClient sends a token with every request.
type bearerClient struct {
	*client
	token string
}

func (c *bearerClient) want(code int, method, path string, body any) string {
	c.e.t.Helper()
	return c.client.want(code, method, path, body, "Authorization", "Bearer "+c.token)
}

// token makes a personal token for the person at c.
func (c *client) token(scope data.Scope, end time.Time) (t struct {
	ID    int64
	Token string
},
) {
	c.e.t.Helper()
	body := c.want(200, "POST", "/api/tokens", map[string]any{"name": "test", "scope": scope, "expirationTime": timeText(end)})
	if err := json.Unmarshal([]byte(body), &t); err != nil || t.Token == "" {
		c.e.t.Fatalf("%v in %s", err, body)
	}
	return t
}

func (e *env) bearer(token string) *bearerClient { return &bearerClient{e.client(), token} }

func TestTokens(t *testing.T) {
	e := newEnv(t)
	ann, bob := e.user("ann", false), e.user("bob", false)
	d := e.device("car", ann)
	c, other := e.client().signIn(ann), e.client().signIn(bob)
	made := c.token(data.ScopeFull, e.clock().Add(time.Hour))
	p := e.bearer(made.Token)
	if got := ids(t, p.want(200, "GET", "/api/devices", nil)); len(got) != 1 || got[0] != d.ID {
		t.Errorf("devices by token: %v", got)
	}
	p.want(200, "POST", "/api/devices", map[string]any{"name": "bike", "uniqueId": "bike"})
	p.want(200, "GET", "/api/session", nil)

	list := c.want(200, "GET", "/api/tokens", nil)
	if strings.Contains(list, made.Token) || !strings.Contains(list, `"prefix":"`+made.Token[:9]+`"`) || !strings.Contains(list, `"lastUsedTime":"2026-03-01T12:00:00`) {
		t.Errorf("list: %s", list)
	}
	if got := other.want(200, "GET", "/api/tokens", nil); got != "[]" {
		t.Errorf("another's list: %s", got)
	}
	other.want(404, "GET", fmt.Sprintf("/api/tokens?userId=%d", ann.ID), nil)
	other.want(404, "DELETE", fmt.Sprintf("/api/tokens/%d", made.ID), nil)
	root := e.client().signIn(e.user("root", true))
	if got := ids(t, root.want(200, "GET", fmt.Sprintf("/api/tokens?userId=%d", ann.ID), nil)); len(got) != 1 {
		t.Errorf("for the administrator: %v", got)
	}

	c.want(204, "DELETE", fmt.Sprintf("/api/tokens/%d", made.ID), nil)
	p.want(401, "GET", "/api/devices", nil)
	short := e.bearer(c.token(data.ScopeFull, e.clock().Add(time.Hour)).Token)
	e.advance(time.Hour)
	short.want(401, "GET", "/api/devices", nil)
	for _, bad := range []string{"", "wm_", "guess", made.Token + "x"} {
		e.bearer(bad).want(401, "GET", "/api/devices", nil)
	}
	c.want(400, "POST", "/api/tokens", map[string]any{"name": "x", "scope": "all"})
	c.want(400, "POST", "/api/tokens", map[string]any{"name": "x", "expirationTime": "2020-01-01T00:00:00Z"})
	c.want(400, "POST", "/api/tokens", map[string]any{"scope": "full"})
	if strings.Contains(e.logged(), made.Token) || strings.Contains(e.logged(), made.Token[9:]) {
		t.Error("a token is in the log")
	}
}

// What existing programs do: a token by a form, then sessions and sockets.
func TestSessionToken(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	e.device("car", ann)
	c := e.client().signIn(ann)
	end := e.clock().Add(90 * 24 * time.Hour)
	a := c.do("POST", "/api/session/token", url.Values{"expiration": {end.Format(time.RFC3339)}}, "User-Agent", "Pocket/1.0")
	if a.code != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || len(a.body) != 46 {
		t.Fatalf("token: %d %q %q", a.code, a.header.Get("Content-Type"), a.body)
	}
	secret := a.body
	if list := c.want(200, "GET", "/api/tokens", nil); !strings.Contains(list, `"name":"Pocket/1.0"`) {
		t.Errorf("list: %s", list)
	}

	b := e.client()
	if body := b.want(200, "GET", "/api/session?token="+url.QueryEscape(secret), nil); !strings.Contains(body, `"email":"ann@example.org"`) {
		t.Errorf("session: %s", body)
	}
	b.want(200, "GET", "/api/devices", nil) // by the cookie
	s := b.open()
	if code := e.client().do("GET", "/api/session?token=guess", nil).code; code != 401 {
		t.Errorf("a guessed token: %d", code)
	}
	if code := e.client().do("GET", "/api/session?token="+secret, nil, "Sec-Fetch-Site", "cross-site").code; code != 403 {
		t.Errorf("a link of another site: %d", code)
	}
	direct := e.client()
	direct.query = "?token=" + secret
	direct.open()

	c.want(404, "POST", "/api/session/token/revoke", url.Values{"token": {"guess"}})
	other := e.client().signIn(e.user("bob", false))
	other.want(404, "POST", "/api/session/token/revoke", url.Values{"token": {secret}})
	c.want(204, "POST", "/api/session/token/revoke", url.Values{"token": {secret}})
	b.want(404, "GET", "/api/session", nil)
	s.closedWith() // the socket goes with the token
	if _, code := direct.dial(); code != 401 {
		t.Errorf("socket with a revoked token: %d", code)
	}
	if strings.Contains(e.logged(), secret) {
		t.Error("the token is in the log")
	}
}

// A token that only reads is refused wherever something can be changed.
func TestReadonlyTokenWalk(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	c := e.client().signIn(root)
	secret := c.token(data.ScopeReadonly, time.Time{}).Token
	p := e.bearer(secret)
	session := e.client()
	session.want(200, "GET", "/api/session?token="+secret, nil)

	// These ask for no account, or end what the sender has.
	open := map[string]bool{
		"POST /api/session": true, "DELETE /api/session": true, "POST /api/password/reset": true, "POST /api/password/update": true,
		"POST /api/session/passkey": true, "POST /api/session/passkey/options": true,
	}
	walked := 0
	err := chi.Walk(e.server.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method == "GET" || method == "HEAD" || method == "OPTIONS" || !strings.HasPrefix(route, "/api/") || open[method+" "+route] {
			return nil
		}
		walked++
		path := strings.NewReplacer("{id}", "1", "{uniqueId}", "x", "{file}", "x").Replace(route)
		for who, code := range map[string]int{
			"token":   p.do(method, path, nil, "Authorization", "Bearer "+secret).code,
			"session": session.do(method, path, nil).code,
		} {
			if code != 403 {
				t.Errorf("%s: %s %s = %d", who, method, route, code)
			}
		}
		return nil
	})
	if err != nil || walked < 40 {
		t.Fatalf("walked %d routes: %v", walked, err)
	}
	p.want(403, "GET", fmt.Sprintf("/api/session/%d", root.ID), nil)
	session.want(403, "GET", fmt.Sprintf("/api/session/%d", root.ID), nil)
	p.want(200, "GET", "/api/devices", nil)
	session.want(200, "GET", "/api/users", nil)
}

// A token does not make a longer one, and does not change how its owner signs in.
func TestTokenCannotGrow(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	end := e.clock().Add(time.Hour)
	made := e.client().signIn(ann).token(data.ScopeFull, end)
	p := e.bearer(made.Token)
	p.want(403, "POST", "/api/tokens", map[string]any{"name": "x"})
	p.want(403, "POST", "/api/session/token", url.Values{"expiration": {end.Add(time.Second).Format(time.RFC3339)}})
	p.want(200, "POST", "/api/session/token", url.Values{"expiration": {end.Format(time.RFC3339)}})
	p.want(200, "POST", "/api/session/token", url.Values{})
	for _, path := range []string{"/api/users/totp", "/api/totp", "/api/totp/recovery"} {
		p.want(403, "POST", path, map[string]any{})
	}
	p.want(403, "DELETE", "/api/passkeys/1", nil)
	// A session opened with it ends with it.
	b := e.client()
	b.want(200, "GET", "/api/session?token="+made.Token, nil)
	b.want(403, "POST", "/api/users/totp", nil)
	e.advance(time.Hour)
	b.want(404, "GET", "/api/session", nil)
}

func TestTokenRate(t *testing.T) {
	e := settings(t, func(c *Config, _ *Deps) { c.TokenRate = 2 })
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	a, b := e.bearer(c.token(data.ScopeReadonly, time.Time{}).Token), e.bearer(c.token(data.ScopeReadonly, time.Time{}).Token)
	for range 8 { // four seconds' worth
		a.want(200, "GET", "/api/devices", nil)
	}
	if got := a.do("GET", "/api/devices", nil, "Authorization", "Bearer "+a.token); got.code != 429 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "requests with this token") {
		t.Fatalf("the ninth: %d %q", got.code, got.body)
	}
	b.want(200, "GET", "/api/devices", nil)
	c.want(200, "GET", "/api/devices", nil)
	e.advance(time.Second / 2)
	a.want(200, "GET", "/api/devices", nil)
	a.want(429, "GET", "/api/devices", nil)
}

// The lists of what an account has are read in parts, like all others.
func TestListsInParts(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	c := e.client().signIn(root)
	d := e.device("Car", root)
	for i := range 5 {
		c.want(200, "POST", "/api/tokens", map[string]any{"name": fmt.Sprint("token ", i)})
		c.want(200, "POST", "/api/shares", map[string]any{"name": fmt.Sprint("share ", i), "deviceIds": []int64{d.ID}})
		if err := e.store.CreatePasskey(t.Context(), &data.Passkey{UserID: root.ID, CredentialID: []byte{byte(i)}, Record: []byte("{}"), Name: fmt.Sprint("key ", i), CreatedAt: e.clock()}); err != nil {
			t.Fatal(err)
		}
		stranger := data.UnknownDevice{Protocol: "gt06", UniqueID: fmt.Sprint("stranger ", i), FirstSeen: e.clock(), LastSeen: e.clock().Add(-time.Duration(i) * time.Minute), Count: 1}
		if err := e.store.RecordUnknownDevices(t.Context(), []data.UnknownDevice{stranger}); err != nil {
			t.Fatal(err)
		}
	}
	names := func(path string) (list []string) {
		t.Helper()
		var objects []struct{ Name, UniqueID string }
		if err := json.Unmarshal([]byte(c.want(200, "GET", path, nil)), &objects); err != nil || objects == nil {
			t.Fatalf("%s: %v, %v", path, objects, err)
		}
		for _, o := range objects {
			list = append(list, o.Name+o.UniqueID)
		}
		return list
	}
	for _, path := range []string{"/api/tokens", "/api/shares", "/api/passkeys", "/api/unknown-devices"} {
		all := names(path)
		if len(all) != 5 {
			t.Fatalf("%s: %q", path, all)
		}
		for query, want := range map[string][]string{
			"limit=2": all[:2], "limit=2&offset=2": all[2:4], "limit=2&offset=4": all[4:], "offset=3": all[3:], "limit=0": all,
			"limit=9223372036854775807": all, "offset=5": nil, "offset=9223372036854775807&limit=1": nil,
		} {
			if got := names(path + "?" + query); !slices.Equal(got, want) {
				t.Errorf("%s?%s: %q instead of %q", path, query, got, want)
			}
		}
		for _, bad := range []string{"limit=-1", "offset=x", "limit=1.5"} {
			c.want(400, "GET", path+"?"+bad, nil)
		}
	}
}
