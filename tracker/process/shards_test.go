package process

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

// newest is a memory that also knows the newest position of a device, as one
// of several trackers uses it.
type newest struct {
	*memory
	inserted *atomic.Int64 // by this tracker
}

func (n newest) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error {
	n.inserted.Add(int64(len(positions)))
	return n.memory.InsertPositions(ctx, positions, fingerprints, nil)
}

func (n newest) LatestPositions(_ context.Context, ids []int64) (out []data.Position, err error) {
	for _, id := range ids {
		var last data.Position
		for _, p := range n.stored() {
			if p.DeviceID == id && cache.Newer(&p, &last) {
				last = p
			}
		}
		if last.DeviceID != 0 {
			out = append(out, last)
		}
	}
	return out, nil
}

// startTracker runs a processor with a bus and a cache of its own.
func startTracker(t *testing.T, url string, shared *memory) (b *bus.Bus, inserted *atomic.Int64, stop func()) {
	t.Helper()
	m := newest{shared, &atomic.Int64{}}
	cfg := bus.DefaultConfig()
	cfg.URL = url
	b, err := bus.Open(t.Context(), cfg, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	source, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := New(Deps{
		Source: source, Store: m, Live: b, Last: cache.NewLast(m, 1000, func() time.Time { return base }),
		Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		source.Stop()
		b.Close()
	}
	t.Cleanup(stop)
	return b, m.inserted, stop
}

// TestAShardThatComesBackIsNotRemembered: what another tracker stored meanwhile
// counts, not what this one remembers.
func TestAShardThatComesBackIsNotRemembered(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS server not ready")
	}
	m := &memory{known: map[[3]uint64]bool{}}
	b, _, _ := startTracker(t, s.ClientURL(), m)
	const devices = 200 // on every shard
	stored := 0
	send := func(p func(device int64) data.Position) {
		t.Helper()
		for d := int64(1); d <= devices; d++ {
			publish(t, b, p(d))
		}
		stored += devices
		waitFor(t, "positions", func() bool { return len(m.stored()) == stored })
	}
	send(func(d int64) data.Position { return fix(d, 1) })
	send(func(d int64) data.Position { return heartbeat(d, 2) }) // now the places are remembered

	_, others, stopOther := startTracker(t, s.ClientURL(), m)
	second := 2
	waitFor(t, "the other to store its half", func() bool {
		second++
		before := others.Load()
		send(func(d int64) data.Position { return fix(d, second) })
		return others.Load()-before > devices/3
	})
	stopOther()
	send(func(d int64) data.Position { return heartbeat(d, second+1) })
	for _, p := range m.stored()[stored-devices:] {
		if p.FixTime.Second() != second {
			t.Errorf("device %d is where it was at second %d, not at %d", p.DeviceID, p.FixTime.Second(), second)
		}
	}
}

// lapsing is a source whose lease is lost in the middle of the first group.
type lapsing struct {
	*bus.Batches
	lost chan struct{}
}

func (l lapsing) Hold(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-l.lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// blocking is a store that does not answer the first time.
type blocking struct {
	*memory
	asked chan struct{} // receives when the store is asked
	first *atomic.Bool
}

func (b blocking) InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error {
	b.asked <- struct{}{}
	if b.first.CompareAndSwap(false, true) {
		<-ctx.Done()
		return ctx.Err()
	}
	return b.memory.InsertPositions(ctx, positions, fingerprints, nil)
}

func TestStoringEndsWithTheLease(t *testing.T) {
	b, err := bus.Open(t.Context(), bus.DefaultConfig(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	batches, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer batches.Stop()
	m := &memory{known: map[[3]uint64]bool{}}
	source := lapsing{batches, make(chan struct{}, 1)}
	store := blocking{m, make(chan struct{}, 10), &atomic.Bool{}}
	p := New(Deps{
		Source: source, Store: store, Live: b, Last: cache.NewLast(m, 1000, func() time.Time { return base }),
		Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	publish(t, b, fix(7, 1))
	<-store.asked
	source.lost <- struct{}{} // only now may others begin
	waitFor(t, "the position to be given up and to come again", func() bool { return len(m.stored()) == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := len(store.asked); n != 1 {
		t.Errorf("the store was asked %d times more", n)
	}
}
