package storagetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

var upkeepTests = []contractTest{
	{"HistoryMaintain", historyMaintain},
	{"HistoryClockSteps", historyClockSteps},
	{"HistoryWhileCompacting", historyWhileCompacting},
	{"HistoryDeleteWhileCompacting", historyDeleteWhileCompacting},
}

// historyMaintain waits for the upkeep to move what is an hour old.
func historyMaintain(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	insert(t, s, newPosition(d.ID, 1))
	backend := s.(keeper).Backend()
	ctx, cancel := context.WithCancel(testContext(t))
	later := func() time.Time { return time.Now().Add(store.CompactAge + time.Minute) }
	moved := make(chan struct{}, 10)
	h := store.New(backend, s, noLog, store.WithClock(later), store.WithObserver(func(store.Compaction) { moved <- struct{}{} }))
	done := make(chan error)
	go func() { done <- h.Maintain(ctx) }()
	select {
	case <-moved:
	case <-ctx.Done():
		t.Error("nothing was moved")
	}
	cancel()
	ok(t, <-done)
	compact(t, s) // what was sealed and left
	equal(t, "blocks", len(blocksOf(t, s, d.ID)), 1)
	equal(t, "history", len(history(t, s, d.ID)), 1)
}

// historyClockSteps sets the clock back and forward: what is recent is moved
// into blocks in either case, and nothing is lost or moved twice.
func historyClockSteps(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	var step time.Duration
	h := store.New(s.(keeper).Backend(), s, noLog, store.WithClock(func() time.Time { return time.Now().Add(step) }))
	blocks := 0
	for i, c := range []struct {
		step  time.Duration
		moved bool
	}{{-time.Minute, false}, {-2 * time.Hour, true}, {24 * time.Hour, true}, {0, true}, {-365 * 24 * time.Hour, true}} {
		insert(t, s, newPosition(d.ID, 10_000*i)) // each in an hour of its own
		step = c.step
		ok(t, h.CompactIfDue(ctx))
		if c.moved {
			blocks = i + 1
		}
		equal(t, fmt.Sprintf("blocks with the clock at %v", c.step), len(blocksOf(t, s, d.ID)), blocks)
		equal(t, "history", len(history(t, s, d.ID)), i+1)
	}
}

// historyWhileCompacting inserts, compacts and reads at once: a reader sees all
// that was there when it began, each once and in order.
func historyWhileCompacting(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	const rounds, piece = 40, 60
	var mu sync.Mutex
	stored := 0
	inserted := make(chan struct{})
	parallel(t, 4, func(worker int) error {
		switch worker {
		case 0:
			defer close(inserted)
			for n := range rounds {
				batch := make([]data.Position, piece)
				for i := range batch {
					batch[i] = newPosition(d.ID, 7*((n^1)*piece+i)) // every other one is late
				}
				if err := s.InsertPositions(ctx, batch, fingerprints(batch), nil); err != nil {
					return err
				}
				mu.Lock()
				stored += piece
				mu.Unlock()
			}
			return nil
		case 1:
			for {
				if err := s.(keeper).Compact(ctx); err != nil {
					return err
				}
				select {
				case <-inserted:
					return nil
				default:
				}
			}
		}
		for over := false; !over; {
			select {
			case <-inserted:
				over = true
			default:
			}
			mu.Lock()
			least := stored
			mu.Unlock()
			n, last := 0, time.Time{}
			err := s.PositionsBetween(ctx, d.ID, time.Time{}, at(1e8), 1e6, func(p *data.Position) error {
				if !last.Before(p.FixTime) {
					return fmt.Errorf("%v comes after %v", p.FixTime, last)
				}
				last = p.FixTime
				n++
				return nil
			})
			if err != nil {
				return err
			}
			if n < least {
				return fmt.Errorf("%d of %d positions", n, least)
			}
		}
		return nil
	})
	compact(t, s)
	equal(t, "positions", len(history(t, s, d.ID)), rounds*piece)
}

// historyDeleteWhileCompacting wants nothing deleted to come back.
func historyDeleteWhileCompacting(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	for round := range 5 {
		d := newDevice(t, s, fmt.Sprint(round))
		batch := make([]data.Position, 2000)
		for i := range batch {
			batch[i] = newPosition(d.ID, i)
		}
		insert(t, s, batch...)
		parallel(t, 3, func(i int) error {
			switch i {
			case 0:
				return s.(keeper).Compact(ctx)
			case 1:
				return s.DeletePositions(ctx, d.ID, at(500), at(2000))
			}
			return s.DeletePositions(ctx, d.ID, at(0), at(99))
		})
		compact(t, s)
		equal(t, "left", len(history(t, s, d.ID)), 400)
		equal(t, "position id", device(t, s, d.ID).PositionID, batch[499].ID)
	}
}
