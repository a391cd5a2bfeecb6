package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Load sends frames as fast as the server acknowledges them, or at a rate. It
// is made to cost little: a frame is written once and then patched where its
// place, time, serial number and checksum stand, connections hold no buffers,
// and a few goroutines serve all of them in turn. The reports are those of
// devices that creep north: no two of a device are the same.
type Load struct {
	// Protocol is gt06 or teltonika.
	Protocol string
	// Addr is the address of the server, host:port.
	Addr string
	// Devices is how many connections there are, 1 to 100000; FirstDevice the
	// number of the first device, see IMEI.
	Devices, FirstDevice int
	// Batch is how many reports are sent together: in teltonika in one packet, in
	// gt06 as that many frames; 0 is 1, at most 100.
	Batch int
	// Rate is how many reports are sent in a second by all devices together,
	// whether the server keeps up or not: an open loop. 0 is a closed loop: a
	// device sends again when it has been answered.
	Rate float64
	// Duration is how long to go on; 0 is until the context ends.
	Duration time.Duration
	// Workers is how many goroutines share the connections; 0 is 2.
	Workers int
	// Timeout is how long to wait for a connection or an answer; 0 is 30 s.
	Timeout time.Duration
	// Sent is called before each burst, if it is set, with the number of the
	// device in this load (from 0), the time of its last report, and the time it
	// is now. It is called by several goroutines and must be quick.
	Sent func(device int, fix, now time.Time)
}

// LoadReport says what came of a Load. Durations are nanoseconds in JSON.
type LoadReport struct {
	Elapsed time.Duration `json:"elapsedNs"`
	// Connect is how long it took until all devices were accepted.
	Connect time.Duration `json:"connectNs"`
	// Sent and Acknowledged count reports, Bursts what was sent together.
	Sent         uint64 `json:"sent"`
	Acknowledged uint64 `json:"acknowledged"`
	Bursts       uint64 `json:"bursts"`
	// Answers is the time from sending a burst to its acknowledgement. In an open
	// loop it counts from when the burst was due, if that is more than a
	// millisecond ago, so that a server that is late cannot hide it by slowing the
	// client down.
	Answers Quantiles `json:"answers"`
}

// PerSecond is how many reports were acknowledged in a second.
func (r LoadReport) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Acknowledged) / r.Elapsed.Seconds()
}

const (
	defaultWorkers = 2
	// dialers is how many connections are made at once.
	dialers = 128
	// maxFlight bounds the bursts of an open loop that wait for their answer, by
	// connection; beyond it the client waits, and says so in its latencies.
	maxFlight = 64
)

func (l *Load) check() error {
	switch {
	case l.Devices < 1 || l.Devices > maxDevices || l.FirstDevice < 0 || l.FirstDevice+l.Devices > maxDevices:
		return fmt.Errorf("devices: %d from %d, want 1 to %d in all: %w", l.Devices, l.FirstDevice, maxDevices, data.ErrInvalid)
	case l.Batch < 0 || l.Batch > maxBatch:
		return fmt.Errorf("batch: %d, want 1 to %d: %w", l.Batch, maxBatch, data.ErrInvalid)
	case !(l.Rate >= 0) || l.Duration < 0 || l.Timeout < 0 || l.Workers < 0:
		return fmt.Errorf("rate, duration, timeout and workers: want 0 or more: %w", data.ErrInvalid)
	case l.Addr == "":
		return fmt.Errorf("address: want host:port: %w", data.ErrInvalid)
	}
	l.Batch = max(l.Batch, 1)
	if l.Workers == 0 {
		l.Workers = defaultWorkers
	}
	l.Workers = min(l.Workers, l.Devices)
	if l.Timeout == 0 {
		l.Timeout = defaultTimeout
	}
	return nil
}

// Run connects the devices, sends, and hangs up. The first thing that goes
// wrong ends it: this measures a server that works.
func (l Load) Run(ctx context.Context) (LoadReport, error) {
	c, err := l.Connect(ctx)
	if err != nil {
		return LoadReport{}, err
	}
	defer c.Close()
	return c.Run(ctx)
}

// Crowd is the connected devices of a Load.
type Crowd struct {
	load    Load
	connect time.Duration
	conns   []*loadConn
}

// loadConn is one connection.
type loadConn struct {
	net.Conn
	device   int
	sequence uint32 // reports sent
	answered uint32 // reports acknowledged
	clock    int64  // Unix second of the last report
}

// Connect connects every device and waits until it is accepted.
func (l Load) Connect(ctx context.Context) (*Crowd, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	p, err := newPattern(l.Protocol, l.Batch)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	started := time.Now()
	c := &Crowd{load: l, conns: make([]*loadConn, l.Devices)}
	var next, failed atomic.Int64
	var first atomic.Pointer[error]
	var group sync.WaitGroup
	for range min(dialers, l.Devices) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < l.Devices && failed.Load() == 0; i = int(next.Add(1)) - 1 {
				conn, err := l.login(ctx, p, l.FirstDevice+i)
				if err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
					return
				}
				c.conns[i] = conn
			}
		})
	}
	group.Wait()
	if err := first.Load(); err != nil {
		c.Close()
		return nil, fmt.Errorf("load: %w", *err)
	}
	c.connect = time.Since(started)
	return c, nil
}

// login connects a device.
func (l *Load) login(ctx context.Context, p *pattern, device int) (*loadConn, error) {
	dialer := net.Dialer{Timeout: l.Timeout, KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", l.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect device %s: %w", IMEI(device), err)
	}
	answer := make([]byte, p.welcome)
	err = conn.SetDeadline(time.Now().Add(l.Timeout))
	if err == nil {
		_, err = conn.Write(p.login(IMEI(device)))
	}
	if err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err == nil && !p.accepted(answer) || errors.Is(err, io.EOF) {
		err = errRefused
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("log in device %s: %w", IMEI(device), err)
	}
	return &loadConn{Conn: conn, device: device}, nil
}

// Connected is how long it took until all devices were accepted.
func (c *Crowd) Connected() time.Duration { return c.connect }

// SetDuration sets how long the next Run goes on; 0 is until its context ends.
func (c *Crowd) SetDuration(d time.Duration) { c.load.Duration = d }

// Close hangs up.
func (c *Crowd) Close() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// Run sends for the duration of the load, or until ctx ends, and waits for what
// is still to be acknowledged. It can be called again.
func (c *Crowd) Run(ctx context.Context) (LoadReport, error) {
	if c.load.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.load.Duration)
		defer cancel()
	}
	started := time.Now()
	workers := make([]*loadWorker, c.load.Workers)
	errs := make([]error, len(workers))
	var answers histogram
	var group sync.WaitGroup
	for i := range workers {
		w, err := c.worker(i, started, &answers)
		if err != nil {
			return LoadReport{}, err
		}
		workers[i] = w
		group.Go(func() { errs[i] = w.run(ctx) })
	}
	group.Wait()
	r := LoadReport{Elapsed: time.Since(started), Connect: c.connect, Answers: answers.quantiles()}
	for _, w := range workers {
		r.Sent += w.sent * uint64(c.load.Batch)
		r.Acknowledged += w.acknowledged * uint64(c.load.Batch)
		r.Bursts += w.sent
	}
	return r, errors.Join(errs...)
}

// worker takes every n-th connection.
func (c *Crowd) worker(i int, started time.Time, answers *histogram) (*loadWorker, error) {
	p, err := newPattern(c.load.Protocol, c.load.Batch)
	if err != nil {
		return nil, err
	}
	w := &loadWorker{pattern: p, timeout: c.load.Timeout, answers: answers, extended: started, told: c.load.Sent, first: c.load.FirstDevice}
	for k := i; k < len(c.conns); k += c.load.Workers {
		w.conns = append(w.conns, c.conns[k])
	}
	w.flight = make([]loadBurst, 0, len(w.conns))
	if c.load.Rate > 0 {
		bursts := c.load.Rate / float64(c.load.Batch) / float64(c.load.Workers)
		w.every = time.Duration(float64(time.Second) / bursts)
		// The workers begin one after the other, so that the rate is even.
		w.due = started.Add(w.every * time.Duration(i) / time.Duration(c.load.Workers))
		w.flight = slices.Grow(w.flight, maxFlight*len(w.conns))
	}
	return w, nil
}
