package bus

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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
			groups, n, again := 0, 0, 0
			for batches := first; ; {
				groups++
				for _, batch := range batches {
					for _, p := range batch.Positions {
						switch s := seconds(p); {
						case s == last[p.DeviceID]+1:
							last[p.DeviceID]++
							n++
						case s > last[p.DeviceID]:
							t.Fatalf("device %d: %d came after %d", p.DeviceID, s, last[p.DeviceID])
						default:
							again++ // a disk slower than ackWait has it delivered again
						}
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
			t.Logf("%.0f positions/s in %d groups, %d again; heap %d MiB with %d positions on disk", float64(n)/took.Seconds(), groups, again, after.HeapAlloc>>20, messages*each)
			waitBacklog(t, b, 0)
		})
	}
}

// TestFloodSharesGroups: a stream of small batches is handed out in few groups,
// and a position that comes alone at once.
func TestFloodSharesGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bs := &Batches{}
		bs.changed = sync.NewCond(&bs.mu)
		arrive := func() {
			bs.change(func() {
				bs.queue = append(bs.queue, Batch{Positions: []data.Position{position(7, 0)}, from: bs, msg: confirmed{}})
				bs.queued++
			})
		}
		const messages, every = 300, time.Millisecond
		go func() {
			for range messages {
				time.Sleep(every)
				arrive()
			}
		}()
		groups := 0
		for n := 0; n < messages; groups++ {
			n += len(receive(t, bs, 1))
		}
		if most := int(messages*every/groupEvery) + 2; groups > most {
			t.Errorf("%d batches in %d groups, want at most %d", messages, groups, most)
		}
		time.Sleep(groupEvery) // nothing comes for a while
		began := time.Now()
		arrive()
		receive(t, bs, 1)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a lone position waits %v", waited)
		}
	})
}

// confirmed is a message whose confirmation always works.
type confirmed struct{ jetstream.Msg }

func (confirmed) Ack() error { return nil }
