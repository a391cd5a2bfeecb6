package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/live"
)

func TestSocket(t *testing.T) {
	e := newEnv(t)
	ann, bob := e.user("ann", false), e.user("bob", false)
	mine, foreign := e.device("mine", ann), e.device("foreign", bob)
	old := e.position(mine.ID, -time.Hour)
	if _, code := e.client().dial(); code != 401 {
		t.Errorf("a stranger's socket: %d", code)
	}
	c := e.client().signIn(ann)
	s := c.open()
	if got := ids(t, strings.TrimSuffix(strings.TrimPrefix(s.first, `{"positions":`), "}")); len(got) != 1 || got[0] != old.ID {
		t.Errorf("first message %s", s.first)
	}
	tool := e.basic(bob).open()
	if tool.first != `{"positions":[]}` {
		t.Errorf("first message of a tool: %s", tool.first)
	}
	e.bus.publishLive(e.position(foreign.ID, 0), e.position(mine.ID, 0))
	if m := s.until(`"positions"`); strings.Contains(m, fmt.Sprintf(`"deviceId":%d`, foreign.ID)) {
		t.Errorf("ann got %s", m)
	}
	if m := tool.until(`"positions"`); !strings.Contains(m, fmt.Sprintf(`"deviceId":%d`, foreign.ID)) {
		t.Errorf("bob got %s", m)
	}
	// Clients ping, and send things we do not need.
	if err := s.conn.Write(t.Context(), websocket.MessageText, []byte(`{"logs":true}`)); err != nil {
		t.Fatal(err)
	}
	ponged := make(chan error, 1)
	go func() { ponged <- s.conn.Ping(t.Context()) }()
	e.bus.publishLive(e.position(mine.ID, time.Second))
	s.until(`"positions"`)
	go func() { _, _ = s.tryRead() }() // the pong is read on the way
	select {
	case err := <-ponged:
		if err != nil {
			t.Errorf("ping: %v", err)
		}
	case <-time.After(patience):
		t.Error("no pong")
	}
}

func TestSocketDeviceMessages(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	all, s := admin.open(), c.open()
	made := c.want(200, "POST", "/api/devices", map[string]any{"name": "Van", "uniqueId": "860001"})
	want := `{"devices":[` + made + `]}`
	if got := s.read(); got != want {
		t.Errorf("the creator got %s\nwant %s", got, want)
	}
	if got := all.read(); got != want {
		t.Errorf("the administrator got %s", got)
	}
	other := e.device("other")
	e.position(other.ID, -time.Minute)
	admin.want(204, "POST", "/api/permissions", permit(ann.ID, other.ID))
	s.until(`"name":"other"`)
	admin.want(204, "DELETE", "/api/permissions", permit(ann.ID, other.ID))
	id := ids(t, "["+made+"]")[0]
	e.bus.publishLive(e.position(other.ID, 0))
	e.bus.publishLive(e.position(id, 0))
	if m := s.until(fmt.Sprintf(`"deviceId":%d,`, id)); strings.Contains(m, fmt.Sprintf(`"deviceId":%d,`, other.ID)) {
		t.Errorf("after the link was taken away: %s", m)
	}
}

func TestSocketSignOut(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	here, elsewhere := e.client().signIn(ann), e.client().signIn(ann)
	one, two, other := here.open(), here.open(), elsewhere.open()
	here.want(204, "DELETE", "/api/session", nil)
	for _, s := range []*socket{one, two} {
		if code := s.closedWith(); code != live.StatusSignedOut {
			t.Errorf("closed with %d", code)
		}
	}
	// The other browser stays signed in.
	d := e.device("d", ann)
	_ = e.bus.PublishUser(data.UserChange{ID: ann.ID})
	e.bus.publishLive(e.position(d.ID, 0))
	other.until(`"positions"`)
	if _, code := here.dial(); code != 401 {
		t.Errorf("opened again: %d", code)
	}
}

func TestSocketDeletedUser(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	s, tool := e.client().signIn(ann).open(), e.basic(ann).open()
	e.client().signIn(root).want(204, "DELETE", fmt.Sprintf("/api/users/%d", ann.ID), nil)
	for _, s := range []*socket{s, tool} {
		if code := s.closedWith(); code != live.StatusSignedOut {
			t.Errorf("closed with %d", code)
		}
	}
}

// A client that does not read costs nobody anything: requests and other
// sockets go on.
func TestSocketSlowClient(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	d := e.device("d", ann)
	c := e.client().signIn(ann)
	slow, quick := c.open(), c.open()
	_ = slow // never read again
	p := e.position(d.ID, 0)
	p.Attributes.SetString("note", strings.Repeat("x", 200_000))
	for i := range int64(100) {
		p.ID, p.FixTime = 1000+i, p.FixTime.Add(time.Second)
		e.bus.publishLive(p)
	}
	quick.until(`"id":1099,`)
	c.want(200, "GET", "/api/devices", nil)
}

func TestShutdown(t *testing.T) {
	e := newEnv(t)
	s := e.client().signIn(e.user("ann", false)).open()
	closed := make(chan websocket.StatusCode, 1)
	go func() { closed <- s.closedWith() }()
	if err := e.stop(); err != nil {
		t.Fatalf("Run = %v", err)
	}
	if code := <-closed; code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	if _, err := e.client().try("GET", "/api/server", nil); err == nil {
		t.Error("the port still answers")
	}
}
