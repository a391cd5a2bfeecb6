//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// phones are devices that send in order, one position after the other, and
// write down what was acknowledged.
type phones struct {
	ledger
	group  sync.WaitGroup
	end    atomic.Bool
	failed atomic.Int64 // positions that were not acknowledged, and sent again
	begin  time.Time
}

func startPhones(t *testing.T, addr string, n int) *phones {
	p := &phones{ledger: ledger{acked: map[string]map[int64]time.Time{}}, begin: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)}
	for i := range n {
		id := fmt.Sprint("ordered-", i)
		p.group.Go(func() {
			for second := 1; !p.end.Load(); {
				at := p.begin.Add(time.Duration(second) * time.Second)
				if tryPhone(addr, id, spot(i, at)) != http.StatusOK {
					p.failed.Add(1)
					time.Sleep(50 * time.Millisecond)
					continue
				}
				p.write(id, at)
				second++
				time.Sleep(100 * time.Millisecond) // a rate, not a wait
			}
		})
	}
	t.Cleanup(p.stop)
	return p
}

func (p *phones) stop() { p.end.Store(true); p.group.Wait() }

// flows waits until more positions are acknowledged.
func (p *phones) flows(t *testing.T, more int64) {
	t.Helper()
	from := p.count.Load()
	eventually(t, "positions to be acknowledged", func() bool { return p.count.Load() >= from+more })
}

// inOrder watches a socket: positions of each phone come in the order they
// were sent in. The answer is how many came, and the first that did not fit.
func inOrder(from <-chan position, begin time.Time) func() (n int, wrong string) {
	var mu sync.Mutex
	n, wrong, last := 0, "", map[int64]time.Time{}
	go func() {
		for p := range from {
			mu.Lock()
			if p.FixTime.After(begin.Add(23 * time.Hour)) {
				mu.Unlock()
				continue // of another device
			}
			n++
			if p.FixTime.Before(last[p.DeviceID]) && wrong == "" {
				wrong = fmt.Sprintf("device %d: %v after %v", p.DeviceID, p.FixTime, last[p.DeviceID])
			}
			last[p.DeviceID] = p.FixTime
			mu.Unlock()
		}
	}()
	return func() (int, string) {
		mu.Lock()
		defer mu.Unlock()
		return n, wrong
	}
}

// TestDatabaseStopped stops PostgreSQL for a while: the bus holds what devices
// send, and everything goes on when it is back.
func TestDatabaseStopped(t *testing.T) {
	outage := time.Duration(setting(t, outageVariable, 10)) * time.Second
	database := pgtest.NewServer(t)
	shared := []string{"--bus.url", natsServer(t), "--storage.url", database.URL, "--data-dir", t.TempDir()}
	x := newTarget(t)
	web := start(t, binary(t, "web-server", "../web-server"), append(shared, "--web.listen", x.web, "--ops.listen", "")...)
	tracker := start(t, binary(t, "tracker", "../tracker"), append(shared, x.trackerArgs()...)...)
	awaitReady(t, "http://"+x.web)
	awaitReady(t, "http://"+x.ops)
	c := x.admin(t)
	ordered := inOrder(c.socket(), time.Now().Add(-24*time.Hour))
	p := startPhones(t, x.phone(), 10)
	s := startStorm(t, x.fewer())
	tracker.await(`shards"?[:=]"?64\b`)
	p.flows(t, 100)
	eventually(t, "positions to be stored", func() bool { return x.settled() > 200 })
	before, _ := memory(t, tracker)

	database.Stop(t)
	stopped := time.Now()
	eventually(t, "readiness to tell", func() bool {
		names, ok := x.failing()
		return !ok && strings.Contains(names, `"store"`) && !strings.Contains(names, `"bus"`)
	})
	told := time.Since(stopped)
	refused, from := p.failed.Load(), x.durable()
	for time.Since(stopped) < outage {
		p.flows(t, 20) // devices are acknowledged all the time
		if names, ok := x.failing(); ok {
			t.Errorf("ready without a database: %s", names)
		}
	}
	held := x.durable() - from
	if n := p.failed.Load() - refused; n > 0 {
		t.Errorf("%d positions were refused while the database was away", n)
	}
	database.Start(t)
	back, due, had := time.Now(), x.durable(), x.settled()
	eventually(t, "the backlog to be stored", func() bool { return x.settled() >= due })
	drained := time.Since(back)
	rate := (x.settled() - had) / drained.Seconds()
	awaitReady(t, "http://"+x.ops)
	awaitReady(t, "http://"+x.web)
	p.flows(t, 100)
	_, peak := memory(t, tracker)
	_, peakWeb := memory(t, web)
	p.stop()
	report := s.stop()
	v := s.verify(x.web)
	storedOnce(t, c, &p.ledger, p.begin)
	n, wrong := ordered()
	if wrong != "" || n == 0 {
		t.Errorf("%d positions came in order; %s", n, wrong)
	}
	t.Logf("away for %v, told after %v; %.0f positions acknowledged meanwhile, the backlog was stored in %v (%.0f/s), ready after %v",
		back.Sub(stopped).Round(time.Second), told.Round(time.Millisecond), held, drained.Round(time.Millisecond), rate, time.Since(back).Round(time.Millisecond))
	t.Logf("acknowledged %d and %d, lost %d, twice %d, sent again %d; %d live positions in order; memory of the tracker %d MiB before, at most %d, of the web server at most %d",
		v.Acknowledged, p.count.Load(), v.Missing, v.Twice, report.Resent, n, before, peak, peakWeb)
	if peak > maxMemory {
		t.Errorf("the tracker grew from %d to %d MiB", before, peak)
	}
}
