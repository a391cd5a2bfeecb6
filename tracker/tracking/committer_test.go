package tracking

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/metric"
)

// slowBus publishes in its own time and notes when.
type slowBus struct {
	takes time.Duration
	err   error

	mu     sync.Mutex
	starts []time.Time
	sizes  []int
	log    strings.Builder // written to when a commit is over
}

func (b *slowBus) MaxBatch() int { return 200 }
func (b *slowBus) Shards() int   { return 1 }

func (b *slowBus) PublishPositions(_ int, positions []data.Position) (Waiter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starts = append(b.starts, time.Now())
	b.sizes = append(b.sizes, len(positions))
	return onDisk{time.NewTimer(b.takes), b.err}, nil
}

type onDisk struct {
	t   *time.Timer
	err error
}

func (d onDisk) Wait(ctx context.Context) error {
	select {
	case <-d.t.C:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withCommitter runs work beside a committer in a bubble of fake time.
func withCommitter(t *testing.T, b *slowBus, work func(*testing.T, *committer)) {
	synctest.Test(t, func(t *testing.T) {
		c := newCommitter(b, newMetrics(metric.NewSet(), nil), slog.New(slog.NewTextHandler(&b.log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.run(ctx); close(done) }()
		work(t, c)
		cancel()
		<-done
	})
}

func report(device int64) []data.Position { return []data.Position{{DeviceID: device}} }

func TestLonePositionWaitsForTheDiskOnly(t *testing.T) {
	b := &slowBus{takes: time.Millisecond}
	withCommitter(t, b, func(t *testing.T, c *committer) {
		for range 3 {
			start := time.Now()
			if err := c.commit(t.Context(), report(1)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != b.takes {
				t.Errorf("took %v, the disk takes %v", took, b.takes)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestFloodSharesSyncs(t *testing.T) {
	b := &slowBus{takes: time.Millisecond}
	const sessions, rounds = 300, 20
	withCommitter(t, b, func(t *testing.T, c *committer) {
		var all sync.WaitGroup
		for i := range int64(sessions) {
			all.Go(func() {
				for range rounds {
					start := time.Now()
					if err := c.commit(t.Context(), report(i+1)); err != nil {
						t.Error(err)
					}
					if took := time.Since(start); took > 2*every+2*b.takes {
						t.Errorf("took %v", took)
					}
				}
			})
		}
		all.Wait()
	})
	for i := 1; i < len(b.starts); i++ {
		if gap := b.starts[i].Sub(b.starts[i-1]); gap < every && gap != 0 {
			t.Errorf("commit %d started %v after the one before", i, gap)
		}
	}
	// Each round of 300 positions takes two messages of at most 200.
	if n := len(b.starts); n > 2*rounds+4 {
		t.Errorf("%d messages for %d rounds of %d positions", n, rounds, sessions)
	}
}

func TestFailedCommitReachesEverySession(t *testing.T) {
	b := &slowBus{takes: time.Millisecond, err: data.ErrUnavailable}
	withCommitter(t, b, func(t *testing.T, c *committer) {
		var all sync.WaitGroup
		for i := range int64(10) {
			all.Go(func() {
				if err := c.commit(t.Context(), report(i+1)); !errors.Is(err, data.ErrUnavailable) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		b.err = nil
		if err := c.commit(t.Context(), report(1)); err != nil {
			t.Error(err)
		}
	})
	// People are told once when it begins and once when it is over.
	if log := b.log.String(); strings.Count(log, "not durable") != 1 || strings.Count(log, "durable again") != 1 {
		t.Errorf("the log says %s", log)
	}
}
