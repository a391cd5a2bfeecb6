package bus

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// wireCut is a network between a process and the bus that can be cut without a
// word to either end.
type wireCut struct {
	addr string
	cut  chan struct{}
	once sync.Once
}

// throughWire returns the settings of cfg, by way of a wire.
func throughWire(t *testing.T, cfg Config) (Config, *wireCut) {
	t.Helper()
	u, err := url.Parse(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	w := &wireCut{addr: l.Addr().String(), cut: make(chan struct{})}
	var copies sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		l.Close()
		copies.Wait()
	})
	carry := func(to, from net.Conn) {
		defer to.Close()
		defer from.Close()
		defer context.AfterFunc(ctx, func() { from.Close() })()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			select {
			case <-w.cut: // swallow it, and keep both ends in the belief
				<-ctx.Done()
				return
			default:
			}
			if err != nil {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	copies.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			copies.Go(func() { carry(out, in) })
			copies.Go(func() { carry(in, out) })
		}
	})
	u.Host = w.addr
	cfg.URL = u.String()
	return cfg, w
}

func (w *wireCut) sever() { w.once.Do(func() { close(w.cut) }) }

// holds tells how many shards a tracker may work on.
func (tr *tracker) holds() int {
	tr.bs.mu.Lock()
	g := tr.bs.group
	tr.bs.mu.Unlock()
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.due(time.Now()).len()
}

func TestShardsMoveWithTheProcesses(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	sender := open(t, cfg, "")
	s := newShared()
	one := startTracker(t, open(t, cfg, ""), s)
	f := startFleet(t, sender)
	eventually(t, "the first to have all", func() bool { return one.holds() == data.Shards })
	f.flows(200)

	two := startTracker(t, open(t, cfg, ""), s)
	behind, network := throughWire(t, cfg)
	three := startTracker(t, open(t, behind, ""), s)
	eventually(t, "even shares", func() bool {
		a, b, c := one.holds(), two.holds(), three.holds()
		return a+b+c == data.Shards && min(a, b, c) == 21
	})
	f.flows(500)

	two.stop() // in order: it is not waited for
	if n := members(t, sender, processGroup); n != 2 {
		t.Errorf("%d are in the group after one of three has stopped", n)
	}
	eventually(t, "the shards of one that stopped", func() bool { return one.holds()+three.holds() == data.Shards })
	f.flows(500)

	began := time.Now()
	network.sever() // three is cut off: to the others it has crashed
	eventually(t, "the shards of one that is cut off", func() bool { return one.holds() == data.Shards })
	t.Logf("taken over after %v", time.Since(began).Round(time.Millisecond))
	f.flows(500)
	f.settled(s)
}

// TestCutOffProcessStopsFirst: who cannot renew must stop before the others may
// begin, also in the middle of storing.
func TestCutOffProcessStopsFirst(t *testing.T) {
	t.Parallel() // it waits most of the time
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	sender := open(t, cfg, "")
	behind, network := throughWire(t, cfg)
	first, err := open(t, behind, "").ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	publish(t, sender, position(7, 1))
	if got, err := first.Next(deadline(t), 10); err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	held, release := first.Hold(t.Context())
	defer release()

	second, err := open(t, cfg, "").ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	network.sever()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := second.Next(ctx, 10)
	if err != nil || len(got) != 1 || got[0].Positions[0].FixTime.Second() != 1 || !got[0].First {
		t.Fatalf("the second got %v, %v", got, err)
	}
	if held.Err() == nil {
		t.Fatal("both may store the batch")
	}
	if !errors.Is(context.Cause(held), data.ErrUnavailable) {
		t.Errorf("the first was told %v", context.Cause(held))
	}
	none, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := first.Next(none, 10); err == nil {
		t.Errorf("the first was given %v", got)
	}
}

// TestUnstoredBatchComesAgainInOrder: what the caller gave up comes again, and
// nothing newer before it.
func TestUnstoredBatchComesAgainInOrder(t *testing.T) {
	b := embedded(t)
	for i := range 5 {
		publish(t, b, position(7, i))
	}
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	got, err := bs.Next(deadline(t), 2)
	if err != nil || got[0].Positions[0].FixTime.Second() != 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	for i, batch := range receive(t, bs, 5) {
		if batch.Positions[0].FixTime.Second() != i {
			t.Fatalf("second %d came as number %d", batch.Positions[0].FixTime.Second(), i)
		}
	}
}

// TestGapIsDeliveredAgain: what somebody else was given instead of us, or what
// got lost on its way, comes again, and what came after it does too.
func TestGapIsDeliveredAgain(t *testing.T) {
	b := embedded(t)
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	publish(t, b, position(7, 0))
	first, err := bs.Next(deadline(t), 10)
	if err != nil || len(first) != 1 {
		t.Fatalf("got %v, %v", first, err)
	}
	consumer, err := b.stream.Consumer(t.Context(), consumerName)
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := consumer.Fetch(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 10; i++ {
		publish(t, b, position(7, i))
	}
	for m := range stolen.Messages() {
		t.Logf("not delivered to us: %s", m.Subject())
	}
	if err := first[0].Done(); err != nil {
		t.Fatal(err)
	}
	var got []int
	for ctx := deadline(t); len(got) < 9; {
		batches, err := bs.Next(ctx, 10)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		for _, batch := range batches {
			got = append(got, batch.Positions[0].FixTime.Second())
			if err := batch.Done(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, second := range got {
		if second != i+1 {
			t.Fatalf("got %v", got)
		}
	}
}

func TestOneLeads(t *testing.T) {
	t.Parallel() // it waits most of the time
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	var mu sync.Mutex
	var leader string
	lead := func(name string, b *Bus) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var done sync.WaitGroup
		done.Go(func() {
			err := b.Lead(ctx, "job", func(ctx context.Context) error {
				mu.Lock()
				if leader != "" {
					t.Errorf("%s and %s lead", leader, name)
				}
				leader = name
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				leader = ""
				mu.Unlock()
				return ctx.Err()
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
		stop = func() { cancel(); done.Wait() }
		t.Cleanup(stop)
		return stop
	}
	leads := func(name string) {
		t.Helper()
		eventually(t, name+" to lead", func() bool { mu.Lock(); defer mu.Unlock(); return leader == name })
	}
	behind, network := throughWire(t, cfg)
	stopOne := lead("one", open(t, cfg, ""))
	leads("one")
	lead("two", open(t, behind, ""))
	three := open(t, cfg, "")
	eventually(t, "the second to wait", func() bool { return members(t, three, "job") == 2 })
	stopOne() // in order: it is not waited for
	if n := members(t, three, "job"); n != 1 {
		t.Errorf("%d are in the group after one of two has stopped", n)
	}
	leads("two")
	lead("three", three)
	network.sever()
	leads("three")
}

// members is how many a group has.
func members(t *testing.T, b *Bus, name string) int {
	t.Helper()
	kv, err := b.openLeases(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	seats, _, err := (&group{kv: kv, name: name}).read(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return len(seats)
}

func TestLeadEndsWithItsFunction(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	for name, b := range map[string]*Bus{"embedded": embedded(t), "external": open(t, cfg, "")} {
		if err := b.Lead(deadline(t), "job", func(context.Context) error { return io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
