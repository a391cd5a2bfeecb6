package simulator

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/geo"
)

var quiet = slog.New(slog.DiscardHandler)

func protocols() []string { return []string{"gt06", "teltonika", "osmand"} }

// runUntil runs a simulation until the server has so many positions.
func runUntil(t *testing.T, s *server, cfg Config, positions int) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	done := make(chan Report, 1)
	go func() {
		r, err := Run(ctx, cfg, quiet)
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	for range positions {
		select {
		case <-s.arrived:
		case <-ctx.Done():
			t.Fatal("the server waited in vain")
		}
	}
	cancel()
	return <-done
}

func TestRun(t *testing.T) {
	for _, name := range protocols() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, nil)
			cfg := Config{Protocol: name, Devices: 5, FirstDevice: 20, Interval: 10 * time.Millisecond, Target: s.address, Seed: 3}
			r := runUntil(t, s, cfg, 60)
			if r.Acknowledged < 50 || r.Sent < r.Acknowledged || r.Errors > 0 || r.Connections != 5 {
				t.Errorf("%+v", r)
			}
			if r.P50 <= 0 || r.P50 > r.P99 || r.P99 > r.Max {
				t.Errorf("answers took %v", r)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.positions) != 5 {
				t.Fatalf("%d devices", len(s.positions))
			}
			for i := range 5 {
				list := s.positions[IMEI(20+i)]
				if len(list) < 2 {
					t.Fatalf("device %d sent %d", i, len(list))
				}
				a, b := list[0], list[1]
				if d := geo.Distance(a.Latitude, a.Longitude, b.Latitude, b.Longitude); d > 50 {
					t.Errorf("device %d jumped %v m", i, d)
				}
				if !a.Valid || geo.Distance(52.52, 13.405, a.Latitude, a.Longitude) > 40_000 {
					t.Errorf("device %d is at %v, %v", i, a.Latitude, a.Longitude)
				}
			}
		})
	}
}

// A connection that breaks is made again, and the position that was not
// acknowledged is sent again.
func TestRunReconnects(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika"} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, func(s *server) { s.hangUpAfter = 2 })
			r := runUntil(t, s, Config{Protocol: name, Devices: 2, Interval: 5 * time.Millisecond, Target: s.address}, 9)
			if r.Errors == 0 || r.Connections < 3 || r.Sent <= r.Acknowledged {
				t.Errorf("%+v", r)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			again := false
			for _, list := range s.positions {
				for i := 1; i < len(list); i++ {
					again = again || (list[i].Latitude == list[i-1].Latitude && list[i].Longitude == list[i-1].Longitude)
				}
			}
			if !again {
				t.Error("nothing was sent again")
			}
		})
	}
}

func TestRunRefused(t *testing.T) {
	for _, name := range protocols() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, func(s *server) { s.refuse = func(id string) bool { return id == IMEI(1) } })
			r := runUntil(t, s, Config{Protocol: name, Devices: 2, Interval: 5 * time.Millisecond, Target: s.address}, 20)
			if r.Errors == 0 || r.Acknowledged == 0 || len(s.positions) != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Devices answer commands that come between.
func TestRunAnswersCommands(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika"} {
		t.Run(name, func(t *testing.T) {
			p, _ := all.ByName(name)
			command, err := p.Encode(data.Command{Type: "engineStop"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := startServer(t, name, func(s *server) { s.command = command })
			runUntil(t, s, Config{Protocol: name, Devices: 1, Interval: 5 * time.Millisecond, Target: s.address}, 10)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.results < 5 {
				t.Errorf("%d answers", s.results)
			}
		})
	}
}

func TestRunEndsInTime(t *testing.T) {
	var log bytes.Buffer
	// Nobody listens on port 1.
	r, err := Run(context.Background(), Config{Protocol: "gt06", Devices: 3, Interval: time.Hour, Duration: 50 * time.Millisecond, Target: "127.0.0.1:1"},
		slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || r.Acknowledged != 0 || r.Elapsed < 50*time.Millisecond || r.Elapsed > 10*time.Second {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Protocol: "gt06", Devices: 1, Interval: time.Second, Target: "127.0.0.1:1"}
	for name, change := range map[string]func(*Config){
		"devices":  func(c *Config) { c.Devices = 0 },
		"first":    func(c *Config) { c.FirstDevice = maxDevices },
		"interval": func(c *Config) { c.Interval = 0 },
		"duration": func(c *Config) { c.Duration = -1 },
		"target":   func(c *Config) { c.Target = "" },
		"h02":      func(c *Config) { c.Protocol = "h02" },
	} {
		c := good
		change(&c)
		if _, err := Run(context.Background(), c, quiet); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIMEI(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range []int{0, 1, 9999, 10_000, 99_999} {
		id := IMEI(n)
		check, _ := converters.LuhnDigit(id[:14])
		if len(id) != 15 || id[14] != check || seen[id] || !strings.HasPrefix(id, "860000000") {
			t.Errorf("%d is %s", n, id)
		}
		seen[id] = true
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("nothing was counted")
	}
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.9: 900 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if have := h.quantile(q); have < want*96/100 || have > want*104/100 {
			t.Errorf("%v: %v, want about %v", q, have, want)
		}
	}
	h.add(time.Duration(1<<63 - 1))
	h.add(-1)
	if h.quantile(1) != 1<<63-1 {
		t.Errorf("maximum %v", h.quantile(1))
	}
	for v := uint64(1); v > 0 && v < 1<<63; v += v/3 + 1 {
		if b := bucketOf(v); lowest(b) > v || (b+1 < bucketSize && lowest(b+1) <= v) {
			t.Fatalf("%d is in bucket %d from %d", v, b, lowest(b))
		}
	}
}

func TestReportIsATable(t *testing.T) {
	text := Report{Elapsed: 2 * time.Second, Sent: 11, Acknowledged: 10, Errors: 1, P99: 1500 * time.Microsecond}.String()
	for _, want := range []string{"acknowledged", "10", "(5.0/s)", "1.5ms", "errors"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
