package api

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// events reads a stream of server-sent events.
func (c *client) events(query string) (next func() string, end func()) {
	c.e.t.Helper()
	req, err := http.NewRequestWithContext(c.e.t.Context(), "GET", c.e.url+"/api/stream"+query, nil)
	if err != nil {
		c.e.t.Fatal(err)
	}
	res, err := (&http.Client{Jar: c.http.Jar}).Do(req)
	if err != nil {
		c.e.t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		c.e.t.Fatalf("stream: %d", res.StatusCode)
	}
	lines := bufio.NewReader(res.Body)
	watchdog := time.AfterFunc(patience, func() { res.Body.Close() })
	return func() string {
		var b strings.Builder
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return "end"
			}
			if line == "\n" {
				return b.String()
			}
			b.WriteString(line)
		}
	}, func() { watchdog.Stop(); res.Body.Close() }
}

func TestStream(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	d, foreign := e.device("d", u), e.device("foreign")
	p := e.position(d.ID, 0)
	next, end := c.events("")
	defer end()
	if got := next(); got != "retry: 5000\n" {
		t.Errorf("begins with %q", got)
	}
	if got := next(); !strings.HasPrefix(got, `data: {"positions":[{"id":`+fmt.Sprint(p.ID)) {
		t.Errorf("then comes %q", got)
	}
	e.advance(time.Minute)
	e.bus.publishLive(e.position(foreign.ID, 0), e.position(d.ID, 0))
	for got := ""; !strings.Contains(got, "12:01:00"); got = next() {
		if strings.Contains(got, fmt.Sprintf(`"deviceId":%d,`, foreign.ID)) || got == "end" {
			t.Fatal(got)
		}
	}
	c.want(204, "DELETE", "/api/session", nil)
	got := next()
	for !strings.Contains(got, "close") && got != "end" {
		got = next()
	}
	if got != "event: close\ndata: {\"code\":4000,\"reason\":\"signed out\"}\n" {
		t.Errorf("ends with %q", got)
	}
	if got := next(); got != "end" {
		t.Errorf("after the end comes %q", got)
	}
	c.want(401, "GET", "/api/stream", nil)
}
