// Package simulator plays devices: many small ones that try a server (Run), a
// few that drive through cities (Demo), and bare frames as fast as they go
// (Load). They speak real protocols over real sockets, with the device's side of
// the protocol packages, and keep what was not acknowledged, as devices do.
// Verify proves afterwards that what was acknowledged is stored.
package simulator

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	maxDevices       = 100_000
	defaultTimeout   = 30 * time.Second
	defaultHeartbeat = 3 * time.Minute
	minBackoff       = 500 * time.Millisecond
	maxBackoff       = 30 * time.Second
	maxSkew          = 23 * time.Hour // beyond a day a server does not believe it
	summaryEvery     = 10 * time.Second
)

// Share is the part of the devices that speaks a protocol.
type Share struct {
	// Protocol is one of Protocols.
	Protocol string
	// Weight is its share among the weights of all; 0 is 1.
	Weight int
	// Target is the address of the server, host:port.
	Target string
}

// Config says what Run plays. What may go wrong is decided by Seed: the same
// devices make the same journeys and meet the same mishaps; only the clock and
// the server differ.
type Config struct {
	Mix []Share
	// Devices is how many, 1 to 100000.
	Devices int
	// FirstDevice is the number of the first one, for several simulators side
	// by side.
	FirstDevice int
	// Interval is the time between two reports of a device.
	Interval time.Duration
	// Duration is how long to go on; 0 is until the context ends.
	Duration time.Duration
	// Timeout is how long to wait for a connection or an answer; 0 is 30 s.
	Timeout time.Duration
	// Heartbeat is how long a device is silent before it sends one; 0 is 3 min.
	Heartbeat time.Duration
	// MaxBackoff bounds the wait before a new connection; 0 is 30 s.
	MaxBackoff time.Duration
	// Seed makes another crowd; the same seed makes the same one.
	Seed uint64

	// Batch is how many reports a device gathers before it sends them together,
	// in one message where the protocol can; 0 is 1, at most 100.
	Batch int
	// ReconnectEvery is about how long a connection lasts before the device hangs
	// up and comes again; 0 is for ever.
	ReconnectEvery time.Duration
	// Offline is about how long a device has no connection, about OfflineEvery
	// after it had the last time; 0 is never.
	Offline, OfflineEvery time.Duration
	// Skew is by how much the clock of a device may be wrong, either way.
	Skew time.Duration
	// Duplicates, OutOfOrder and Noise are shares, 0 to 1, of the reports that
	// are sent again after their acknowledgement, that come behind the next one,
	// and that have garbage in front.
	Duplicates, OutOfOrder, Noise float64
	// Ledger gets a line for every acknowledged report, see Verify; nil is none.
	Ledger io.Writer
}

// ParseMix reads protocols with their weights, "gt06,teltonika=3" or "all", and
// the target: "host", where the default ports plus offset count, "host:port" for
// a single protocol, or "gt06=host:port,teltonika=host:port".
func ParseMix(protocols, target string, offset int) ([]Share, error) {
	targets := map[string]string{}
	for _, t := range strings.Split(target, ",") {
		name, address, named := strings.Cut(t, "=")
		if !named {
			name, address = "", t
		}
		targets[strings.TrimSpace(name)] = strings.TrimSpace(address)
	}
	if protocols == "all" {
		protocols = strings.Join(Protocols(), ",")
	}
	names := strings.Split(protocols, ",")
	var mix []Share
	for _, text := range names {
		name, weight, _ := strings.Cut(strings.TrimSpace(text), "=")
		s := Share{Protocol: name, Weight: 1}
		_, port, err := dialectOf(name)
		if err != nil {
			return nil, err
		}
		if weight != "" {
			if s.Weight, err = strconv.Atoi(weight); err != nil || s.Weight < 1 {
				return nil, fmt.Errorf("protocol %s: weight %q is not 1 or more: %w", name, weight, data.ErrInvalid)
			}
		}
		common := targets[""]
		switch _, _, splitErr := net.SplitHostPort(common); {
		case targets[name] != "":
			s.Target = targets[name]
		case common == "":
			return nil, fmt.Errorf("no target for %s: want a host, or %s=host:port: %w", name, name, data.ErrInvalid)
		case splitErr != nil:
			s.Target = net.JoinHostPort(strings.Trim(common, "[]"), strconv.Itoa(port+offset))
		case len(names) > 1:
			return nil, fmt.Errorf("target %q: of several protocols each has a port of its own: want a host, or %s=host:port,..: %w", common, name, data.ErrInvalid)
		default:
			s.Target = common
		}
		mix = append(mix, s)
	}
	return mix, nil
}

// share is a Share that is understood.
type share struct {
	Share
	dialect dialect
}

func (c *Config) shares() (list []share, err error) {
	if len(c.Mix) == 0 {
		return nil, fmt.Errorf("protocols: want at least one: %w", data.ErrInvalid)
	}
	for _, s := range c.Mix {
		d, _, err := dialectOf(s.Protocol)
		if err != nil {
			return nil, err
		}
		if s.Target == "" {
			return nil, fmt.Errorf("target of %s: want host:port: %w", s.Protocol, data.ErrInvalid)
		}
		s.Weight = max(s.Weight, 1)
		list = append(list, share{s, d})
	}
	return list, nil
}

func (c *Config) check() error {
	type shareOf struct {
		name  string
		value float64
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf(format+": %w", append(args, data.ErrInvalid)...)
	}
	switch {
	case c.Devices < 1 || c.Devices > maxDevices:
		return bad("devices: %d, want 1 to %d", c.Devices, maxDevices)
	case c.FirstDevice < 0 || c.FirstDevice+c.Devices > maxDevices:
		return bad("first device: %d, the last one would be %d, want at most %d", c.FirstDevice, c.FirstDevice+c.Devices-1, maxDevices-1)
	case c.Interval <= 0:
		return bad("interval: %s, want more than 0", c.Interval)
	case c.Batch < 0 || c.Batch > maxBatch:
		return bad("batch: %d, want 1 to %d", c.Batch, maxBatch)
	case slices.Min([]time.Duration{c.Duration, c.Timeout, c.Heartbeat, c.MaxBackoff, c.ReconnectEvery, c.Offline, c.OfflineEvery}) < 0:
		return bad("duration, timeout and other times: want 0 or more")
	case c.Offline > 0 && c.OfflineEvery == 0:
		return bad("offline: want to know how often, too")
	case c.Skew < 0 || c.Skew > maxSkew:
		return bad("skew: %s, want 0 to %s", c.Skew, maxSkew)
	}
	for _, s := range []shareOf{{"duplicates", c.Duplicates}, {"out-of-order", c.OutOfOrder}, {"noise", c.Noise}} {
		if !(s.value >= 0 && s.value <= 1) {
			return bad("%s: %v, want 0 to 1", s.name, s.value)
		}
	}
	return nil
}

func (c *Config) setDefaults() {
	for _, v := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Timeout, defaultTimeout}, {&c.Heartbeat, defaultHeartbeat}, {&c.MaxBackoff, maxBackoff}} {
		if *v.field == 0 {
			*v.field = v.value
		}
	}
}

// Run plays devices until the duration is over or ctx ends, and reports what
// came of it. An error means that it could not start, or that the ledger could
// not be written; the report is good then, too.
func Run(ctx context.Context, cfg Config, log *slog.Logger) (Report, error) {
	if err := cfg.check(); err != nil {
		return Report{}, fmt.Errorf("simulate: %w", err)
	}
	mix, err := cfg.shares()
	if err != nil {
		return Report{}, fmt.Errorf("simulate: %w", err)
	}
	cfg.setDefaults()
	if cfg.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Duration)
		defer cancel()
	}
	f := &fleet{cfg: cfg, counts: &counters{}, log: log}
	if cfg.Ledger != nil {
		f.ledger = newLedger(cfg.Ledger)
	}
	started := time.Now()
	done := f.start(ctx, mix)
	ticker := time.NewTicker(summaryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return f.counts.report(time.Since(started), cfg.Devices), f.ledger.flush()
		case <-ticker.C:
			f.summary(time.Since(started))
		}
	}
}

// start lets the devices run; done is closed when the last one has stopped.
func (f *fleet) start(ctx context.Context, mix []share) (done chan struct{}) {
	var turns []int // the protocols, by their weights
	for i, s := range mix {
		turns = append(turns, slices.Repeat([]int{i}, s.Weight)...)
	}
	var devices sync.WaitGroup
	for i := range f.cfg.Devices {
		number := f.cfg.FirstDevice + i
		d := f.newDevice(number/len(turns), IMEI(number), mix[turns[number%len(turns)]], newWalker(f.cfg.Seed, uint64(number)))
		delay := time.Duration(float64(f.cfg.Interval) / float64(f.cfg.Devices) * float64(i))
		devices.Go(func() { d.run(ctx, delay) })
	}
	done = make(chan struct{})
	go func() {
		devices.Wait()
		close(done)
	}()
	return done
}

func (f *fleet) summary(elapsed time.Duration) {
	r := f.counts.report(elapsed, f.cfg.Devices)
	f.log.Info("simulating", "devices", f.cfg.Devices, "connected", f.counts.connected.Load(),
		"sent", r.Sent, "acknowledged", r.Acknowledged, "errors", r.Failures(), "p99", r.Answers.P99, "late", r.Late.P99)
	if err := f.ledger.flush(); err != nil {
		f.log.Error("write ledger", "err", err)
	}
}
