package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// TestServerIsStopped stops the server, asks everything, and starts it again.
func TestServerIsStopped(t *testing.T) {
	server := pgtest.NewServer(t)
	ctx, s := opened(t, server.URL)
	b := backend{s}
	id := makeDevices(t, ctx, s, 1)[0]
	ok(t, appendNumbered(ctx, s, []int64{id}))
	put(t, ctx, s, newBlock(id, march(0), march(1), 1))
	ok(t, b.Seal(ctx, 0))
	p := data.Position{DeviceID: id, Protocol: "gt06", DeviceTime: time.UnixMilli(march(0)), FixTime: time.UnixMilli(march(0))}
	calls := map[string]func(ctx context.Context) error{
		"Update":       func(ctx context.Context) error { return appendNumbered(ctx, s, []int64{id}) },
		"Heads":        func(ctx context.Context) error { _, err := b.Heads(ctx, nil); return err },
		"Hot":          func(ctx context.Context) error { _, err := b.Hot(ctx, id, 0, 0, 9, 9); return err },
		"HotBefore":    func(ctx context.Context) error { _, err := b.HotBefore(ctx, id, 9, 9); return err },
		"HotNumbers":   func(ctx context.Context) error { _, err := b.HotNumbers(ctx, id, []uint32{1}); return err },
		"Blocks":       func(ctx context.Context) error { _, err := b.Blocks(ctx, id, 0, 9, 9); return err },
		"BlocksBefore": func(ctx context.Context) error { _, err := b.BlocksBefore(ctx, id, 9, 9); return err },
		"BlocksWith":   func(ctx context.Context) error { _, err := b.BlocksWith(ctx, id, []uint32{1}); return err },
		"Generations":  func(ctx context.Context) error { _, err := b.Generations(ctx); return err },
		"Seal":         func(ctx context.Context) error { return b.Seal(ctx, 1) },
		"ScanHot":      func(ctx context.Context) error { _, err := scanned(ctx, s, 1); return err },
		"ReplaceBlocks": func(ctx context.Context) error {
			return b.ReplaceBlocks(ctx, []history.Change{{DeviceID: id, Remove: []int64{march(3)}, Put: nil}})
		},
		"DeleteBlocks": func(ctx context.Context) error { return b.DeleteBlocks(ctx, id, 0, 1) },
		"DeleteHot":    func(ctx context.Context) error { return b.DeleteHot(ctx, id, 0, 0) },
		"DropDevice":   func(ctx context.Context) error { return b.DropDevice(ctx, 77) },
		"DropHot":      func(ctx context.Context) error { return b.DropHot(ctx, 99) },
		"DropSpan":     func(ctx context.Context) error { return b.DropSpan(ctx, 0) },
		"Spans":        func(ctx context.Context) error { _, err := b.Spans(ctx); return err },
		"Lock": func(ctx context.Context) error {
			unlock, err := b.Lock(ctx)
			if err == nil {
				unlock()
			}
			return err
		},
		"Lead": func(ctx context.Context) error {
			release, ok, err := b.Lead(ctx)
			if ok {
				release()
			}
			return err
		},
		"InsertPositions": func(ctx context.Context) error {
			return s.InsertPositions(ctx, []data.Position{p}, []uint64{1}, nil)
		},
		"LatestPositions": func(ctx context.Context) error { _, err := s.LatestPositions(ctx, []int64{id}); return err },
		"ListDevices":     func(ctx context.Context) error { _, err := s.ListDevices(ctx, storage.DeviceFilter{}); return err },
		"TouchDevices":    func(ctx context.Context) error { return s.TouchDevices(ctx, map[int64]time.Time{id: time.Now()}) },
		"Ping":            s.Ping,
	}
	unlock := get2(b.Lock(ctx)) // held by connections that are gone then
	release, _, err := b.Lead(ctx)
	ok(t, err)
	busy, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for range 4 { // in the middle of something when it stops
		group.Go(func() {
			for busy.Err() == nil {
				_, err := b.Hot(ctx, id, 0, 0, 9, 9)
				for _, err := range []error{
					err, s.TouchDevices(ctx, map[int64]time.Time{id: time.Now()}),
					b.Update(ctx, []int64{id}, func(context.Context, history.Tx, map[int64]*history.Head) error { return nil }),
				} {
					if err != nil && !errors.Is(err, data.ErrUnavailable) {
						t.Errorf("error is of another kind: %v", err)
						return
					}
				}
			}
		})
	}
	server.Stop(t)
	for name, call := range calls {
		if name == "Lock" {
			continue // held, see below
		}
		before := time.Now()
		wantError(t, name+" without a server", call(ctx), data.ErrUnavailable)
		if took := time.Since(before); took > 30*time.Second {
			t.Errorf("%s: took %v to say so", name, took)
		}
	}
	unlock()
	release()
	wantError(t, "Lock without a server", calls["Lock"](ctx), data.ErrUnavailable)
	server.Start(t)
	cancel()
	group.Wait()
	for name, call := range calls {
		if err := call(ctx); err != nil {
			t.Errorf("%s after the server has come back: %v", name, err)
		}
	}
	equal(t, "what was stored is there", fmt.Sprint(get2(b.Heads(ctx, nil))[0].LastNumber), "3")
}
