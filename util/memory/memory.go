// Package memory spaces garbage collections out.
package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// room is how much garbage may pile up before it is collected, whatever the
	// size of the live heap: with Go's default, as much as is alive, a small
	// process under load spends a tenth of its time collecting.
	room = 64 << 20
	// tuneEvery is how often the live heap is looked at.
	tuneEvery = 5 * time.Second
)

// Run makes a part of a program that spaces its garbage collections out
// while the heap is small. What the start left behind is given back first. It
// leaves alone what the GOGC variable says.
func Run(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	debug.FreeOSMemory()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(tuneEvery)
	defer tick.Stop()
	for last := 0; ; {
		metrics.Read(live)
		// Setting it stops the world, so small changes are let be.
		if p := percent(live[0].Value.Uint64()); p > last+last/8 || p < last-last/8 {
			debug.SetGCPercent(p)
			last = p
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// percent is the GOGC that leaves room beside a live heap, at least Go's default.
func percent(live uint64) int { return int(max(100, room*100/max(live, 1<<20))) }
