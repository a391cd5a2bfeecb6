package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/geo"
)

var quiet = slog.New(slog.DiscardHandler)

// patience bounds every wait of a test: machines are busy.
const patience = time.Minute

// mixOf is a mix of one protocol.
func mixOf(name string, s *server) []Share { return []Share{{Protocol: name, Target: s.address}} }

// runUntil runs a simulation until done says so, which is asked whenever a
// position has come.
func runUntil(t *testing.T, s *server, cfg Config, done func() bool) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result := make(chan Report, 1)
	go func() {
		r, err := Run(ctx, cfg, quiet)
		if err != nil {
			t.Error(err)
		}
		result <- r
	}()
	for !done() {
		select {
		case <-s.arrived:
		case <-ctx.Done():
			t.Fatalf("the server waited in vain: %+v", <-result)
		}
	}
	cancel()
	return <-result
}

// arrived tells when so many positions have come.
func arrived(s *server, want int) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for _, list := range s.positions {
			n += len(list)
		}
		return n >= want
	}
}

// fromEach tells when so many devices have sent so many positions each.
func fromEach(s *server, devices, want int) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, list := range s.positions {
			if len(list) < want {
				return false
			}
		}
		return len(s.positions) == devices
	}
}

func TestRun(t *testing.T) {
	for _, name := range Protocols() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, nil)
			cfg := Config{Mix: mixOf(name, s), Devices: 5, FirstDevice: 20, Interval: 10 * time.Millisecond, Seed: 3}
			r := runUntil(t, s, cfg, fromEach(s, 5, 12))
			if r.Acknowledged < 5 || r.Sent < r.Acknowledged || r.Failures() > 0 || r.Connections != 5 || r.Pending != r.Made-r.Acknowledged {
				t.Errorf("%+v", r)
			}
			if q := r.Answers; q.P50 <= 0 || q.P50 > q.P99 || q.P99 > q.Max || q.Count != r.Acknowledged {
				t.Errorf("answers took %v", q)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for i := range 5 {
				list := s.positions[IMEI(20+i)]
				if len(list) < 2 {
					t.Fatalf("device %d sent %d", i, len(list))
				}
				a, b := list[0], list[1]
				if d := geo.Distance(a.Latitude, a.Longitude, b.Latitude, b.Longitude); d > 50 {
					t.Errorf("device %d jumped %v m", i, d)
				}
				if !a.Valid || geo.Distance(52.52, 13.405, a.Latitude, a.Longitude) > 40_000 || time.Since(stamped(a)).Abs() > 2*patience {
					t.Errorf("device %d is at %v, %v, %v", i, a.Latitude, a.Longitude, a.FixTime)
				}
			}
		})
	}
}

// stamped is when a decoded position was.
func stamped(p data.Position) time.Time {
	if p.FixTime.IsZero() {
		return p.DeviceTime
	}
	return p.FixTime
}

// ledgerOf compares a ledger with what a server has taken.
func ledgerOf(t *testing.T, ledger *bytes.Buffer, s *server) Verdict {
	t.Helper()
	v, err := Verify(context.Background(), bytes.NewReader(ledger.Bytes()), s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Positions implements History: what has arrived, each report once, as a store
// keeps it.
func (s *server) Positions(_ context.Context, id string, from, to time.Time, each func(Stored)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.positions[id]) == 0 {
		return errNoDevice(id)
	}
	known := map[string]bool{}
	for _, p := range s.positions[id] {
		at := stamped(p)
		key := fmt.Sprint(at.UnixMilli(), p.Latitude, p.Longitude, p.SpeedKnots, p.CourseDeg, p.Attributes)
		if at.Before(from) || at.After(to) || known[key] {
			continue
		}
		known[key] = true
		result := p.Attributes.Get("result").Kind() != data.KindNone
		each(Stored{at, p.Latitude, p.Longitude, p.SpeedKnots, p.CourseDeg, p.Outdated || result})
	}
	return nil
}

// Whatever goes wrong on the way, what was acknowledged has arrived as it was.
func TestMishaps(t *testing.T) {
	for _, name := range Protocols() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, func(s *server) { s.rough, s.hangUpAfter = true, 40 })
			var ledger bytes.Buffer
			cfg := Config{
				Mix: mixOf(name, s), Devices: 6, Interval: 5 * time.Millisecond, Seed: 7, Timeout: time.Second, MaxBackoff: 100 * time.Millisecond,
				Batch: 4, ReconnectEvery: 400 * time.Millisecond, Offline: 100 * time.Millisecond, OfflineEvery: 500 * time.Millisecond,
				Skew: time.Hour, Duplicates: 0.1, OutOfOrder: 0.1, Noise: 0.05, Ledger: &ledger,
			}
			r := runUntil(t, s, cfg, arrived(s, 1200))
			if r.Acknowledged < 100 || r.Resent == 0 || r.Noise == 0 || r.Connections < 12 || r.Pending+r.Acknowledged+r.Dropped != r.Made {
				t.Errorf("%+v", r)
			}
			v := ledgerOf(t, &ledger, s)
			if !v.OK() || v.Acknowledged != int(r.Acknowledged) || v.Stored != v.Acknowledged || v.Devices != 6 {
				t.Errorf("%d acknowledged\n%s", r.Acknowledged, v.String())
			}
			tellsKept := name != "h02" && name != "teltonika"
			skewed, archived := 0, 0
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, list := range s.positions {
				for _, p := range list {
					if time.Since(stamped(p)).Abs() > time.Minute {
						skewed++
					}
					if on, _ := p.Attributes.Get("archive").Bool(); on {
						archived++
					}
				}
			}
			if skewed == 0 || archived == 0 && tellsKept {
				t.Errorf("%d with a wrong clock, %d kept", skewed, archived)
			}
		})
	}
}

// A position that is not acknowledged is sent again, on a new connection.
func TestRunSendsAgain(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika", "h02", "jt808"} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, func(s *server) { s.silent = 1 })
			again := func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.again
			}
			cfg := Config{Mix: mixOf(name, s), Devices: 2, Interval: 5 * time.Millisecond, Timeout: 300 * time.Millisecond, MaxBackoff: 20 * time.Millisecond}
			r := runUntil(t, s, cfg, again)
			if r.Errors["timeout"] == 0 || r.Resent == 0 || r.Connections < 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRunRefused(t *testing.T) {
	for _, name := range Protocols() {
		t.Run(name, func(t *testing.T) {
			var refused atomic.Int32
			s := startServer(t, name, func(s *server) {
				s.refuse = func(id string) bool {
					if id != IMEI(1) {
						return false
					}
					refused.Add(1)
					return true
				}
			})
			cfg := Config{Mix: mixOf(name, s), Devices: 2, Interval: 5 * time.Millisecond, MaxBackoff: 20 * time.Millisecond}
			// When it tries again it has noted the first time.
			r := runUntil(t, s, cfg, func() bool { return refused.Load() > 1 && arrived(s, 20)() })
			if r.Errors["refused"] == 0 || r.Acknowledged == 0 || len(s.positions) != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRunMixes(t *testing.T) {
	a, b := startServer(t, "gt06", nil), startServer(t, "teltonika", nil)
	mix := []Share{{Protocol: "gt06", Target: a.address}, {Protocol: "teltonika", Weight: 3, Target: b.address}}
	r := runUntil(t, b, Config{Mix: mix, Devices: 8, Interval: 5 * time.Millisecond}, func() bool { return fromEach(a, 2, 1)() && fromEach(b, 6, 1)() })
	if len(a.positions) != 2 || len(b.positions) != 6 || r.Devices != 8 {
		t.Errorf("%d and %d devices", len(a.positions), len(b.positions))
	}
}

// The same seed makes the same reports and mishaps.
func TestDevicesAreDeterministic(t *testing.T) {
	unordered := 0
	play := func(seed uint64) string {
		f := &fleet{cfg: Config{Interval: time.Second, Seed: seed, Duplicates: 0.2, OutOfOrder: 0.2, Noise: 0.2, Skew: time.Hour}, counts: &counters{}, log: quiet}
		d := f.newDevice(0, IMEI(4), share{dialect: gt06Dialect{}}, newWalker(seed, 4))
		at := time.Unix(1_780_000_000, 0)
		for i := range 200 {
			d.made, d.due.report = at, at
			at = at.Add(time.Second)
			d.report(at)
			if i == 0 {
				d.kept = d.kept[:0] // it holds how long ago the device was made
			}
		}
		for i := 1; i < len(d.kept); i++ {
			if d.kept[i].at < d.kept[i-1].at {
				unordered++
			}
		}
		return fmt.Sprintf("%+v", d.kept)
	}
	if play(1) != play(1) {
		t.Error("the same seed plays something else")
	}
	if play(1) == play(2) {
		t.Error("another seed plays the same")
	}
	if unordered < 4*10 || unordered > 4*60 {
		t.Errorf("%d of 800 came too late, want about a sixth", unordered)
	}
}

func TestDeviceForgetsTheOldest(t *testing.T) {
	d := &device{fleet: &fleet{counts: &counters{}}}
	for i := range maxKept {
		d.keep(report{at: int64(i)})
	}
	d.flight = []frame{{1, 2}, {2, 1}}
	d.keep(report{at: maxKept})
	if len(d.kept) != maxKept || d.kept[2].at != 2 || d.kept[3].at != 4 || d.kept[maxKept-1].at != maxKept || d.counts.dropped.Load() != 1 {
		t.Errorf("%d kept: %v", len(d.kept), d.kept[:5])
	}
}

func TestRunEndsInTime(t *testing.T) {
	var log bytes.Buffer
	// Nobody listens on port 1.
	cfg := Config{Mix: []Share{{Protocol: "gt06", Target: "127.0.0.1:1"}}, Devices: 3, Interval: time.Hour, Duration: 3 * time.Second}
	r, err := Run(context.Background(), cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || r.Acknowledged != 0 || r.Elapsed < 2900*time.Millisecond || r.Elapsed > patience || r.Errors["dial"] == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if !strings.Contains(log.String(), "first error of its kind") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestConfig(t *testing.T) {
	good := Config{Mix: []Share{{Protocol: "gt06", Target: "127.0.0.1:1"}}, Devices: 1, Interval: time.Second}
	for name, change := range map[string]func(*Config){
		"devices":      func(c *Config) { c.Devices = 0 },
		"first":        func(c *Config) { c.FirstDevice = maxDevices },
		"interval":     func(c *Config) { c.Interval = 0 },
		"duration":     func(c *Config) { c.Duration = -1 },
		"batch":        func(c *Config) { c.Batch = maxBatch + 1 },
		"offline":      func(c *Config) { c.Offline = time.Second },
		"skew":         func(c *Config) { c.Skew = 25 * time.Hour },
		"noise":        func(c *Config) { c.Noise = 1.5 },
		"out-of-order": func(c *Config) { c.OutOfOrder = -1 },
		"duplicates":   func(c *Config) { c.Duplicates = 2 },
		"protocols":    func(c *Config) { c.Mix = nil },
		"target":       func(c *Config) { c.Mix = []Share{{Protocol: "gt06"}} },
		"galileo":      func(c *Config) { c.Mix = []Share{{Protocol: "galileo", Target: "a:1"}} },
	} {
		c := good
		change(&c)
		if _, err := Run(context.Background(), c, quiet); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseMix(t *testing.T) {
	for _, c := range []struct {
		protocols, target string
		offset            int
		want              string
	}{
		{"gt06", "127.0.0.1:6000", 0, "[{gt06 1 127.0.0.1:6000}]"},
		{"gt06,teltonika=3", "example.org", 100, "[{gt06 1 example.org:5123} {teltonika 3 example.org:5127}]"},
		{"h02", "::1", 0, "[{h02 1 [::1]:5013}]"},
		{"gt06, h02=2", "gt06=a:1,h02=b:2", 0, "[{gt06 1 a:1} {h02 2 b:2}]"},
	} {
		mix, err := ParseMix(c.protocols, c.target, c.offset)
		if have := fmt.Sprint(mix); err != nil || have != c.want {
			t.Errorf("%s at %s: %s, %v", c.protocols, c.target, have, err)
		}
	}
	if mix, err := ParseMix("all", "localhost", 0); err != nil || len(mix) != len(Protocols()) {
		t.Errorf("%v, %v", mix, err)
	}
	for _, bad := range [][2]string{{"gt07", "a"}, {"gt06=0", "a"}, {"gt06,h02", "a:1"}, {"gt06,h02", "gt06=a:1"}, {"gt06", ""}} {
		if mix, err := ParseMix(bad[0], bad[1], 0); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%v: %v, %v", bad, mix, err)
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

func TestReportIsATableAndJSON(t *testing.T) {
	r := Report{Elapsed: 2 * time.Second, Sent: 11, Acknowledged: 10, Errors: map[string]uint64{"timeout": 1}, Answers: Quantiles{P99: 1500 * time.Microsecond}}
	for _, want := range []string{"acknowledged", "10", "(5.0/s)", "1.5ms", "timeout"} {
		if text := r.String(); !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), `"errors":{"timeout":1}`) || !strings.Contains(string(b), `"p99Ns":1500000`) {
		t.Errorf("%s, %v", b, err)
	}
}
