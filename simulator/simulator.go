// Package simulator plays devices: many small ones that load a server (Run)
// and a few that drive through cities (Demo). They speak real protocols over
// real sockets, with the device's side of the protocol packages, and wait for
// each answer as devices do.
package simulator

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/geo"
)

const (
	maxDevices     = 100_000
	defaultTimeout = 30 * time.Second
	minBackoff     = 500 * time.Millisecond
	maxBackoff     = 30 * time.Second
	summaryEvery   = 10 * time.Second
)

// Config says what Run plays.
type Config struct {
	// Protocol is gt06, teltonika or osmand.
	Protocol string
	// Devices is how many, 1 to 100000.
	Devices int
	// FirstDevice is the number of the first one, for several simulators side
	// by side.
	FirstDevice int
	// Interval is the time between two positions of a device.
	Interval time.Duration
	// Duration is how long to go on; 0 is until the context ends.
	Duration time.Duration
	// Target is the address of the server, host:port.
	Target string
	// Timeout is how long to wait for a connection or an answer; 0 is 30 s.
	Timeout time.Duration
	// Seed makes another crowd; the same seed makes the same one.
	Seed uint64
}

func (c *Config) check() error {
	switch {
	case c.Devices < 1 || c.Devices > maxDevices:
		return fmt.Errorf("devices: %d, want 1 to %d: %w", c.Devices, maxDevices, data.ErrInvalid)
	case c.FirstDevice < 0 || c.FirstDevice+c.Devices > maxDevices:
		return fmt.Errorf("first device: %d, the last one would be %d, want at most %d: %w",
			c.FirstDevice, c.FirstDevice+c.Devices-1, maxDevices-1, data.ErrInvalid)
	case c.Interval <= 0:
		return fmt.Errorf("interval: %s, want more than 0: %w", c.Interval, data.ErrInvalid)
	case c.Duration < 0 || c.Timeout < 0:
		return fmt.Errorf("duration and timeout: want 0 or more: %w", data.ErrInvalid)
	case c.Target == "":
		return fmt.Errorf("target: want host:port: %w", data.ErrInvalid)
	}
	return nil
}

// Run plays devices until the duration is over or ctx ends, and reports what
// came of it. An error means that it could not start.
func Run(ctx context.Context, cfg Config, log *slog.Logger) (Report, error) {
	if err := cfg.check(); err != nil {
		return Report{}, fmt.Errorf("simulate: %w", err)
	}
	speaker, err := dialectOf(cfg.Protocol)
	if err != nil {
		return Report{}, fmt.Errorf("simulate: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Duration)
		defer cancel()
	}
	var counts counters
	started := time.Now()
	var devices sync.WaitGroup
	for i := range cfg.Devices {
		devices.Go(func() {
			link := &link{
				dialect: speaker, target: cfg.Target, id: IMEI(cfg.FirstDevice + i),
				timeout: cfg.Timeout, maxBackoff: maxBackoff, counts: &counts, log: log,
			}
			defer link.close()
			wander(ctx, link, newWalker(cfg.Seed, uint64(cfg.FirstDevice+i)), cfg.Interval,
				time.Duration(int64(cfg.Interval)/int64(cfg.Devices)*int64(i)))
		})
	}
	done := make(chan struct{})
	go func() {
		devices.Wait()
		close(done)
	}()
	ticker := time.NewTicker(summaryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return counts.report(time.Since(started)), nil
		case <-ticker.C:
			r := counts.report(time.Since(started))
			log.Info("simulating", "protocol", cfg.Protocol, "devices", cfg.Devices, "connected", counts.connected.Load(),
				"sent", r.Sent, "acknowledged", r.Acknowledged, "errors", r.Errors, "p99", r.P99)
		}
	}
}

// wander sends the positions of a walker, one each interval. A position is
// sent until it is acknowledged, as devices with a memory do.
func wander(ctx context.Context, link *link, w *walker, interval, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		started := time.Now()
		p := w.walk(started, interval)
		if !link.deliver(ctx, &p) {
			return
		}
		timer.Reset(max(0, interval-time.Since(started)))
	}
}

// walker is a device of the crowd: it goes on in about the direction it has.
type walker struct {
	random        rand.PCG
	lat, lon      float64
	course, speed float64 // degrees, m/s
	odometer      float64 // metres
}

// newWalker puts device n somewhere within 30 km of the middle of Berlin.
func newWalker(seed, n uint64) *walker {
	w := &walker{random: *rand.NewPCG(seed, n)}
	random := rand.New(&w.random)
	w.lat, w.lon = geo.Destination(52.52, 13.405, random.Float64()*360, random.Float64()*30_000)
	w.course, w.speed = random.Float64()*360, 3+random.Float64()*20
	return w
}

// walk goes on for a while and reports.
func (w *walker) walk(now time.Time, d time.Duration) data.Position {
	random := rand.New(&w.random)
	w.course += random.Float64()*30 - 15
	if w.course = w.course - 360*float64(int(w.course/360)); w.course < 0 {
		w.course += 360
	}
	distance := w.speed * d.Seconds()
	w.lat, w.lon = geo.Destination(w.lat, w.lon, w.course, distance)
	w.odometer += distance
	p := data.Position{
		FixTime: now, Valid: true, Latitude: w.lat, Longitude: w.lon,
		SpeedKnots: converters.KnotsFromMps(w.speed), CourseDeg: w.course, AltitudeM: 35,
	}
	p.Attributes = make(data.Attributes, 0, 4)
	p.Attributes.SetInt("sat", int64(6+random.IntN(8)))
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetInt("odometer", int64(w.odometer))
	return p
}
