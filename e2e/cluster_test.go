package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// ledger is what was acknowledged, and when.
type ledger struct {
	mu    sync.Mutex
	acked map[string]map[int64]time.Time // device -> fix time ms -> when
	count atomic.Int64
}

func (l *ledger) write(id string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked[id] == nil {
		l.acked[id] = map[int64]time.Time{}
	}
	l.acked[id][at.UnixMilli()] = time.Now()
	l.count.Add(1)
}

// TestTrackersShareTheWork runs three trackers and two web servers on one bus
// and one store, and kills a tracker under load.
func TestTrackersShareTheWork(t *testing.T) {
	const devices = 40
	shared := []string{"--bus.url", natsServer(t), "--storage.url", pgtest.Open(t), "--data-dir", t.TempDir()}
	var trackers []*process
	var addrs []string
	var clients []*client
	for range 2 {
		p := start(t, binary(t, "web-server", "../web-server"), append(shared, "--web.listen", "127.0.0.1:0", "--ops.listen", "127.0.0.1:0")...)
		c := newClient(t, "http://"+p.await(`listening.*address"?[:=]"?(127\.0\.0\.1:\d+)`)[1])
		awaitReady(t, c.base)
		clients = append(clients, c)
	}
	for range 3 {
		ops := "127.0.0.1:" + freePort(t)
		p := start(t, binary(t, "tracker", "../tracker"), append(shared, "--ops.listen", ops,
			"--tracker.host", "127.0.0.1", "--tracker.ports", "osmand=0,*=off", "--tracker.register-unknown")...)
		addrs = append(addrs, p.await(`listening.*protocol"?[:=]"?osmand"?.*address"?[:=]"?(127\.0\.0\.1:\d+)`)[1])
		awaitReady(t, "http://"+ops)
		trackers = append(trackers, p)
	}
	clients[0].signUp()
	clients[1].signIn(adminEmail, adminPassword)
	for _, p := range trackers {
		p.await(`shards"?[:=]"?2[12]\b`) // an even share each
	}

	books := &ledger{acked: map[string]map[int64]time.Time{}}
	begin := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)
	var end atomic.Bool
	var group sync.WaitGroup
	stop := func() { end.Store(true); group.Wait() }
	defer stop()
	for n := range devices {
		id := fmt.Sprint("device-", n)
		group.Go(func() {
			for second, tracker := 1, n; !end.Load(); {
				at := begin.Add(time.Duration(second) * time.Second)
				if tryPhone(addrs[tracker%len(addrs)], id, spot(n, at)) != http.StatusOK {
					tracker++ // it is sent again, to another
					continue
				}
				books.write(id, at)
				second++
			}
		})
	}
	flows := func(more int64) {
		t.Helper()
		from := books.count.Load()
		eventually(t, "positions to be acknowledged", func() bool { return books.count.Load() >= from+more })
	}
	flows(2000)
	killed := time.Now()
	trackers[0].kill()
	eventually(t, "positions of every device from after the kill", func() bool {
		latest := clients[1].latest()
		books.mu.Lock()
		defer books.mu.Unlock()
		for id, acked := range books.acked {
			when, ok := acked[latest[id].FixTime.UnixMilli()]
			if !ok || when.Before(killed) {
				return false
			}
		}
		return len(books.acked) == devices
	})
	// Package bus holds that it takes 10 s, with a clock of its own.
	t.Logf("taken over %v after the kill", time.Since(killed).Round(time.Millisecond))
	flows(1000)
	began := time.Now()
	if took := trackers[1].interrupt(); took > ending {
		t.Errorf("a tracker took %v to end", took)
	}
	trackers[2].await(`shards"?[:=]"?64\b`)
	t.Logf("a tracker ended and was followed in %v", time.Since(began).Round(time.Millisecond))
	flows(500)
	stop()
	storedOnce(t, clients[0], books, begin)
}

// storedOnce compares the ledger with what is stored.
func storedOnce(t *testing.T, c *client, books *ledger, begin time.Time) {
	t.Helper()
	for id, acked := range books.acked {
		eventually(t, "every acknowledged position of "+id, func() bool {
			stored := map[int64]int{}
			for _, p := range c.history(id, begin, begin.Add(24*time.Hour)) {
				stored[p.FixTime.UnixMilli()]++
			}
			for ms := range acked {
				if stored[ms] > 1 {
					t.Fatalf("%s: %v is stored %d times", id, time.UnixMilli(ms), stored[ms])
				}
				if stored[ms] == 0 {
					return false
				}
			}
			return true
		})
	}
	t.Logf("%d positions acknowledged, all stored once", books.count.Load())
}
