package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

// Errors are problems at our own addresses, and texts at those that existing
// clients know, whoever finds them: the router, the way in, or a handler.
func TestProblems(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c, stranger := e.client().signIn(ann), e.client()
	for _, a := range []struct {
		client       *client
		method, path string
		code         int
		headers      []string
	}{
		{c, "GET", "/tokens/", 404, nil},
		{c, "PATCH", "/tokens", 405, nil},
		{stranger, "GET", "/tokens", 401, nil},
		{c, "DELETE", "/tokens/77", 404, nil},
		{c, "GET", "/unknown-devices", 403, nil},
		{c, "GET", "/positions/track", 400, nil},
		{c, "POST", "/shares", 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{c, "GET", "/public/x", 404, nil},
		{c, "GET", "/devices/77", 404, nil},
		{c, "PATCH", "/devices", 405, nil},
		{stranger, "GET", "/devices", 401, nil},
		{c, "POST", "/devices", 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{c, "GET", "/nothing", 404, nil},
		{c, "GET", "/tokensx", 404, nil},
	} {
		got := a.client.do(a.method, "/api"+a.path, nil, a.headers...)
		if got.code != a.code {
			t.Errorf("%s %s = %d, want %d", a.method, a.path, got.code, a.code)
		}
		if !openapi.Own(a.path) {
			if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || strings.HasPrefix(got.body, "{") {
				t.Errorf("%s %s: %s %s", a.method, a.path, kind, got.body)
			}
			continue
		}
		var p struct {
			Type, Title, Detail string
			Status              int
		}
		err := json.Unmarshal([]byte(got.body), &p)
		if got.header.Get("Content-Type") != "application/problem+json" || err != nil || p.Status != a.code || p.Title != http.StatusText(a.code) || p.Detail == "" {
			t.Errorf("%s %s: %s %v %s", a.method, a.path, got.header.Get("Content-Type"), err, got.body)
		}
	}
}

// A bug within our own addresses is a problem too, and names the request.
func TestPanicIsAProblem(t *testing.T) {
	e := newEnv(t)
	h := e.server.observe(e.server.recoverPanic(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") })))
	for path, kind := range map[string]string{"/api/tokens": "application/problem+json", "/api/devices": "text/plain; charset=utf-8"} {
		w := recorded(h, "GET", path)
		id := w.Header().Get("X-Request-Id")
		if w.Code != 500 || w.Header().Get("Content-Type") != kind || !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
		if !strings.Contains(e.logged(), "request="+id) {
			t.Errorf("%s: the log does not have request %s", path, id)
		}
	}
}

// A list is sent once as long as it is the same; what is of one account is not
// kept for others, and objects are not kept at all.
func TestListsAreTagged(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	c := e.client().signIn(root)
	e.device("Van", root)
	for _, path := range []string{"devices", "users", "groups", "geofences", "tokens", "shares", "jobs", "unknown-devices", "server/timezones", "permissions?ownerKey=userId&propKey=deviceId"} {
		a := c.do("GET", "/api/"+path, nil)
		tag := a.header.Get("ETag")
		if a.code != 200 || tag == "" || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d %v", path, a.code, a.header)
		}
		if b := c.do("GET", "/api/"+path, nil, "If-None-Match", tag); b.code != 304 || b.body != "" || b.header.Get("ETag") != tag {
			t.Errorf("%s again: %d %v", path, b.code, b.header)
		}
	}
	tag := c.do("GET", "/api/devices", nil).header.Get("ETag")
	e.device("Car", root)
	if a := c.do("GET", "/api/devices", nil, "If-None-Match", tag); a.code != 200 || !strings.Contains(a.body, "Car") {
		t.Errorf("a list that changed: %d %s", a.code, a.body)
	}
	if a := c.do("GET", "/api/session", nil); a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" {
		t.Errorf("an object: %v", a.header)
	}
}

// Answers that may be compressed say on what they depend.
func TestCompression(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	c := e.client().signIn(root)
	for i := range 20 {
		e.device(fmt.Sprint("Van ", i), root)
	}
	whole := c.do("GET", "/api/devices", nil)
	for encoding, want := range map[string]string{
		"gzip": "gzip", "br, gzip;q=0.5": "br", "gzip, deflate, br": "br", "br;q=0.5, gzip": "gzip", "gzip, deflate, br, zstd": "zstd",
		"identity": "", "gzip;q=0": "",
	} {
		a := c.do("GET", "/api/devices", nil, "Accept-Encoding", encoding)
		// What is known is known in every coding.
		tag := a.header.Get("ETag")
		if again := c.do("GET", "/api/devices", nil, "If-None-Match", tag); tag != whole.header.Get("ETag") || again.code != 304 {
			t.Errorf("%s: ETag %s, then %d", encoding, tag, again.code)
		}
		if body, err := plain(&a); err != nil || body != whole.body {
			t.Errorf("%s: %d of %d bytes, %v", encoding, len(body), len(whole.body), err)
		}
		if got := a.header.Get("Content-Encoding"); got != want || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%s: %q, Vary %v", encoding, got, a.header.Values("Vary"))
		}
	}
}

// Browsers that came over TLS stay there.
func TestStaysOnTLS(t *testing.T) {
	e := newEnvSet(t, plainStore, func(c *Config, _ *Deps) { c.TrustedProxies = []string{"127.0.0.1"} })
	c := e.client()
	for proto, want := range map[string]string{"https": stayOnTLS, "http": ""} {
		for _, path := range []string{"/", "/api/server"} {
			if got := c.do("GET", path, nil, "X-Forwarded-Proto", proto).header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s over %s: %q", path, proto, got)
			}
		}
	}
}

// limits are those of the connections of a server.
type limits struct {
	t    *testing.T
	addr string
}

// send writes parts of a request and returns what comes back until the end.
func (l *limits) send(parts ...string) string {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	for _, p := range parts {
		if _, err := io.WriteString(conn, p); err != nil {
			break // refused while we write: the answer says why
		}
	}
	b, err := io.ReadAll(bufio.NewReader(conn))
	if errors.Is(err, context.DeadlineExceeded) {
		l.t.Errorf("the connection stays open")
	}
	return string(b)
}

func serveLimits(t *testing.T, srv *http.Server) *limits {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &limits{t: t, addr: l.Addr().String()}
}

// A client that sends its request slowly, or never, loses the connection; large
// headers and bodies are refused without being read.
func TestConnectionLimits(t *testing.T) {
	e := newEnv(t)
	srv := e.server.httpServer()
	if srv.ReadHeaderTimeout != readHeaderTimeout || srv.ReadTimeout != readTimeout || srv.WriteTimeout != writeTimeout ||
		srv.IdleTimeout != idleTimeout || srv.MaxHeaderBytes != maxHeaderBytes {
		t.Errorf("limits are %+v", srv)
	}
	// The same server with shorter times: what counts is that they end it. What is
	// too large is refused by one that gives it the time to arrive.
	hasty := e.server.httpServer()
	hasty.ReadHeaderTimeout, hasty.ReadTimeout, hasty.IdleTimeout = 500*time.Millisecond, time.Second, time.Second
	c, large := serveLimits(t, hasty), serveLimits(t, srv)
	for name, a := range map[string]struct {
		parts []string
		want  string
	}{
		"says nothing":             {nil, ""},
		"half a header":            {[]string{"GET /api/server HTTP/1.1\r\nHost: x\r\nX-A: "}, ""},
		"idle after an answer":     {[]string{"GET /api/server HTTP/1.1\r\nHost: x\r\n\r\n"}, "HTTP/1.1 200"},
		"half a body":              {[]string{"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 90\r\n\r\nemail="}, "HTTP/1.1 400"},
		"headers without an end":   {[]string{"GET / HTTP/1.1\r\nHost: x\r\n", "X-A: " + strings.Repeat("a", 2*maxHeaderBytes) + "\r\n\r\n"}, "HTTP/1.1 431"},
		"a body larger than 1 MiB": {[]string{"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 2000000\r\n\r\n", strings.Repeat("a", 2_000_000)}, "HTTP/1.1 413"},
	} {
		to := c
		if a.want == "HTTP/1.1 431" || a.want == "HTTP/1.1 413" {
			to = large
		}
		if got := to.send(a.parts...); !strings.HasPrefix(got, a.want) || a.want == "" && got != "" {
			t.Errorf("%s: %.200q", name, got)
		}
	}
}
