package tracking

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// garbage is what a peer sends that speaks nothing of ours: unreadable frames,
// noise, and a frame without an end.
var garbage = [...]string{
	strings.Repeat("what is this\n", 2*maxBadFrames),
	strings.Repeat("~"+strings.Repeat("x", 500)+"\n", 2*maxNoise/500),
	strings.Repeat("endless ", 1000),
}

// The garbage peers of a test: they go on until the device has that many answers,
// and each may take that much memory of ours at most, in bytes.
const (
	garbagePeers   = 1000
	garbageAnswers = 25
	garbageMemory  = 128 << 10
)

// TestThousandGarbagePeers has a thousand peers send garbage, again and again,
// while a device goes on: it gets every one of its answers, each of the peers is
// dropped each time and counted, and nothing of them stays. What they cost the
// device in time is BenchmarkGarbage of package simulator.
func TestThousandGarbagePeers(t *testing.T) {
	r := start(t, nil)
	addr := r.addr["line/tcp"]
	device := dial(t, "tcp", addr)
	device.send("ID anna\n")
	device.want("HELLO anna")
	answered := 0
	report := func() {
		device.SetDeadline(time.Now().Add(time.Minute))
		device.send(fmt.Sprintf("P %d\n", answered))
		device.want(fmt.Sprintf("OK %d", answered))
		answered++
	}
	report()
	before, heap := runtime.NumGoroutine(), heapInUse()

	var crowd sync.WaitGroup
	var enough atomic.Bool
	var tried, dropped [len(garbage)]atomic.Uint64 // of each kind
	for i := range garbagePeers {
		kind := i % len(garbage)
		crowd.Go(func() {
			for first := true; first || !enough.Load(); first = false {
				tried[kind].Add(1)
				if annoy(addr, garbage[kind]) {
					dropped[kind].Add(1)
				}
			}
		})
	}
	peak := heap
	for answered < garbageAnswers {
		report()
		peak = max(peak, heapInUse())
	}
	enough.Store(true)
	crowd.Wait()
	report()

	for kind := range garbage {
		if tried, dropped := tried[kind].Load(), dropped[kind].Load(); dropped != tried {
			t.Errorf("%.12q was sent %d times and dropped %d times", garbage[kind], tried, dropped)
		}
	}
	count := func(outcome string) uint64 { return r.metrics.frames("line", outcome).Get() }
	if n, came := count("unreadable"), maxBadFrames*tried[0].Load(); n != came {
		t.Errorf("%d unreadable frames counted, %d came", n, came)
	}
	if n, came := count("broken"), tried[1].Load()+tried[2].Load(); n != came {
		t.Errorf("%d broken streams counted, %d came", n, came)
	}
	if n := count("decoded"); n != uint64(1+answered) {
		t.Errorf("%d frames understood, the device sent %d", n, 1+answered)
	}
	if most := heap + garbagePeers*garbageMemory; peak > most {
		t.Errorf("%d MiB in use, at most %d MiB", peak>>20, most>>20)
	}
	until(t, "the goroutines of the peers to end", func() bool { return runtime.NumGoroutine() <= before })
	t.Logf("%d reports answered while %d unreadable, %d noisy and %d endless streams were dropped, at most %d MiB in use",
		answered, tried[0].Load(), tried[1].Load(), tried[2].Load(), peak>>20)
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// annoy sends garbage until the server hangs up.
func annoy(addr, rubbish string) (dropped bool) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(conn, rubbish) // it may hang up in the middle
	_, err = io.Copy(io.Discard, conn)
	netErr, ok := err.(net.Error)
	return !ok || !netErr.Timeout()
}
