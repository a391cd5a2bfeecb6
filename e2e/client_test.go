package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// client is somebody who uses the API.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func newClient(t *testing.T, base string) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, base, &http.Client{Jar: jar, Timeout: patience}}
}

// position is a position as the API shows it.
type position struct {
	ID         int64          `json:"id"`
	DeviceID   int64          `json:"deviceId"`
	Protocol   string         `json:"protocol"`
	FixTime    time.Time      `json:"fixTime"`
	Valid      bool           `json:"valid"`
	Latitude   float64        `json:"latitude"`
	Longitude  float64        `json:"longitude"`
	Speed      float64        `json:"speed"`
	Attributes map[string]any `json:"attributes"`
}

// device is a device as the API shows it.
type device struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	UniqueID string `json:"uniqueId"`
	Status   string `json:"status"`
}

// call asks the API and decodes the answer into out, if it is not nil.
func (c *client) call(method, path string, body any, out any) int {
	c.t.Helper()
	var r io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		r, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r, kind = bytes.NewReader(j), "application/json"
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if out != nil && resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, out); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode
}

// must is call for what has to work.
func (c *client) must(method, path string, body any, out any) {
	c.t.Helper()
	if status := c.call(method, path, body, out); status/100 != 2 {
		c.t.Fatalf("%s %s: status %d", method, path, status)
	}
}

const (
	adminEmail    = "anna@example.com"
	adminPassword = "correct horse battery"
)

// signUp makes the first administrator and signs in.
func (c *client) signUp() {
	c.t.Helper()
	c.must("POST", "/api/users", map[string]any{"name": "Anna", "email": adminEmail, "password": adminPassword}, nil)
	c.signIn(adminEmail, adminPassword)
}

func (c *client) signIn(email, password string) {
	c.t.Helper()
	c.must("POST", "/api/session", url.Values{"email": {email}, "password": {password}}, nil)
}

// latest returns the newest position of each device, by the device's identity.
func (c *client) latest() map[string]position {
	c.t.Helper()
	var devices []device
	var positions []position
	c.must("GET", "/api/devices", nil, &devices)
	c.must("GET", "/api/positions", nil, &positions)
	out := map[string]position{}
	for _, d := range devices {
		for _, p := range positions {
			if p.DeviceID == d.ID {
				out[d.UniqueID] = p
			}
		}
	}
	return out
}

// history returns the positions of a device around a time.
func (c *client) history(uniqueID string, from, to time.Time) (out []position) {
	c.t.Helper()
	var devices []device
	c.must("GET", "/api/devices?uniqueId="+url.QueryEscape(uniqueID), nil, &devices)
	if len(devices) != 1 {
		return nil
	}
	c.must("GET", fmt.Sprintf("/api/positions?deviceId=%d&from=%s&to=%s", devices[0].ID,
		url.QueryEscape(from.UTC().Format(time.RFC3339Nano)), url.QueryEscape(to.UTC().Format(time.RFC3339Nano))), nil, &out)
	return out
}

// socket collects the positions that come over the WebSocket.
func (c *client) socket() <-chan position {
	c.t.Helper()
	u, err := url.Parse(c.base)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, _, err := websocket.Dial(c.t.Context(), strings.Replace(c.base, "http", "ws", 1)+"/api/socket", &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: http.Header{"Origin": {u.Scheme + "://" + u.Host}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	out := make(chan position, 10_000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		for {
			_, msg, err := conn.Read(ctx)
			if err != nil {
				return
			}
			var m struct{ Positions []position }
			if json.Unmarshal(msg, &m) != nil {
				return
			}
			for _, p := range m.Positions {
				out <- p
			}
		}
	}()
	c.t.Cleanup(func() { cancel(); conn.CloseNow(); <-done })
	return out
}

// awaitPosition waits for a position on a socket.
func awaitPosition(t *testing.T, from <-chan position, what string, is func(position) bool) position {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case p, ok := <-from:
			if !ok {
				t.Fatalf("the socket ended before %s", what)
			}
			if is(p) {
				return p
			}
		case <-limit:
			t.Fatalf("%s does not come over the socket", what)
		}
	}
}

// exchange sends bytes to a device port and returns as many as are wanted.
func exchange(t *testing.T, conn net.Conn, send []byte, want int) []byte {
	t.Helper()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(send); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, want)
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatalf("answer %x: %v", got, err)
	}
	return got
}

func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
