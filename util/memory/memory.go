// Package memory spaces garbage collections out.
package memory

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

const (
	// leastRoom is how much garbage may pile up before it is collected, whatever
	// the size of the live heap: with Go's default, as much as is alive, a small
	// process under load spends a tenth of its time collecting.
	leastRoom = 64 << 20
	// mostRoom bounds what a busy process may take beside its live heap, share
	// which part of the machine's memory that may be.
	mostRoom = 512 << 20
	share    = 32
	// tuneEvery is how often the live heap and the collections are looked at;
	// more than busy of them in that time double the room, fewer than quiet halve
	// it.
	tuneEvery   = 5 * time.Second
	busy, quiet = 5, 2
)

// Run makes a part of a program that spaces its garbage collections out
// while the heap is small or the process is busy. What the start left behind is
// given back first. It leaves alone what the GOGC variable says; GOMEMLIMIT
// bounds it as it bounds all of Go's memory.
func Run(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	debug.FreeOSMemory()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/automatic:gc-cycles"}}
	tick := time.NewTicker(tuneEvery)
	defer tick.Stop()
	most := max(leastRoom, min(mostRoom, installed()/share))
	room, cycles := uint64(leastRoom), uint64(0)
	for last := 0; ; {
		metrics.Read(sample)
		now := sample[1].Value.Uint64()
		room = next(room, most, now-cycles)
		cycles = now
		// Setting it stops the world, so small changes are let be.
		if p := percent(sample[0].Value.Uint64(), room); p > last+last/8 || p < last-last/8 {
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

// next is the room after a time with some collections.
func next(room, most, collections uint64) uint64 {
	switch {
	case collections > busy:
		return min(2*room, most)
	case collections < quiet:
		return max(room/2, leastRoom)
	}
	return room
}

// percent is the GOGC that leaves room beside a live heap, at least Go's default.
func percent(live, room uint64) int { return int(max(100, room*100/max(live, 1<<20))) }

// installed is the memory of the machine or of the container, in bytes; 0 if
// it is not known.
func installed() uint64 {
	total := uint64(0)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, rest, ok := bytes.Cut(b, []byte("MemTotal:")); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				if kb, err := strconv.ParseUint(string(f[0]), 10, 64); err == nil {
					total = kb << 10
				}
			}
		}
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64); err == nil { // "max" for none
			total = min(total, limit)
		}
	}
	return total
}
