package api

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// head asks for the header alone. An answer that is not ended within the test's
// time fails it.
func (c *client) head(path string, headers ...string) *http.Response {
	c.e.t.Helper()
	req, err := http.NewRequestWithContext(c.e.t.Context(), "HEAD", c.e.url+path, nil)
	if err != nil {
		c.e.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.e.t.Fatalf("HEAD %s: %v", path, err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || len(b) > 0 {
		c.e.t.Errorf("HEAD %s has a body of %d bytes, %v", path, len(b), err)
	}
	return res
}

// What answers GET answers HEAD with the same header (RFC 9110, 9.3.2).
func TestHead(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	d := e.device("d", u)
	for i := range 2000 { // more than a part of a stream
		e.position(d.ID, time.Duration(i)*time.Second)
	}
	history := fmt.Sprintf("?deviceId=%d&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", d.ID)
	for _, path := range []string{
		"/api/server", "/api/session", "/api/devices", fmt.Sprintf("/api/devices/%d", d.ID), "/api/positions", "/api/positions" + history,
		"/api/positions/csv" + history, "/api/positions/kmz" + history, "/api/positions/track" + history, "/api/geofences/export", "/api/docs", "/api/openapi.json",
	} {
		want := c.do("GET", path, nil)
		got := c.head(path)
		if got.StatusCode != 200 || want.code != 200 {
			t.Errorf("HEAD %s = %d, GET = %d", path, got.StatusCode, want.code)
		}
		for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Vary", "Content-Disposition"} {
			if g, w := got.Header.Get(name), want.header.Get(name); g != w {
				t.Errorf("HEAD %s: %s is %q, of GET %q", path, name, g, w)
			}
		}
		// The transport asks for gzip and takes Content-Length away when it unpacks.
		packed := c.head(path, "Accept-Encoding", "gzip")
		if n := packed.ContentLength; n >= int64(len(want.body)) && len(want.body) > 2000 {
			t.Errorf("HEAD %s: length %d with gzip, the plain body has %d", path, n, len(want.body))
		}
	}
	tag := c.head("/api/devices").Header.Get("ETag")
	if res := c.head("/api/devices", "If-None-Match", tag); tag == "" || res.StatusCode != 304 {
		t.Errorf("HEAD with the tag %q = %d", tag, res.StatusCode)
	}
	for path, code := range map[string]int{
		"/api/tokens/1": 405, "/api/nothing": 404, "/api/devices/77": 404, "/api/audit": 403,
	} {
		if res := c.head(path); res.StatusCode != code {
			t.Errorf("HEAD %s = %d, want %d", path, res.StatusCode, code)
		}
	}
	if res := e.client().head("/api/devices"); res.StatusCode != 401 {
		t.Errorf("HEAD without an account = %d", res.StatusCode)
	}
}

// The live channels have no end, their headers do.
func TestHeadOfLive(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ann", false))
	if res := c.head("/api/stream"); res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("HEAD of the stream = %d %v", res.StatusCode, res.Header)
	}
	if res := c.head("/api/socket"); res.StatusCode < 400 {
		t.Errorf("HEAD of the socket = %d", res.StatusCode)
	}
}

// A page at an address without a name works, but for passkeys, which are bound
// to names.
func TestAddressWithoutName(t *testing.T) {
	for _, address := range []string{"http://192.168.1.10:8082", "http://[fd00::1]:8082"} {
		e := newEnvSet(t, plainStore, func(c *Config, _ *Deps) { c.URL = address })
		c := e.client().signIn(e.user("ann", false))
		c.want(400, "POST", "/api/passkeys/options", nil)
	}
}

// Who sent no password is not told that it is wrong.
func TestWhyNotSignedIn(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	for _, headers := range [][]string{nil, {"Authorization", "Bearer wm_old"}, {"Cookie", sessionCookie + "=old"}} {
		if got := e.client().want(401, "GET", "/api/devices", nil, headers...); strings.Contains(got, "password") {
			t.Errorf("with %v: %q", headers, got)
		}
	}
	if got := e.client().want(401, "POST", "/api/session", url.Values{"email": {u.Email}, "password": {"wrong horse"}}); !strings.Contains(got, "password") {
		t.Errorf("with a wrong password: %q", got)
	}
}
