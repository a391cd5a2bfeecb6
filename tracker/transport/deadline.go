package transport

import (
	"context"
	"sync"
	"time"
)

// deadline is one of a connection that is moved on with each message. To set it
// costs more than to look at the clock, so it is set a little ahead and stays
// while it leaves enough time.
type deadline struct{ at time.Time }

// extend leaves what begins now at least wait, and at most a sixteenth more.
func (d *deadline) extend(now time.Time, wait time.Duration, set func(time.Time) error) error {
	least, most := now.Add(wait), now.Add(wait+wait/16)
	if !d.at.Before(least) && !d.at.After(most) {
		return nil
	}
	d.at = most
	return set(most)
}

// budget is the context of one message after the other of a connection. Most are
// done without ever waiting for its end, so the timer is made when somebody
// asks.
type budget struct {
	context.Context

	mu     sync.Mutex
	until  time.Time
	timed  context.Context // nil until somebody asks
	cancel context.CancelFunc
}

// start begins the time of a message.
func (b *budget) start(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = until
}

// stop ends it; whoever still waits is told.
func (b *budget) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
	b.timed, b.cancel = nil, nil
}

func (b *budget) context() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed == nil {
		b.timed, b.cancel = context.WithDeadline(b.Context, b.until)
	}
	return b.timed
}

// Deadline implements context.Context.
func (b *budget) Deadline() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until, true
}

// Done implements context.Context.
func (b *budget) Done() <-chan struct{} { return b.context().Done() }

// Err implements context.Context.
func (b *budget) Err() error { return b.context().Err() }
