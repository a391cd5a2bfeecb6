package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/waymark-gps/waymark/simulator"
)

// onPostgres is the scenario that needs a database server.
const onPostgres = "durable-postgres"

// paced is how many positions a second the scenarios of delay send.
const paced = 5000

var throughput = []scenario{
	{
		name:    "durable-sqlite",
		figures: []Figure{{What: "durable positions, single 36-byte frames, with viewers", Unit: "/s per core", Must: 20_000}},
		run: func(ctx context.Context, o Options) ([]float64, error) {
			return flood(ctx, o, simulator.Load{Protocol: "gt06", Devices: o.Devices}, o.Viewers)
		},
	},
	{
		name:    "durable-bursts",
		figures: []Figure{{What: "durable positions, 10 in a packet, with viewers", Unit: "/s per core", Must: 60_000}},
		run: func(ctx context.Context, o Options) ([]float64, error) {
			return flood(ctx, o, simulator.Load{Protocol: "teltonika", Devices: o.Devices, Batch: 10}, o.Viewers)
		},
	},
	{
		name:    onPostgres,
		figures: []Figure{{What: "durable positions, single frames, PostgreSQL counted in", Unit: "/s per core", Must: 15_000}},
		run: func(ctx context.Context, o Options) ([]float64, error) {
			return flood(ctx, o, simulator.Load{Protocol: "gt06", Devices: o.Devices}, o.Viewers, "--storage.url", o.Postgres)
		},
	},
	{
		name: "delay",
		figures: []Figure{
			{What: "device waits for its answer at 5,000/s, p99", Unit: "ms", Must: 50, Lower: true},
			{What: "from a device's byte to a viewer at 5,000/s, p99", Unit: "ms", Must: 100, Lower: true},
		},
		run: pace,
	},
}

// site is a server with devices and viewers.
type site struct {
	*server
	crowd   *simulator.Crowd
	viewers *viewers
	remove  func()
}

// open starts a server, connects the devices of load, and lets people watch.
func openSite(ctx context.Context, o Options, load simulator.Load, watching int, d *delays, args ...string) (*site, error) {
	dir, err := os.MkdirTemp(o.Dir, "waymark-bench-")
	if err != nil {
		return nil, err
	}
	s := &site{remove: func() { os.RemoveAll(dir) }}
	if err := s.open(ctx, o, load, watching, d, dir, args); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) open(ctx context.Context, o Options, load simulator.Load, watching int, d *delays, dir string, args []string) (err error) {
	if load.Addr, err = freePort(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(load.Addr)
	args = append(args, "--tracker.any-port", "off", "--tracker.ports", load.Protocol+"="+port+",*=off")
	if s.server, err = startServer(ctx, o, dir, args...); err != nil {
		return err
	}
	admin, err := signUp(ctx, s.Web, nil, "admin")
	if err != nil {
		return fmt.Errorf("make the first account: %w", err)
	}
	if s.crowd, err = load.Connect(ctx); err != nil {
		return err
	}
	if s.viewers, err = watch(ctx, admin, watching, d); err != nil {
		return err
	}
	return nil
}

func (s *site) close() error {
	if s.viewers != nil {
		s.viewers.close()
	}
	if s.crowd != nil {
		s.crowd.Close()
	}
	var err error
	if s.server != nil {
		err = s.stop()
	}
	s.remove()
	return err
}

// storedMetric counts the positions that have reached the store, are gone from
// the bus and were shown.
const storedMetric = "waymark_process_positions_stored_total"

// flood sends as fast as the server acknowledges, and returns how many
// positions it stored for each second of its CPU time.
func flood(ctx context.Context, o Options, load simulator.Load, watching int, args ...string) ([]float64, error) {
	load.Duration = o.Warmup
	s, err := openSite(ctx, o, load, watching, nil, args...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err := s.crowd.Run(ctx); err != nil {
		return nil, fmt.Errorf("%w; the server said:\n%s", err, s.server.said())
	}
	stored, cpu, err := s.during(ctx, func() error {
		defer s.profile(ctx, o)()
		s.crowd.SetDuration(o.Duration)
		_, err := s.crowd.Run(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w; the server said:\n%s", err, s.server.said())
	}
	fmt.Fprintf(o.Progress, "  %.0f positions stored in %.1f s of CPU time, %d messages with %d positions to viewers\n",
		stored, cpu.Seconds(), s.viewers.messages.Load(), s.viewers.shown.Load())
	return []float64{stored / cpu.Seconds()}, s.close()
}

// during tells what was stored and what CPU time it took while work ran and
// until everything it sent was stored.
func (s *site) during(ctx context.Context, work func() error) (stored float64, cpu time.Duration, err error) {
	before, err := s.settle(ctx)
	if err != nil {
		return 0, 0, err
	}
	started, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	if err := work(); err != nil {
		return 0, 0, err
	}
	after, err := s.settle(ctx)
	if err != nil {
		return 0, 0, err
	}
	ended, err := s.cpu()
	return after - before, ended - started, err
}

// settleTimeout bounds the wait for what was acknowledged to be stored.
const settleTimeout = time.Minute

// settle waits until nothing more is stored.
func (s *site) settle(ctx context.Context) (stored float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for last := -1.0; ; last = stored {
		if stored, err = s.counter(ctx, storedMetric); err != nil || stored == last {
			return stored, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("positions are still being stored after %v", settleTimeout)
		}
	}
}

// pace sends at an even rate, each device once a second, and returns how long
// devices and viewers wait.
func pace(ctx context.Context, o Options) ([]float64, error) {
	var names []string
	for i := range paced {
		names = append(names, simulator.IMEI(i))
	}
	d := newDelays(names)
	load := simulator.Load{Protocol: "gt06", Devices: paced, Rate: paced, Duration: o.Warmup, Sent: d.send}
	s, err := openSite(ctx, o, load, o.Viewers, d)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err := s.crowd.Run(ctx); err != nil {
		return nil, err
	}
	d.collect(true)
	var report simulator.LoadReport
	stored, cpu, err := s.during(ctx, func() (err error) {
		s.crowd.SetDuration(o.Duration)
		report, err = s.crowd.Run(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.collect(false)
	fmt.Fprintf(o.Progress, "  %.0f positions stored in %.1f s of CPU time; answers p50 %v, viewers p50 %v\n",
		stored, cpu.Seconds(), report.Answers.P50, d.quantile(0.5))
	return []float64{millis(report.Answers.P99), millis(d.quantile(0.99))}, s.close()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// freePort is an address on loopback that nobody uses.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
