package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
)

// patience bounds every wait on a cluster: an election alone may take 9 s.
const patience = 90 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(limit) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond) // polling, not timing
	}
}

// cluster is three NATS servers in this process, on loopback.
type cluster struct {
	t       *testing.T
	options [3]server.Options
	servers [3]*server.Server
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	ports := freePorts(t, 6)
	var routes []*url.URL
	for i := range 3 {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[3+i])})
	}
	for i := range 3 {
		c.options[i] = server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: ports[i], NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[3+i]}, Routes: routes,
			JetStream: true, StoreDir: t.TempDir(),
		}
	}
	t.Cleanup(func() {
		for i := range 3 {
			c.stop(i)
		}
	})
	return c
}

// freePorts are ports below those that the system gives to outgoing connections:
// nobody else gets them while their server is away.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 27_000+rand.IntN(5_000)))
		if err != nil {
			continue
		}
		defer l.Close() // together, so that they differ
		if ports = append(ports, l.Addr().(*net.TCPAddr).Port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

func (c *cluster) start(numbers ...int) {
	c.t.Helper()
	for _, i := range numbers {
		o := c.options[i]
		s, err := server.NewServer(&o)
		if err != nil {
			c.t.Fatal(err)
		}
		if os.Getenv("WAYMARK_TEST_NATS_LOG") != "" {
			s.SetLoggerV2(serverLog{slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("server", i)}, false, false, false)
		}
		s.Start()
		c.servers[i] = s
	}
	for _, i := range numbers {
		if !c.servers[i].ReadyForConnections(patience) {
			c.t.Fatal("NATS server not ready")
		}
	}
}

func (c *cluster) startAll() {
	c.t.Helper()
	c.start(0, 1, 2)
	eventually(c.t, "a leader of the cluster", func() bool {
		return slices.ContainsFunc(c.servers[:], func(s *server.Server) bool { return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 })
	})
}

func (c *cluster) stop(i int) {
	if s := c.servers[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[i] = nil
	}
}

func (c *cluster) config() Config {
	var urls []string
	for _, o := range c.options {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	cfg := DefaultConfig()
	cfg.URL, cfg.MaxBacklogMB = strings.Join(urls, ","), 256
	return cfg
}

// leader is the number of the server that leads the stream.
func (c *cluster) leader(stream string) int {
	for i, s := range c.servers {
		if s != nil && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// tracker is a process as the bus sees it: it consumes, and keeps what it was
// given in a store that all share.
type tracker struct {
	t    *testing.T
	bus  *Bus
	bs   *Batches
	end  context.CancelFunc
	done sync.WaitGroup
}

// shared is the store, which knows a position again.
type shared struct {
	mu      sync.Mutex
	last    map[int64]int         // newest second of each device
	holders map[int64]*tracker    // who stores positions of a device now
	known   map[int64]map[int]int // device -> second -> times delivered
	firsts  map[*tracker]map[int]bool
}

func newShared() *shared {
	return &shared{last: map[int64]int{}, holders: map[int64]*tracker{}, known: map[int64]map[int]int{}, firsts: map[*tracker]map[int]bool{}}
}

func (s *shared) stored(device int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[device]
}

func seconds(p data.Position) int { return int(p.FixTime.Unix()) }

func startTracker(t *testing.T, b *Bus, s *shared) *tracker {
	t.Helper()
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tr := &tracker{t: t, bus: b, bs: bs, end: cancel}
	tr.done.Go(func() { tr.run(ctx, s) })
	t.Cleanup(tr.stop)
	return tr
}

func (tr *tracker) stop() {
	tr.end()
	tr.done.Wait()
	tr.bs.Stop()
}

func (tr *tracker) run(ctx context.Context, s *shared) {
	for {
		batches, err := tr.bs.Next(ctx, 1000)
		if err != nil {
			if ctx.Err() == nil {
				tr.t.Errorf("next: %v", err)
			}
			return
		}
		held, release := tr.bs.Hold(ctx)
		s.begin(tr, batches)
		for _, b := range batches {
			if held.Err() == nil {
				s.store(tr, b)
				b.Done()
			}
		}
		s.end(batches)
		release()
	}
}

// begin fails the test if somebody else works on one of the devices.
func (s *shared) begin(tr *tracker, batches []Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range batches {
		if s.firsts[tr] == nil {
			s.firsts[tr] = map[int]bool{}
		}
		if b.First {
			s.firsts[tr][b.Shard] = true
		}
		if !tr.bus.Embedded() && !s.firsts[tr][b.Shard] {
			tr.t.Errorf("shard %d came without its first batch being marked", b.Shard)
		}
		for _, p := range b.Positions {
			if h := s.holders[p.DeviceID]; h != nil && h != tr {
				tr.t.Errorf("two work on device %d", p.DeviceID)
			}
			s.holders[p.DeviceID] = tr
		}
	}
}

func (s *shared) end(batches []Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range batches {
		for _, p := range b.Positions {
			delete(s.holders, p.DeviceID)
		}
	}
}

// store fails the test if a position that is new comes after a newer one.
func (s *shared) store(tr *tracker, b Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range b.Positions {
		if s.known[p.DeviceID] == nil {
			s.known[p.DeviceID] = map[int]int{}
		}
		s.known[p.DeviceID][seconds(p)]++
		if s.known[p.DeviceID][seconds(p)] > 1 {
			continue
		}
		if seconds(p) < s.last[p.DeviceID] {
			tr.t.Errorf("device %d: second %d came after %d", p.DeviceID, seconds(p), s.last[p.DeviceID])
		}
		s.last[p.DeviceID] = seconds(p)
	}
}

// fleet is devices that send a position, wait until it is acknowledged, and
// send it again when it is not.
type fleet struct {
	t     *testing.T
	acked [40]atomic.Int64 // newest acknowledged second of each device
	count atomic.Int64
	// slowest is the longest publish, in nanoseconds.
	slowest atomic.Int64
	end     context.CancelFunc
	done    sync.WaitGroup
}

func startFleet(t *testing.T, b *Bus) *fleet {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fleet{t: t, end: cancel}
	for device := range f.acked {
		f.done.Go(func() { f.drive(ctx, b, device) })
	}
	t.Cleanup(f.stop)
	return f
}

func (f *fleet) stop() { f.end(); f.done.Wait() }

func (f *fleet) drive(ctx context.Context, b *Bus, device int) {
	for second := 1; ctx.Err() == nil; {
		p := position(int64(device)+1, 0)
		p.FixTime = time.Unix(int64(second), 0)
		p.DeviceTime = p.FixTime
		began := time.Now()
		ack, err := b.PublishPositions(data.Shard(p.DeviceID), []data.Position{p})
		if err == nil {
			wctx, cancel := context.WithTimeout(context.Background(), 2*publishTimeout)
			err = ack.Wait(wctx)
			cancel()
		}
		if took := time.Since(began); took > time.Duration(f.slowest.Load()) {
			f.slowest.Store(int64(took))
		}
		switch {
		case err == nil:
			f.acked[device].Store(int64(second))
			f.count.Add(1)
			second++
			pause(ctx, 5*time.Millisecond)
		case !errors.Is(err, data.ErrUnavailable):
			f.t.Errorf("publish: %v", err)
			return
		default:
			pause(ctx, 50*time.Millisecond)
		}
	}
}

// flows waits until a number of positions more are acknowledged.
func (f *fleet) flows(more int64) {
	f.t.Helper()
	from := f.count.Load()
	eventually(f.t, "positions to be acknowledged", func() bool { return f.count.Load() >= from+more })
}

// settled waits until everything acknowledged is stored.
func (f *fleet) settled(s *shared) {
	f.t.Helper()
	f.stop()
	for device := range f.acked {
		eventually(f.t, "what was acknowledged to be stored", func() bool { return s.stored(int64(device)+1) >= int(f.acked[device].Load()) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	again := 0
	for device := range f.acked {
		for second := 1; second <= int(f.acked[device].Load()); second++ {
			n := s.known[int64(device)+1][second]
			if n == 0 {
				f.t.Errorf("device %d: second %d was acknowledged and is lost", device+1, second)
			}
			again += max(n-1, 0)
		}
	}
	f.t.Logf("%d positions acknowledged, slowest publish %v, %d delivered again", f.count.Load(), time.Duration(f.slowest.Load()).Round(time.Millisecond), again)
}

func TestClusterSurvivesItsServers(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	sender, one, two := open(t, c.config(), ""), open(t, c.config(), ""), open(t, c.config(), "")
	if n := sender.stream.CachedInfo().Config.Replicas; n != 3 {
		t.Fatalf("%d copies on three servers", n)
	}
	s := newShared()
	startTracker(t, one, s)
	startTracker(t, two, s)
	f := startFleet(t, sender)
	f.flows(500)

	step := func(what string, do func()) {
		began := time.Now()
		do()
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
	}
	step("a server goes and comes back", func() {
		i := (c.leader(streamName) + 1) % 3
		c.stop(i)
		f.flows(500)
		c.start(i)
		f.flows(500)
	})
	step("the stream's leader goes and comes back", func() {
		i := c.leader(streamName)
		c.stop(i)
		f.flows(500)
		c.start(i)
		f.flows(500)
	})
	step("all go and come back", func() {
		for i := range 3 {
			c.stop(i)
		}
		if err := sender.Ready(t.Context()); err == nil {
			t.Error("ready without a server")
		}
		pause(t.Context(), 2*time.Second)
		before := f.count.Load()
		c.start(0, 1, 2)
		eventually(t, "positions again", func() bool { return f.count.Load() > before+500 })
	})
	f.settled(s)
	eventually(t, "readiness", func() bool { return sender.Ready(t.Context()) == nil })
	eventually(t, "an empty backlog", func() bool { n, err := sender.Backlog(t.Context()); return err == nil && n == 0 })
	if slowest := time.Duration(f.slowest.Load()); slowest > 3*publishTimeout {
		t.Errorf("a publish took %v", slowest)
	}
	kv, err := one.js.Stream(t.Context(), "KV_"+leaseBucket)
	if err != nil || kv.CachedInfo().Config.Replicas != 3 {
		t.Errorf("leases: %v, %v", kv, err)
	}
}
