//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// narrow dials with the smallest room for what is not read, so that who does
// not read is noticed soon.
func narrow(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(4096)
	}
	return conn, err
}

// stuckSocket opens a WebSocket and never reads it.
func stuckSocket(ctx context.Context, t *testing.T, c *client) {
	t.Helper()
	slow := &http.Client{Jar: c.http.Jar, Transport: &http.Transport{DialContext: narrow}}
	conn, _, err := websocket.Dial(ctx, strings.Replace(c.base, "http", "ws", 1)+"/api/socket", &websocket.DialOptions{
		HTTPClient: slow, HTTPHeader: http.Header{"Origin": {c.base}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
}

// stuckReader asks for a device's history and reads no more than its first
// bytes.
func stuckReader(ctx context.Context, t *testing.T, c *client, device int64) {
	t.Helper()
	slow := &http.Client{Jar: c.http.Jar, Transport: &http.Transport{DialContext: narrow, DisableCompression: true}}
	from, to := time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/positions?deviceId=%d&from=%s&to=%s", c.base, device,
		url.QueryEscape(from.UTC().Format(time.RFC3339)), url.QueryEscape(to.UTC().Format(time.RFC3339))), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := slow.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("history: %s", resp.Status)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if _, err := resp.Body.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
}

// TestSlowWatchers has viewers that do not read what they asked for: neither
// devices nor the memory of the process notice.
func TestSlowWatchers(t *testing.T) {
	const sockets, readers, want = 30, 10, 5000
	dir, x := t.TempDir(), newTarget(t)
	process := x.serve(t, dir)
	awaitReady(t, "http://"+x.web)
	c := x.admin(t)
	full := fillings{}
	full.fill(t, x)
	before, _ := memory(t, process)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range sockets {
		stuckSocket(ctx, t, c)
	}
	for i := range readers {
		stuckReader(ctx, t, c, int64(1+i))
	}
	p := startPhones(t, x.phone(), 10)
	cfg := x.devices()
	cfg.Timeout = patience // whoever is held up tells by how long he waited
	s := startStorm(t, cfg)
	began, due := time.Now(), x.durable()+want
	for x.durable() < due {
		if time.Since(began) > patience {
			t.Fatalf("only %.0f of %d positions were acknowledged", want-(due-x.durable()), want)
		}
		p.flows(t, 20)
	}
	took := time.Since(began)
	_, peak := memory(t, process)
	p.stop()
	report := s.stop()
	v := s.verify(x.web)
	storedOnce(t, c, &p.ledger, p.begin)
	full.verify(t, x.web)
	t.Logf("%d sockets and %d readers stood still: %d positions in %v, answers p99 %v; lost %d, twice %d; memory %d MiB before, at most %d",
		sockets, readers, want, took.Round(time.Millisecond), report.Answers.P99, v.Missing, v.Twice, before, peak)
	if p.failed.Load() > 0 || report.Errors["timeout"] > 0 {
		t.Errorf("%d positions were refused, devices saw %v", p.failed.Load(), report.Errors)
	}
	if report.Answers.P99 > 10*time.Second {
		t.Errorf("answers took %v", report.Answers.P99)
	}
	if peak > maxMemory {
		t.Errorf("memory grew from %d to %d MiB", before, peak)
	}
}
