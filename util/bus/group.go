package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

// group shares slots out among the processes that joined it. Each slot has one
// holder at a time; it moves when processes come and go, and never before its
// holder has stopped working on it or has lost the right to.
type group struct {
	bus  *Bus
	kv   jetstream.KeyValue
	name string
	log  *slog.Logger
	poke chan struct{} // asks for a renewal now
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	member
}

// join enters the group name of size slots. leave must be called.
func (b *Bus) join(kv jetstream.KeyValue, name string, size int) (*group, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	g := &group{
		bus: b, kv: kv, name: name, log: b.log.With("group", name), poke: make(chan struct{}, 1),
		member: member{id: fmt.Sprintf("%s-%08x", subjectSafe(host), rand.Uint32()), size: size, seen: map[string]sighting{}},
	}
	g.changed = sync.NewCond(&g.mu)
	unsubscribe, err := b.subscribe(leaseSubject+"."+name, func(*nats.Msg) error { g.renewNow(); return nil })
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.stop = cancel
	g.done.Go(func() {
		defer unsubscribe()
		g.run(ctx)
	})
	return g, nil
}

// subjectSafe keeps letters, digits and hyphens, at most 40.
func subjectSafe(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			out[i] = '-'
		}
	}
	return string(out[:min(len(out), 40)])
}

// renewNow asks for a renewal before the next beat.
func (g *group) renewNow() {
	select {
	case g.poke <- struct{}{}:
	default: // it is asked for already
	}
}

func (g *group) run(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for lost := false; ; {
		err := g.renew(ctx)
		if ctx.Err() != nil {
			return
		}
		if failed := err != nil; failed != lost {
			lost = failed
			if failed {
				g.log.Warn("leases not renewed", "err", err)
			} else {
				g.log.Info("leases renewed again")
			}
		}
		select {
		case <-ticker.C:
		case <-g.poke:
		case <-ctx.Done():
			return
		}
	}
}

// renew writes our renewal, and takes and gives what is due.
func (g *group) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	err := g.change(ctx, func(t table) (table, func()) {
		sent := time.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		next, assigned := g.plan(t, sent)
		return next, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.written(t, next, assigned, sent, time.Now())
			if t[g.id].Slots != next[g.id].Slots || len(t) != len(next) {
				g.log.Debug("leases", "members", len(next), "held", next[g.id].Slots.len())
				g.tell()
			}
			g.changed.Broadcast()
		}
	})
	if err != nil {
		// While we could not look, a renewal may have been there to be seen.
		g.mu.Lock()
		clear(g.seen)
		g.mu.Unlock()
	}
	return err
}

// tell makes the others look at the table at once.
func (g *group) tell() {
	if err := g.bus.conn.Publish(leaseSubject+"."+g.name, nil); err != nil {
		g.log.Debug("tell of leases", "err", err)
	}
}

// change replaces the table by what f makes of it, and calls what f returned
// once that has worked. When others write at the same time f is called again.
func (g *group) change(ctx context.Context, f func(table) (table, func())) error {
	for try := 1; ; try++ {
		t, revision, err := g.read(ctx)
		if err != nil {
			return err
		}
		next, written := f(t)
		value, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("write leases: %w", err)
		}
		if revision == 0 {
			_, err = g.kv.Create(ctx, g.name, value)
		} else {
			_, err = g.kv.Update(ctx, g.name, value, revision)
		}
		if err == nil {
			written()
			return nil
		}
		if !conflict(err) || try == beatTries {
			return fmt.Errorf("write leases: %w", err)
		}
		select { // let the other one finish
		case <-time.After(rand.N(20 * time.Millisecond)):
		case <-ctx.Done():
			return fmt.Errorf("write leases: %w", ctx.Err())
		}
	}
}

// read returns the table and its revision, both zero if there is none.
func (g *group) read(ctx context.Context) (t table, revision uint64, err error) {
	entry, err := g.kv.Get(ctx, g.name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read leases: %w", err)
	}
	if err := json.Unmarshal(entry.Value(), &t); err != nil {
		return nil, 0, fmt.Errorf("read leases of %s in the bucket %s: %w", g.name, leaseBucket, err)
	}
	return t, entry.Revision(), nil
}

// conflict tells whether somebody else has written first.
func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// take waits until something is due, and notes that it is worked on from now.
// release must follow.
func (g *group) take(ctx context.Context) (tenure int, s slots, err error) {
	err = g.await(ctx, func() bool {
		if s = g.due(time.Now()); s != 0 {
			g.working, tenure = s, g.member.tenure
		}
		return s != 0
	})
	return tenure, s, err
}

// release says that nothing is worked on now.
func (g *group) release() {
	g.mu.Lock()
	g.working = 0
	g.mu.Unlock()
	g.renewNow()
}

// whileDue returns a context that ends when anything else than s of tenure is
// due.
func (g *group) whileDue(ctx context.Context, tenure int, s slots) (context.Context, context.CancelFunc) {
	return g.while(ctx, func() bool { return g.member.tenure == tenure && g.due(time.Now()) == s })
}

// whileHeld returns a context that ends when what was worked on at the call is
// no longer ours. It goes on while slots are about to be given away.
func (g *group) whileHeld(ctx context.Context) (context.Context, context.CancelFunc) {
	g.mu.Lock()
	tenure := g.member.tenure
	g.mu.Unlock()
	return g.while(ctx, func() bool { return g.member.tenure == tenure && time.Now().Before(g.until) })
}

func (g *group) while(ctx context.Context, holds func() bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		if g.await(ctx, func() bool { return !holds() }) == nil {
			cancel(fmt.Errorf("lost the lease of %s: %w", g.name, data.ErrUnavailable))
		}
	})
	return ctx, func() { cancel(context.Canceled); done.Wait() }
}

// await waits until ok, which is called with g.mu held.
func (g *group) await(ctx context.Context, ok func() bool) error {
	wake := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.changed.Broadcast()
	}
	defer context.AfterFunc(ctx, wake)()
	lapse := time.AfterFunc(time.Hour, wake)
	defer lapse.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if ok() {
			return nil
		}
		if left := time.Until(g.until); left > 0 {
			lapse.Reset(left) // nobody tells us that time has passed
		}
		g.changed.Wait()
	}
}

// leave gives everything away at once. Nothing may be worked on.
func (g *group) leave() {
	g.stop()
	g.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := g.change(ctx, func(t table) (table, func()) {
		next := maps.Clone(t)
		delete(next, g.id)
		return next, g.tell
	})
	if err != nil {
		g.log.Warn("leases not given back, they run out by themselves", "err", err)
	}
}
