package simulator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// garbageTarget says where the garbage peers of a process send to.
const garbageTarget = "WAYMARK_BENCH_GARBAGE"

const (
	garbagePeers = 1000
	// garbagePace is how often each peer connects again.
	garbagePace = time.Second
	// garbageWait bounds how long the server may take to hang up.
	garbageWait = 30 * time.Second
)

// garbage is what peers send that speak nothing of gt06: noise, frames that say
// nothing, and a frame without an end.
var garbage = [][]byte{
	bytes.Repeat([]byte("what is this? "), 6000),
	bytes.Repeat([]byte{0x78, 0x78, 0x05, 0x12, 0x00, 0x01, 0x00, 0x00, 0x0D, 0x0A}, 100),
	append([]byte{0x79, 0x79, 0xFF, 0xFF}, bytes.Repeat([]byte{'x'}, 80<<10)...),
}

// dropped counts the connections that the server has ended.
var dropped atomic.Int64

// runGarbage is a crowd of peers that send garbage, in a process of its own so
// that it does not hold up those who measure.
func runGarbage(addr string) error {
	ctx, stop := context.WithCancel(context.Background())
	var crowd sync.WaitGroup
	for i := range garbagePeers {
		crowd.Go(func() { annoy(ctx, addr, i) })
	}
	err := tellAbout(nil)
	stop()
	crowd.Wait()
	return err
}

// annoy sends garbage, waits until the server hangs up, and comes back.
func annoy(ctx context.Context, addr string, peer int) {
	first := time.NewTimer(garbagePace * time.Duration(peer) / garbagePeers) // not all at once
	defer first.Stop()
	select {
	case <-first.C:
	case <-ctx.Done():
		return
	}
	pace := time.NewTicker(garbagePace)
	defer pace.Stop()
	dialer := net.Dialer{Timeout: garbageWait}
	for ctx.Err() == nil {
		if conn, err := dialer.DialContext(ctx, "tcp", addr); err == nil {
			end := context.AfterFunc(ctx, func() { conn.Close() })
			conn.SetDeadline(time.Now().Add(garbageWait))
			_, _ = conn.Write(garbage[peer%len(garbage)]) // it may hang up in the middle
			if _, err := io.Copy(io.Discard, conn); !os.IsTimeout(err) && ctx.Err() == nil {
				dropped.Add(1)
			}
			end()
			conn.Close()
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
}

// BenchmarkGarbage is what devices at a steady rate notice of peers that send
// garbage to the same port, without them and with a thousand that are dropped
// and come back every second:
//
//	go test ./simulator -run '^$' -bench Garbage -benchtime 1x -count 10 | benchstat -col /peers -
func BenchmarkGarbage(b *testing.B) {
	for _, peers := range []int{0, garbagePeers} {
		b.Run(fmt.Sprintf("peers=%d", peers), func(b *testing.B) { benchmarkGarbage(b, peers > 0) })
	}
}

func benchmarkGarbage(b *testing.B, peers bool) {
	p := startProcess(b, "tracker")
	l := Load{Protocol: "gt06", Addr: p.addresses["gt06"], Devices: 500, Rate: 1000}
	crowd, err := l.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer crowd.Close()
	crowd.SetDuration(200 * time.Millisecond)
	if _, err := crowd.Run(b.Context()); err != nil { // warm up
		b.Fatal(err)
	}
	const duration = 5 * time.Second
	crowd.SetDuration(duration)
	droppedSoFar := func() int64 { return 0 }
	if peers {
		b.Setenv(garbageTarget, l.Addr)
		g := startProcess(b, "garbage")
		droppedSoFar = func() int64 { return g.ask("usage").Dropped }
		for limit := time.Now().Add(garbageWait); droppedSoFar() < garbagePeers; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(limit) {
				b.Fatal("the server does not drop them")
			}
		}
	}
	for b.Loop() {
		before, server := droppedSoFar(), p.ask("usage")
		r, err := crowd.Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		after := p.ask("usage")
		if r.Acknowledged < r.Sent {
			b.Errorf("%d of %d reports were answered", r.Acknowledged, r.Sent)
		}
		b.ReportMetric(float64(r.Answers.P50.Microseconds()), "p50-µs")
		b.ReportMetric(float64(r.Answers.P99.Microseconds()), "p99-µs")
		b.ReportMetric(float64(droppedSoFar()-before)/duration.Seconds(), "dropped/s")
		b.ReportMetric((after.CPU-server.CPU).Seconds()/duration.Seconds()*100, "server-CPU-%")
		b.ReportMetric(float64(after.RSS)/(1<<20), "RSS-MiB")
	}
}
