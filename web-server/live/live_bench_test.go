package live

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/metric"
)

// nullConn is a client that reads everything at once.
type nullConn struct{ bytes atomic.Int64 }

func (c *nullConn) SetReadLimit(int64) {}
func (c *nullConn) Read(ctx context.Context) (websocket.MessageType, []byte, error) {
	<-ctx.Done()
	return 0, nil, ctx.Err()
}

func (c *nullConn) Write(_ context.Context, _ websocket.MessageType, p []byte) error {
	c.bytes.Add(int64(len(p)))
	return nil
}
func (c *nullConn) Close(websocket.StatusCode, string) error { return nil }
func (c *nullConn) CloseNow() error                          { return nil }

const (
	benchDevices = 5000
	benchViewers = 200
	// benchBatch is what arrives at once; benchWindow is what gathers in one
	// window of 50 ms at 5,000 positions a second.
	benchBatch  = 50
	benchWindow = 250
)

// benchHub is a hub with viewers that write nothing by themselves. Each sees
// one in share of the devices; share 1 makes them administrators.
func benchHub(tb testing.TB, share int64) (*Hub, []*socket) {
	tb.Helper()
	h := New(&world{}, &fakeBus{}, slog.New(slog.DiscardHandler), time.Now, metric.NewSet())
	for id := range int64(benchDevices) {
		h.fleet.devices[id+1] = &device{Device: data.Device{ID: id + 1, Name: fmt.Sprint("Truck ", id), UniqueID: fmt.Sprint(860000000000000 + id)}}
	}
	var sockets []*socket
	for i := range int64(benchViewers) {
		s := &socket{conn: &nullConn{}, userID: i + 1, next: newPending(), sending: newPending(), wake: make(chan struct{}, 1), done: make(chan struct{})}
		u := data.User{ID: i + 1, Administrator: share == 1}
		links := &world{links: map[int64][]int64{}}
		for id := int64(1); id <= benchDevices && share > 1; id++ {
			if id%share == i%share {
				links.links[u.ID] = append(links.links[u.ID], id)
			}
		}
		var err error
		if s.viewer, err = access.NewViewer(tb.Context(), links, u); err != nil {
			tb.Fatal(err)
		}
		sockets = append(sockets, s)
	}
	h.sockets = sockets
	return h, sockets
}

// benchRound brings one window's positions to the sockets and flushes them.
type benchRound struct {
	h         *Hub
	sockets   []*socket
	positions []data.Position
	next      int64
	at        time.Time
}

func newRound(h *Hub, sockets []*socket) *benchRound {
	r := &benchRound{h: h, sockets: sockets, positions: make([]data.Position, benchBatch), at: time.Now()}
	for i := range r.positions {
		p := &r.positions[i]
		p.Protocol, p.Valid, p.Latitude, p.Longitude = "teltonika", true, 52.123456, 13.654321
		p.Attributes.SetBool("ignition", true)
		p.Attributes.SetBool("motion", true)
		p.Attributes.SetFloat("distance", 12.34)
		p.Attributes.SetFloat("totalDistance", 1234567.89)
		p.Attributes.SetInt("sat", 11)
	}
	return r
}

func (r *benchRound) run(ctx context.Context) {
	for range benchWindow / benchBatch {
		r.at = r.at.Add(10 * time.Millisecond)
		for i := range r.positions {
			p := &r.positions[i]
			r.next++
			p.ID, p.DeviceID = r.next, r.next%benchDevices+1
			p.ServerTime, p.DeviceTime, p.FixTime = r.at, r.at, r.at
		}
		r.h.onPositions(r.positions)
	}
	for _, s := range r.sockets {
		_ = r.h.flush(ctx, s, false)
	}
}

// cpuTime is what this process has used, so that others on the machine do not
// count.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFanOut measures a window of 50 ms: 250 positions to 200 viewers,
// 5,000 positions a second. %core is the CPU time that a second of it takes.
func BenchmarkFanOut(b *testing.B) {
	for name, share := range map[string]int64{"all": 1, "twentieth": 20} {
		b.Run(name, func(b *testing.B) {
			r := newRound(benchHub(b, share))
			r.run(b.Context())
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				r.run(b.Context())
			}
			b.ReportMetric((cpuTime(b)-began).Seconds()/float64(b.N)*20*100, "%core")
		})
	}
}

// What is allocated grows with batches and messages, not with positions times
// viewers: one buffer per batch, and a context per message.
func TestFanOutAllocations(t *testing.T) {
	r := newRound(benchHub(t, 1))
	for range 8 { // buffers and maps reach their size
		r.run(t.Context())
	}
	perMessage := 8.0 // context with timeout and its timer
	most := perMessage*2*benchViewers + 4*benchWindow/benchBatch
	if n := testing.AllocsPerRun(5, func() { r.run(t.Context()) }); n > most {
		t.Errorf("a window of %d positions to %d viewers allocates %v times, want at most %v", benchWindow, benchViewers, n, most)
	}
}
