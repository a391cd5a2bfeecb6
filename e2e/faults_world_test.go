//go:build linux

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/simulator"
)

// Settings of the tests of faults, for longer runs than the ordinary ones (see
// platforms/faults).
const (
	roundsVariable = "WAYMARK_FAULT_ROUNDS"  // kills of a test
	outageVariable = "WAYMARK_FAULT_SECONDS" // how long something is away
)

// maxMemory is what a process may hold at most whatever happens, in MiB.
const maxMemory = 384

// setting is a number of the environment, or what the ordinary run has.
func setting(t *testing.T, name string, ordinary int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return ordinary
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want 1 or more", name, text)
	}
	return n
}

// target is a server whose process may be killed and started again at the same
// addresses.
type target struct {
	web, ops string
	ports    map[string]string // protocol -> port
}

func newTarget(t *testing.T) *target {
	x := &target{web: "127.0.0.1:" + freePort(t), ops: "127.0.0.1:" + freePort(t), ports: map[string]string{}}
	for _, p := range []string{"gt06", "teltonika", "osmand"} {
		x.ports[p] = freePort(t)
	}
	return x
}

func (x *target) trackerArgs() []string {
	var ports []string
	for p, port := range x.ports {
		ports = append(ports, p+"="+port)
	}
	return []string{"--ops.listen", x.ops, "--tracker.host", "127.0.0.1", "--tracker.register-unknown", "--tracker.ports", strings.Join(ports, ",") + ",*=off"}
}

// serve starts everything in one process there, and does not wait for it.
func (x *target) serve(t *testing.T, dir string) *process {
	t.Helper()
	return start(t, waymark(t), append([]string{"serve", "--data-dir", dir, "--web.listen", x.web}, x.trackerArgs()...)...)
}

func (x *target) phone() string { return "127.0.0.1:" + x.ports["osmand"] }

// counter is the sum of a metric over its labels, those that contain label; -1
// when nobody answers.
func (x *target) counter(name, label string) (sum float64) {
	c := http.Client{Timeout: patience}
	resp, err := c.Get("http://" + x.ops + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest[0] != ' ' && rest[0] != '{' || !strings.Contains(rest, label) {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err == nil {
			sum += v
		}
	}
	return sum
}

// durable is how many positions this process has acknowledged, settled how many
// it has stored, or found stored.
func (x *target) durable() float64 {
	return x.counter("waymark_tracker_positions_total", `"durable"`)
}

func (x *target) settled() float64 {
	return x.counter("waymark_process_positions_stored_total", "") + x.counter("waymark_process_positions_known_total", "")
}

// failing is what /readyz names; ok is that it says all is well.
func (x *target) failing() (names string, ok bool) {
	c := http.Client{Timeout: patience}
	resp, err := c.Get("http://" + x.ops + "/readyz")
	if err != nil {
		return err.Error(), false
	}
	defer resp.Body.Close()
	body := make([]byte, 1024)
	n, _ := resp.Body.Read(body) // what there is
	return string(body[:n]), resp.StatusCode == http.StatusOK
}

// storm is simulated devices that go on until they are stopped.
type storm struct {
	t      *testing.T
	file   string // the ledger
	cancel context.CancelFunc
	done   chan struct{}
	report simulator.Report
	err    error
}

// devices are those of a storm: as many protocols, bursts after tunnels,
// duplicates, and what else goes wrong with real ones.
func (x *target) devices() simulator.Config {
	var mix []simulator.Share
	for _, p := range []string{"gt06", "teltonika", "osmand"} {
		mix = append(mix, simulator.Share{Protocol: p, Target: "127.0.0.1:" + x.ports[p]})
	}
	return simulator.Config{
		Mix: mix, Devices: 90, Interval: 200 * time.Millisecond, Timeout: 5 * time.Second, MaxBackoff: time.Second, Seed: rand.Uint64(),
		ReconnectEvery: 10 * time.Second, Offline: time.Second, OfflineEvery: 5 * time.Second, Duplicates: 0.05, OutOfOrder: 0.02, Noise: 0.01,
	}
}

// fewer devices are for a bus of its own, where each message, and each
// confirmation of one, is synced by itself: the disks of test machines are slow.
func (x *target) fewer() simulator.Config {
	cfg := x.devices()
	cfg.Devices, cfg.Interval = 45, 500*time.Millisecond
	return cfg
}

func startStorm(t *testing.T, cfg simulator.Config) *storm {
	t.Helper()
	s := &storm{t: t, file: filepath.Join(t.TempDir(), "ledger.csv"), done: make(chan struct{})}
	f, err := os.Create(s.file)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Ledger = f
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.report, s.err = simulator.Run(ctx, cfg, slog.New(slog.DiscardHandler))
		s.err = errors.Join(s.err, f.Close())
	}()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *storm) stop() simulator.Report {
	s.t.Helper()
	s.cancel()
	<-s.done
	if s.err != nil {
		s.t.Errorf("simulate: %v", s.err)
	}
	return s.report
}

// verify compares the ledger with what is stored, as soon as all of it is, and
// returns how much that is.
func (s *storm) verify(web string) simulator.Verdict {
	s.t.Helper()
	api, err := simulator.SignIn(s.t.Context(), "http://"+web, adminEmail, adminPassword)
	if err != nil {
		s.t.Fatal(err)
	}
	stored := 0
	for limit := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		f, err := os.Open(s.file)
		if err != nil {
			s.t.Fatal(err)
		}
		v, err := simulator.Verify(s.t.Context(), f, api)
		f.Close()
		if v.Stored > stored { // a backlog may take its time, but not stand still
			stored, limit = v.Stored, time.Now().Add(patience)
		}
		switch {
		case err == nil && v.OK() && v.Acknowledged > 0:
			return v
		case err == nil && (v.Twice > 0 || v.Acknowledged == 0), time.Now().After(limit):
			s.t.Fatalf("what was acknowledged is not what is stored: %v\n%s", err, v.String())
		}
	}
}

// memory is what a process holds now and held at most, in MiB.
func memory(t *testing.T, p *process) (now, peak int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("%s has ended: %v", p.name, err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			now = kib >> 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			peak = kib >> 10
		}
	}
	if peak == 0 {
		t.Fatalf("%s has ended", p.name)
	}
	return now, peak
}

// admin makes the first account and returns who uses it.
func (x *target) admin(t *testing.T) *client {
	t.Helper()
	c := newClient(t, "http://"+x.web)
	c.signUp()
	return c
}
