package bus

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// TestBacklogStaysOnDisk lets a backlog grow that is much larger than what may
// be in memory, and then drains it.
func TestBacklogStaysOnDisk(t *testing.T) {
	const messages, each = 2000, MaxBatch
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	for name, b := range map[string]*Bus{"embedded": embedded(t), "external": open(t, cfg, "")} {
		t.Run(name, func(t *testing.T) {
			bs, err := b.ConsumePositions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer bs.Stop()
			var acks []Ack
			sent := map[int64]int{}
			for i := range messages {
				device := int64(i%100) + 1
				positions := slices.Repeat([]data.Position{position(device, 0)}, each)
				for k := range positions {
					sent[device]++
					positions[k].FixTime = time.Unix(int64(sent[device]), 0)
				}
				ack, err := b.PublishPositions(data.Shard(device)%b.Shards(), positions)
				if err != nil {
					t.Fatal(err)
				}
				if acks = append(acks, ack); len(acks) < 64 && i < messages-1 {
					continue
				}
				for _, a := range acks {
					if err := a.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				acks = acks[:0]
			}
			first, err := bs.Next(deadline(t), 1)
			if err != nil {
				t.Fatal(err)
			}
			var idle, before, after runtime.MemStats
			runtime.ReadMemStats(&idle)
			eventually(t, "as much in memory as there may be", func() bool {
				before = after
				runtime.GC()
				runtime.ReadMemStats(&after)
				return after.HeapAlloc <= before.HeapAlloc+64<<10
			})
			bs.mu.Lock()
			queued := bs.queued
			bs.mu.Unlock()
			if queued > maxQueued+each || after.HeapAlloc > 128<<20 {
				t.Errorf("%d positions of %d are in memory, heap %d MiB", queued, messages*each, after.HeapAlloc>>20)
			}

			began := time.Now()
			last := map[int64]int{}
			groups, n := 0, 0
			for batches := first; ; {
				groups++
				for _, batch := range batches {
					for _, p := range batch.Positions {
						if seconds(p) != last[p.DeviceID]+1 {
							t.Fatalf("device %d: %d came after %d", p.DeviceID, seconds(p), last[p.DeviceID])
						}
						last[p.DeviceID]++
						n++
					}
					if err := batch.Done(); err != nil {
						t.Fatal(err)
					}
				}
				if n == messages*each {
					break
				}
				if batches, err = bs.Next(deadline(t), 4096); err != nil {
					t.Fatal(err)
				}
			}
			took := time.Since(began)
			t.Logf("%.0f positions/s in %d groups; heap %d MiB with %d positions on disk", float64(n)/took.Seconds(), groups, after.HeapAlloc>>20, messages*each)
			waitBacklog(t, b, 0)
		})
	}
}

// TestFloodSharesGroups: a stream of small batches is handed out in few groups,
// and a position that comes alone at once.
func TestFloodSharesGroups(t *testing.T) {
	b := embedded(t)
	bs, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bs.Stop()
	const messages = 300
	began := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range messages {
			ack, err := b.PublishPositions(0, []data.Position{position(7, i)})
			if err == nil {
				err = ack.Wait(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	groups := 0
	for n := 0; n < messages; groups++ {
		n += len(receive(t, bs, 1))
	}
	<-sent
	if most := int(time.Since(began)/groupEvery) + 2; groups > most {
		t.Errorf("%d batches in %d groups, want at most %d", messages, groups, most)
	}
	t.Logf("%d batches in %d groups, %v", messages, groups, time.Since(began))

	var waits []time.Duration
	for i := range 21 {
		pause(t.Context(), 2*groupEvery) // nothing comes for a while
		began := time.Now()
		publish(t, b, position(7, messages+i))
		receive(t, bs, 1)
		waits = append(waits, time.Since(began))
	}
	slices.Sort(waits)
	t.Logf("a lone position is handed out %v after it was sent (median), synced write included", waits[10])
	if waits[10] > groupEvery*3/4 {
		t.Errorf("a lone position waits %v", waits[10])
	}
}
