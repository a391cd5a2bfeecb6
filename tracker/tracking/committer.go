package tracking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Waiter is a batch on its way to the disk; Wait returns nil once it is there.
type Waiter interface {
	Wait(ctx context.Context) error
}

// Publisher puts positions of one shard on the bus.
type Publisher interface {
	// MaxBatch bounds the positions of one call.
	MaxBatch() int
	// Shards is how many shards there are, 1 to data.Shards.
	Shards() int
	PublishPositions(shard int, positions []data.Position) (Waiter, error)
}

const (
	// queue bounds the sessions that wait for a commit to start.
	queue = 4096
	// maxRound bounds the positions of one commit.
	maxRound = 4096
	// rounds is how many commits may be on their way to the disk at once: while
	// one is synced the next is gathered.
	rounds = 2
	// every is the least time from the start of one commit to that of the next:
	// a sync costs the same for one position and for hundreds. A lone position
	// finds the last commit long past and does not wait.
	every = 5 * time.Millisecond
	// commitTimeout bounds one commit. The bus gives up before, and knows why.
	commitTimeout = 28 * time.Second
)

// committer makes positions durable in groups: whatever has come since the last
// group, or while the disk was busy with it, is the next one. A lone position
// waits for nobody, a flood shares its syncs.
type committer struct {
	publisher Publisher
	metrics   *metrics
	log       *slog.Logger
	failing   atomic.Bool // the last commit has failed
	requests  chan *request
	slots     chan struct{}
	flying    sync.WaitGroup
	started   time.Time // the last commit
	free      sync.Pool // of *request
}

// request is the positions of one session. It is done when done has received.
type request struct {
	positions []data.Position
	done      chan error
}

func newCommitter(p Publisher, m *metrics, log *slog.Logger) *committer {
	return &committer{
		publisher: p, metrics: m, log: log, requests: make(chan *request, queue), slots: make(chan struct{}, rounds),
		free: sync.Pool{New: func() any { return &request{done: make(chan error, 1)} }},
	}
}

// commit returns nil when all the positions are durable. After an error some
// may be: the device sends them again, and the store knows them again.
func (c *committer) commit(ctx context.Context, positions []data.Position) error {
	if len(positions) == 0 {
		return nil
	}
	r := c.free.Get().(*request)
	r.positions = positions
	select {
	case c.requests <- r:
	default:
		select {
		case c.requests <- r:
		case <-ctx.Done():
			return fmt.Errorf("wait for a commit: %w", errors.Join(data.ErrUnavailable, ctx.Err()))
		}
	}
	// The round has a deadline of its own, so this always comes; the request
	// cannot be used again before.
	err := <-r.done
	r.positions = nil
	c.free.Put(r)
	return err
}

// run makes commits until ctx ends and the queue is empty.
func (c *committer) run(ctx context.Context) {
	defer c.flying.Wait()
	for {
		select {
		case r := <-c.requests:
			c.round(c.gather(r))
		case <-ctx.Done():
			select {
			case r := <-c.requests:
				c.round(c.gather(r))
			default:
				return
			}
		}
	}
}

// gather waits for a free slot, then takes everything that has come by the time
// when the next commit may start.
func (c *committer) gather(first *request) []*request {
	c.slots <- struct{}{}
	group := []*request{first}
	due := time.NewTimer(time.Until(c.started.Add(every)))
	defer due.Stop()
	for n := len(first.positions); n < maxRound; n += len(group[len(group)-1].positions) {
		select {
		case r := <-c.requests:
			group = append(group, r)
			continue
		default:
		}
		select {
		case r := <-c.requests:
			group = append(group, r)
		case <-due.C:
			return group
		}
	}
	return group
}

// round publishes a group and tells the sessions when it is durable. The
// publishing is in order, so that positions of a device stay in order.
func (c *committer) round(group []*request) {
	start := time.Now()
	c.started = start
	var failed [data.Shards]error
	var waiters []shardWaiter
	for s, rest := range data.ByShard(together(group), c.publisher.Shards()) {
		for len(rest) > 0 {
			n := min(len(rest), c.publisher.MaxBatch())
			w, err := c.publisher.PublishPositions(s, rest[:n])
			if err != nil {
				failed[s] = err
				break
			}
			waiters = append(waiters, shardWaiter{w, s})
			rest = rest[n:]
		}
	}
	c.flying.Go(func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
		defer cancel()
		for _, w := range waiters {
			if err := w.Wait(ctx); err != nil {
				failed[w.shard] = err
			}
		}
		c.metrics.committed(time.Since(start), len(waiters))
		c.note(errors.Join(failed[:]...))
		for _, r := range group {
			var err error
			for i := range r.positions {
				err = errors.Join(err, failed[c.shard(&r.positions[i])])
				if err != nil {
					break
				}
			}
			r.done <- err
		}
	})
}

// note tells when positions cannot be made durable, and when they can again:
// meanwhile every device that sends some is hung up on.
func (c *committer) note(err error) {
	if failing := err != nil; failing == c.failing.Swap(failing) {
		return
	}
	if err != nil {
		c.log.Warn("positions are not durable, devices are asked to send them again", "err", err)
		return
	}
	c.log.Info("positions are durable again")
}

// together is the positions of all requests, in their order.
func together(group []*request) []data.Position {
	if len(group) == 1 {
		return group[0].positions
	}
	n := 0
	for _, r := range group {
		n += len(r.positions)
	}
	all := make([]data.Position, 0, n)
	for _, r := range group {
		all = append(all, r.positions...)
	}
	return all
}

func (c *committer) shard(p *data.Position) int {
	return data.Shard(p.DeviceID) % c.publisher.Shards()
}

type shardWaiter struct {
	Waiter
	shard int
}
