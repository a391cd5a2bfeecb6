package tracking

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// garbage is what a peer sends that speaks nothing of ours: unreadable frames,
// noise, and a frame without an end.
var garbage = []string{
	strings.Repeat("what is this\n", 2*maxBadFrames),
	strings.Repeat("~"+strings.Repeat("x", 500)+"\n", 2*maxNoise/500),
	strings.Repeat("endless ", 1000),
}

// TestThousandGarbagePeers has a thousand peers send garbage, again every second,
// while a device goes on: each of them is dropped, nothing of them stays, and
// the device gets its answers. How long those take is logged; it depends on the
// machine.
func TestThousandGarbagePeers(t *testing.T) {
	const peers, messages = 1000, 100
	r := start(t, nil)
	addr := r.addr["line/tcp"]
	device := dial(t, "tcp", addr)
	device.send("ID anna\n")
	device.want("HELLO anna")
	talk := func() (p50, p99 time.Duration) {
		took := make([]time.Duration, messages)
		for i := range took {
			began := time.Now()
			device.SetDeadline(began.Add(time.Minute))
			device.send(fmt.Sprintf("P %d\n", i))
			device.want(fmt.Sprintf("OK %d", i))
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		return took[messages/2], took[messages*99/100]
	}
	alone50, alone99 := talk()
	before := runtime.NumGoroutine()

	stop := make(chan struct{})
	var crowd sync.WaitGroup
	var dropped [peers]int
	for i := range peers {
		crowd.Go(func() {
			pace := time.NewTicker(time.Second)
			defer pace.Stop()
			for {
				if annoy(addr, garbage[i%len(garbage)]) {
					dropped[i]++
				}
				select {
				case <-stop:
					return
				case <-pace.C:
				}
			}
		})
	}
	crowd50, crowd99 := talk()
	close(stop)
	crowd.Wait()
	total := 0
	for i, n := range dropped {
		total += n
		if n == 0 {
			t.Errorf("peer %d was never dropped", i)
		}
	}
	t.Logf("alone p50 %v, p99 %v; with %d peers that were dropped %d times p50 %v, p99 %v", alone50, alone99, peers, total, crowd50, crowd99)
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d goroutines, %d before the garbage", runtime.NumGoroutine(), before)
		}
	}
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
