package simulator

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// errRefused says that the server answered and refused.
var errRefused = errors.New("the server refused: is the device registered?")

// mishap is an error that is counted by its kind.
type mishap struct {
	kind errorKind
	err  error
}

func (m mishap) Error() string { return errorKinds[m.kind] + ": " + m.err.Error() }
func (m mishap) Unwrap() error { return m.err }

const (
	// maxBurst is how many reports kept in a tunnel are sent together.
	maxBurst = 20
	// maxBatch is how many reports Config.Batch may put together.
	maxBatch = 100
	// maxRoom is the largest room of a dialect.
	maxRoom = 50
)

// scratch is room to write messages, needed for a moment only.
type scratch struct {
	positions  [maxRoom]data.Position
	attributes [maxRoom][maxAttributes]data.Attribute
	out        []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{out: make([]byte, 0, 2048)} }}

func newScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) free() { scratches.Put(s) }

// report makes a report and decides what will happen to it.
func (d *device) report(now time.Time) {
	d.counts.late.add(now.Sub(d.due.report))
	r := d.source.next(now.Add(d.skew), now.Sub(d.made))
	d.made, d.last = now, r
	interval := d.interval
	if d.quick > 0 {
		d.quick--
		interval = min(interval, time.Second)
	}
	// In step, unless the machine was asleep.
	if d.due.report = d.due.report.Add(interval); d.due.report.Before(now.Add(-interval)) {
		d.due.report = now.Add(interval)
	}
	if r.flags |= d.relay; !d.due.exit.IsZero() {
		r.flags |= flagStored
	}
	if d.cfg.Duplicates > 0 && d.chance() < d.cfg.Duplicates {
		r.flags |= flagDuplicate
	}
	if d.cfg.Noise > 0 && d.chance() < d.cfg.Noise {
		r.flags |= flagNoise
	}
	d.counts.made.Add(1)
	switch late := d.cfg.OutOfOrder > 0 && d.chance() < d.cfg.OutOfOrder; {
	case d.held != nil:
		d.keep(r)
		d.keep(*d.held)
		d.held = nil
	case late:
		d.held = &r
	default:
		d.keep(r)
	}
}

// keep stores a report. The oldest that is not on its way makes room.
func (d *device) keep(r report) {
	if len(d.kept) >= maxKept {
		oldest := count(d.flight)
		if oldest == len(d.kept) {
			oldest--
		}
		d.kept = append(d.kept[:oldest], d.kept[oldest+1:]...)
		d.counts.dropped.Add(1)
	}
	d.kept = append(d.kept, r)
}

// count is how many reports some frames have.
func count(frames []frame) (n int) {
	for _, f := range frames {
		n += f.count
	}
	return n
}

// unacknowledged is how many reports are left.
func (d *device) unacknowledged() (n int) {
	for i := range d.kept {
		if d.kept[i].flags&flagAgain == 0 {
			n++
		}
	}
	if d.held != nil {
		n++
	}
	return n
}

// answered does what an answer asks for.
func (d *device) answered(a *answer) error {
	switch a.kind {
	case answerAccepted:
		d.welcome(time.Now())
	case answerRefused:
		return mishap{errorRefused, errRefused}
	case answerSerial:
		for i := range d.flight {
			if d.flight[i].serial == a.serial {
				d.acknowledge(i, i+1)
				return nil
			}
		}
	case answerNext:
		if len(d.flight) == 0 {
			return mishap{errorAnswer, errors.New("an acknowledgement of nothing")}
		}
		if a.count > 0 && a.count < d.flight[0].count {
			// The rest of the message is sent again.
			d.flight[0].count = a.count
			d.acknowledge(0, 1)
			d.flight, d.due.answer = d.flight[:0], time.Time{}
			return nil
		}
		d.acknowledge(0, 1)
	case answerAny:
		// It does not say which one: all have arrived when each is answered.
		if d.answers++; d.answers >= len(d.flight) {
			d.acknowledge(0, len(d.flight))
		}
	case answerBeat, answerAll:
		if d.beats = max(0, d.beats-1); d.beats > 0 {
			return nil
		}
		if a.kind == answerAll {
			d.acknowledge(0, len(d.flight))
		}
		if len(d.flight) == 0 {
			d.due.answer = time.Time{}
		}
	case answerCommand:
		return d.obey(a)
	}
	return nil
}

// acknowledge forgets the reports of some frames on their way.
func (d *device) acknowledge(from, to int) {
	if from == to {
		return
	}
	d.backoff = minBackoff
	now := time.Now()
	first := count(d.flight[:from])
	last := first + count(d.flight[from:to])
	var again []report
	for i := range d.kept[first:last] {
		r := &d.kept[first+i]
		d.counts.answers.add(now.Sub(d.due.sent))
		if r.flags&flagAgain != 0 {
			continue
		}
		d.counts.acknowledged.Add(1)
		if d.ledger != nil {
			d.ledger.add(d, r)
		}
		if r.flags&flagDuplicate != 0 {
			r.flags = r.flags&^flagDuplicate | flagAgain
			again = append(again, *r)
		}
	}
	d.kept = append(slices.Delete(d.kept, first, last), again...)
	if cap(d.kept) > 4*maxBurst && len(d.kept) < maxBurst {
		d.kept = slices.Clone(d.kept) // the tunnel is behind
	}
	if d.flight = slices.Delete(d.flight, from, to); len(d.flight) == 0 && d.beats == 0 {
		d.due.answer = time.Time{}
	}
}

func (d *device) obey(a *answer) error {
	scratch := newScratch()
	defer scratch.free()
	d.counts.commands.Add(1)
	reply := d.dialect.obey(scratch.out, d, a, d.state(scratch))
	if len(reply) == 0 || d.conn == nil {
		return nil
	}
	return d.write(reply)
}

// What commands do.

// stopEngine switches the relay; state is brought up to date.
func (d *device) stopEngine(state *data.Position, stop bool) {
	d.relay = flagRelay
	if stop {
		d.relay |= flagBlocked
	}
	state.Attributes.SetBool("blocked", stop)
	state.Attributes.SetBool("out1", stop)
}

// reportEvery sets the interval; 0 is no interval and changes nothing.
func (d *device) reportEvery(interval time.Duration) {
	if interval <= 0 {
		return
	}
	d.interval, d.quick = interval, 0
	d.due.report = d.made.Add(interval)
}

func (d *device) reportNow() { d.due.report = time.Now() }

// restart hangs up after the answer to the command.
func (d *device) restart() { d.due.hangUp = time.Now() }

// noise appends garbage that a report has to come through: random bytes, or the
// front half of a message. It comes once. broken says that the connection has to
// break then, because what follows could not be read or be missed.
func (d *device) noise(b []byte, r *report) (out []byte, broken bool) {
	if r.flags&flagNoise == 0 {
		return b, false
	}
	r.flags &^= flagNoise
	d.counts.noise.Add(1)
	random := rand.New(rand.NewPCG(d.cfg.Seed, fingerprint(d.id)^uint64(r.at)))
	unsure := d.dialect.closing() // a lost report would not be noticed
	if random.IntN(2) == 0 {
		for range 1 + random.IntN(60) {
			b = append(b, byte(random.Uint32()))
		}
		return b, unsure
	}
	var torn data.Position
	r.position(&torn)
	whole := d.dialect.report(nil, d, []data.Position{torn}, 0)
	return append(b, whole[:1+random.IntN(len(whole)/2)]...), unsure || !d.dialect.resumes()
}

// failed ends the connection and waits before the next one, longer each time.
// Up to half of the wait is left to chance, so that a crowd does not come back
// as one.
func (d *device) failed(err error) {
	var m mishap
	if !errors.As(err, &m) {
		m = mishap{errorClosed, err}
	}
	d.close()
	if d.counts.errors[m.kind].Add(1) == 1 {
		d.log.Warn("first error of its kind of a simulated device; further ones are counted", "device", d.id, "target", d.target, "err", err)
	}
	d.log.Debug("connection lost", "device", d.id, "retry_in", d.backoff, "err", err)
	d.due.retry = time.Now().Add(d.backoff/2 + time.Duration(d.chance()*float64(d.backoff/2)))
	d.backoff = min(2*d.backoff, d.cfg.MaxBackoff)
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
