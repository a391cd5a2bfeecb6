package simulator

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

const (
	// maxKept is how many reports a device keeps; the oldest make room.
	maxKept = 8192
	// maxAnswer bounds what a server may say in one piece, in bytes.
	maxAnswer = 8 << 10
	// idleRead is the room for answers that a quiet device holds, in bytes.
	idleRead = 128
)

// fleet is what the devices of a run share.
type fleet struct {
	cfg    Config
	counts *counters
	ledger *ledger // nil for none
	log    *slog.Logger
}

// device is a tracker: it makes reports, keeps them until the server has
// acknowledged them, and connects again when the connection breaks. It is used
// by one goroutine, which sleeps in the read of its connection.
type device struct {
	*fleet
	dialect  dialect
	protocol string
	target   string
	id       string
	number   int // among those that speak the protocol
	source   source
	random   rand.PCG // decides about mishaps

	interval time.Duration
	quick    int // reports to make faster, at the start
	skew     time.Duration
	relay    flags // flagRelay, flagBlocked

	kept    []report // not acknowledged, the oldest first
	held    *report  // comes after the next one
	flight  []frame  // sent and not acknowledged: the first ones of kept
	serial  uint16
	beats   int // heartbeats on their way
	answers int // that a burst has got, where they do not tell to what

	conn     net.Conn
	unwatch  func() bool
	accepted bool
	in       []byte // of an answer that is not whole yet
	backoff  time.Duration

	made  time.Time // the last report
	last  report
	known bool // it has tried to connect
	due   schedule
}

// schedule is when things have to happen; a zero time is never.
type schedule struct {
	report, beat time.Time
	answer       time.Time // by when something has to come
	retry        time.Time // not before
	hangUp       time.Time
	tunnel, exit time.Time // no connection in between
	sent         time.Time // the last burst, or the connection
}

// frame is a message with reports on its way.
type frame struct {
	serial uint16
	count  int
}

func (f *fleet) newDevice(number int, id string, s share, src source) *device {
	d := &device{
		fleet: f, dialect: s.dialect, protocol: s.Protocol, target: s.Target, id: id, number: number, source: src, interval: f.cfg.Interval,
		random: *rand.NewPCG(f.cfg.Seed^0x6D697368617073, fingerprint(id)), backoff: minBackoff,
	}
	if f.cfg.Skew > 0 {
		d.skew = time.Duration((2*d.chance() - 1) * float64(f.cfg.Skew))
	}
	return d
}

// fingerprint makes a number of an identity.
func fingerprint(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// chance is a number from 0 to 1.
func (d *device) chance() float64 { return rand.New(&d.random).Float64() }

// about is a time around mean, half of it more or less.
func (d *device) about(mean time.Duration) time.Duration {
	return time.Duration((0.5 + d.chance()) * float64(mean))
}

// clock is the time by the clock of the device.
func (d *device) clock() time.Time { return time.Now().Add(d.skew) }

func (d *device) nextSerial() uint16 { d.serial++; return d.serial }

// run lives until ctx ends. The first report is made after delay.
func (d *device) run(ctx context.Context, delay time.Duration) {
	defer d.close()
	defer func() { d.counts.pending.Add(uint64(d.unacknowledged())) }()
	now := time.Now()
	d.made, d.due.report = now.Add(delay-d.interval), now.Add(delay)
	if every := d.cfg.OfflineEvery; every > 0 && d.cfg.Offline > 0 {
		d.due.tunnel = now.Add(delay + d.about(every))
	}
	for ctx.Err() == nil {
		now = time.Now()
		if !now.Before(d.due.report) {
			d.report(now)
		}
		wake, err := d.connection(ctx, now)
		if err == nil && d.conn != nil {
			err = d.talk(now, wake)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.failed(err)
		case d.conn == nil:
			sleep(ctx, time.Until(wake))
		}
	}
}

// connection makes or ends the connection as it is due. wake is when something
// else is.
func (d *device) connection(ctx context.Context, now time.Time) (wake time.Time, err error) {
	s := &d.due
	switch {
	case !s.exit.IsZero() && now.Before(s.exit): // in a tunnel
		return earliest(s.report, s.exit), nil
	case !s.exit.IsZero():
		s.exit, s.tunnel = time.Time{}, now.Add(d.about(d.cfg.OfflineEvery))
	case !s.tunnel.IsZero() && !now.Before(s.tunnel):
		d.close()
		s.exit = now.Add(d.about(d.cfg.Offline))
		return earliest(s.report, s.exit), nil
	}
	if d.conn != nil && !s.hangUp.IsZero() && !now.Before(s.hangUp) && len(d.flight) == 0 {
		d.close()
	}
	if d.conn != nil {
		if len(d.flight) > 0 || !d.accepted {
			return earliest(s.report, s.answer, s.tunnel), nil
		}
		return earliest(s.report, s.beat, s.answer, s.hangUp, s.tunnel), nil
	}
	if now.Before(s.retry) || len(d.kept) == 0 && !d.known {
		return earliest(s.report, s.retry, s.tunnel), nil
	}
	return now, d.connect(ctx)
}

// earliest is the first of some times that are not zero.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// connect dials and says who it is.
func (d *device) connect(ctx context.Context) error {
	d.known = true
	started := time.Now()
	dialer := net.Dialer{Timeout: d.cfg.Timeout, KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", d.target)
	if err != nil {
		return mishap{errorDial, err}
	}
	d.conn = conn
	d.unwatch = context.AfterFunc(ctx, func() { conn.Close() })
	d.counts.connections.Add(1)
	d.counts.connected.Add(1)
	now := time.Now()
	d.due.sent = started
	d.due.beat, d.due.hangUp = now.Add(d.cfg.Heartbeat), time.Time{}
	if d.cfg.ReconnectEvery > 0 {
		d.due.hangUp = now.Add(d.about(d.cfg.ReconnectEvery))
	}
	scratch := newScratch()
	defer scratch.free()
	hello := d.dialect.hello(scratch.out, d)
	if len(hello) == 0 {
		d.welcome(now)
		return nil
	}
	d.due.answer = now.Add(d.cfg.Timeout)
	return d.write(hello)
}

// welcome notes that the server knows the device.
func (d *device) welcome(now time.Time) {
	d.accepted, d.due.answer = true, time.Time{}
	d.counts.connects.add(now.Sub(d.due.sent))
}

// talk sends what is due and waits for what the server says, until wake.
func (d *device) talk(now, wake time.Time) error {
	if d.accepted {
		sent, err := d.send(now)
		if err != nil || d.conn == nil {
			return err
		}
		if sent {
			wake = earliest(d.due.report, d.due.answer, d.due.tunnel)
		}
	}
	if !d.due.answer.IsZero() && !now.Before(d.due.answer) {
		return mishap{errorTimeout, os.ErrDeadlineExceeded}
	}
	return d.listen(wake)
}

func (d *device) write(b []byte) error {
	if err := d.conn.SetWriteDeadline(time.Now().Add(d.cfg.Timeout)); err != nil {
		return mishap{errorClosed, err}
	}
	if _, err := d.conn.Write(b); err != nil {
		return mishap{errorClosed, err}
	}
	return nil
}

// listen reads until wake and takes what has come.
func (d *device) listen(wake time.Time) error {
	if err := d.conn.SetReadDeadline(wake); err != nil {
		return mishap{errorClosed, err}
	}
	if cap(d.in)-len(d.in) < idleRead/2 {
		d.in = append(make([]byte, 0, 2*cap(d.in)+idleRead), d.in...)
	}
	n, err := d.conn.Read(d.in[len(d.in):cap(d.in)])
	d.in = d.in[:len(d.in)+n]
	if n > 0 {
		if terr := d.take(); terr != nil {
			return terr
		}
	}
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case !d.accepted && errors.Is(err, io.EOF):
		return mishap{errorRefused, errRefused}
	}
	return mishap{errorClosed, err}
}

// take reads the whole answers of what has come.
func (d *device) take() error {
	b := d.in
	for len(b) > 0 {
		a, size, err := d.dialect.read(b, d)
		if err != nil {
			return mishap{errorAnswer, err}
		}
		if size == 0 {
			break
		}
		if err := d.answered(&a); err != nil {
			return err
		}
		b = b[size:]
	}
	if len(b) > maxAnswer {
		return mishap{errorAnswer, unreadable(b)}
	}
	switch {
	case len(b) > 0:
		d.in = append(d.in[:0], b...)
	case cap(d.in) > 4*idleRead:
		d.in = nil
	default:
		d.in = d.in[:0]
	}
	return nil
}

func (d *device) close() {
	if d.conn == nil {
		return
	}
	d.unwatch()
	d.conn.Close()
	d.conn, d.accepted, d.flight, d.in, d.beats = nil, false, d.flight[:0], d.in[:0], 0
	d.due.answer = time.Time{}
	d.counts.connected.Add(-1)
}
