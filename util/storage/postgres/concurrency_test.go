package postgres

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// appendNumbered adds rows as the engine does: numbered by the heads.
func appendNumbered(ctx context.Context, s *Store, ids []int64) error {
	return backend{s}.Update(ctx, ids, func(ctx context.Context, tx history.Tx, heads map[int64]*history.Head) error {
		var rows []history.Row
		for _, h := range heads {
			h.LastNumber++
			h.MaxTime++
			rows = append(rows, newRow(h.DeviceID, h.MaxTime, h.LastNumber))
		}
		return errors.Join(tx.AppendHot(ctx, rows), tx.SetHeads(ctx, slices.Collect(maps.Values(heads))))
	})
}

type point struct {
	device int64
	number uint32
}

func scanned(ctx context.Context, s *Store, generation int64) (points []point, err error) {
	err = backend{s}.ScanHot(ctx, generation, -1, 0, func(r *history.Row) error {
		points = append(points, point{r.DeviceID, r.Number})
		return nil
	})
	return points, err
}

// TestSealWithWriters has writers in two processes, and two that seal at once:
// nothing is added to a generation that is sealed, and every row is in one.
func TestSealWithWriters(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, other := opened(t, url)
	stores := []*Store{s, other}
	ids := makeDevices(t, ctx, s, 20)
	const writers, rounds = 6, 25
	var group sync.WaitGroup
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	for w := range writers {
		group.Go(func() {
			for stop.Err() == nil {
				if err := appendNumbered(ctx, stores[w%2], ids[w:w+10]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen := make(map[point]int)
	for range rounds {
		var sealers sync.WaitGroup
		for _, store := range stores {
			sealers.Go(func() {
				if err := (backend{store}).Seal(ctx, 0); err != nil {
					t.Error(err)
				}
			})
		}
		sealers.Wait()
		generations := get2(backend{s}.Generations(ctx))
		if len(generations) != 2 || !generations[0].Sealed || generations[1].Sealed {
			t.Fatalf("generations are %+v", generations)
		}
		g := generations[0].ID
		points := get2(scanned(ctx, s, g))
		ok(t, appendNumbered(ctx, other, ids)) // others have written by now, too
		equal(t, "a sealed generation, later", get2(scanned(ctx, other, g)), points)
		for _, p := range points {
			seen[p]++
		}
		ok(t, backend{stores[g%2]}.DropHot(ctx, g))
	}
	cancel()
	group.Wait()
	for _, id := range ids {
		for _, r := range get2(backend{s}.Hot(ctx, id, 0, 0, math.MaxInt64, math.MaxInt32)) {
			seen[point{id, r.Number}]++
		}
	}
	total := 0
	for _, h := range get2(backend{s}.Heads(ctx, nil)) {
		for n := range h.LastNumber {
			total++
			if have := seen[point{h.DeviceID, n + 1}]; have != 1 {
				t.Fatalf("row %d of device %d is there %d times", n+1, h.DeviceID, have)
			}
		}
	}
	equal(t, "rows", len(seen), total)
	t.Logf("%d rows in %d generations", total, rounds+1)
}

// TestSealWaitsForWriters has a writer in the middle of its transaction.
func TestSealWaitsForWriters(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, other := opened(t, url)
	id := makeDevices(t, ctx, s, 1)[0]
	added, finish, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- backend{s}.Update(ctx, []int64{id}, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
			ok(t, tx.AppendHot(ctx, []history.Row{newRow(id, 1, 1)}))
			_, err := backend{s}.Hot(ctx, id, 0, 0, 9, 9) // so the row goes to the server
			close(added)
			<-finish
			return err
		})
	}()
	letFinish := sync.OnceFunc(func() { close(finish) })
	defer letFinish()
	<-added
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	wantError(t, "seal under a writer", backend{other}.Seal(short, 0), data.ErrUnavailable)
	equal(t, "generations", len(get2(backend{other}.Generations(ctx))), 1)
	letFinish()
	ok(t, <-done)
	ok(t, backend{other}.Seal(ctx, 0))
	equal(t, "rows of the sealed generation", len(get2(scanned(ctx, other, 1))), 1)
}

// TestEveryRowIsVisible reads the hot rows, then the blocks, while rows move
// from the ones to the others.
func TestEveryRowIsVisible(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, reader := opened(t, url)
	b := backend{s}
	id := makeDevices(t, ctx, s, 1)[0]
	const rounds, each = 15, 5
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				head := get2(backend{reader}.Heads(ctx, []int64{id}))[0]
				have := make(map[uint32]bool)
				for _, r := range get2(backend{reader}.Hot(ctx, id, 0, 0, math.MaxInt64, 1e6)) {
					have[r.Number] = true
				}
				for _, k := range get2(backend{reader}.Blocks(ctx, id, 0, math.MaxInt64, 1e6)) {
					for n := k.MinNumber; n <= k.MaxNumber; n++ {
						have[n] = true
					}
				}
				for n := range head.LastNumber {
					if !have[n+1] {
						t.Errorf("row %d of %d was not to be seen", n+1, head.LastNumber)
						return
					}
				}
			}
		})
	}
	for range rounds {
		for range each {
			ok(t, appendNumbered(ctx, s, []int64{id}))
		}
		ok(t, b.Seal(ctx, 0))
		g := get2(b.Generations(ctx))[0].ID
		var first, last *history.Row
		ok(t, b.ScanHot(ctx, g, -1, 0, func(r *history.Row) error {
			if first == nil {
				first = r
			}
			last = r
			return nil
		}))
		unlock := get2(b.Lock(ctx))
		put(t, ctx, s, history.Block{DeviceID: id, First: first.Time, Last: last.Time, MinNumber: first.Number, MaxNumber: last.Number, Data: []byte{1}})
		ok(t, b.DropHot(ctx, g))
		unlock()
	}
	close(done)
	group.Wait()
}

// TestDropHotIsPolite has a long reader in the way of a drop: others write and
// read meanwhile.
func TestDropHotIsPolite(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 2)
	ok(t, appendNumbered(ctx, s, ids))
	ok(t, b.Seal(ctx, 0))
	conn := get2(s.pool.Acquire(ctx))
	get2(conn.Exec(ctx, `BEGIN`))
	get2(conn.Exec(ctx, `SELECT count(*) FROM hot`))
	dropped := make(chan error, 1)
	go func() { dropped <- b.DropHot(ctx, 1) }()
	for begin, n := time.Now(), 0; n < 20 || time.Since(begin) < time.Second; n++ {
		before := time.Now()
		ok(t, appendNumbered(ctx, s, ids))
		if took := time.Since(before); took > 100*politeWait {
			t.Errorf("a write waited for %v", took)
		}
	}
	select {
	case err := <-dropped:
		t.Fatalf("dropped under a reader: %v", err)
	default:
	}
	get2(conn.Exec(ctx, `ROLLBACK`))
	conn.Release()
	ok(t, <-dropped)
	equal(t, "generations", len(get2(b.Generations(ctx))), 1)
}

func TestLock(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, other := opened(t, url)
	id := makeDevices(t, ctx, s, 1)[0]
	change := []history.Change{{DeviceID: id, Put: []history.Block{newBlock(id, march(0), march(1), 1)}}}

	unlock := get2(backend{s}.Lock(ctx))
	for _, store := range []*Store{s, other} { // of this process, and of another one
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		_, err := backend{store}.Lock(short)
		cancel()
		wantError(t, "lock of what is locked", err, data.ErrUnavailable)
	}
	ok(t, backend{s}.ReplaceBlocks(ctx, change))
	unlock()
	unlock = get2(backend{other}.Lock(ctx))
	unlock()

	// The holder loses its connection and does not know; another one locks.
	unlock = get2(backend{s}.Lock(ctx))
	_, err := other.exec(ctx, "end the holder", `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND classid = $1 AND objid = 'history_lock'::regclass AND granted`, int64(lockKey))
	ok(t, err)
	unlockOther := get2(backend{other}.Lock(ctx))
	change[0].Remove = []int64{march(0)}
	for name, err := range map[string]error{
		"ReplaceBlocks": backend{s}.ReplaceBlocks(ctx, change),
		"DeleteBlocks":  backend{s}.DeleteBlocks(ctx, id, 0, math.MaxInt64),
		"DeleteHot":     backend{s}.DeleteHot(ctx, id, 0, math.MaxInt64),
		"DropSpan":      backend{s}.DropSpan(ctx, march(0)),
		"DropHot":       backend{s}.DropHot(ctx, 1),
	} {
		wantError(t, name+" of who lost the lock", err, data.ErrUnavailable)
	}
	equal(t, "blocks", len(get2(backend{other}.Blocks(ctx, id, 0, math.MaxInt64, 9))), 1)
	ok(t, backend{other}.ReplaceBlocks(ctx, change))
	unlock()
	unlockOther()
	unlock = get2(backend{s}.Lock(ctx))
	ok(t, backend{s}.ReplaceBlocks(ctx, change))
	unlock()
}

func TestLead(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, other := opened(t, url)
	lead := func(s *Store) (func(), bool) {
		release, ok, err := backend{s}.Lead(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return release, ok
	}
	release, isLeader := lead(s)
	equal(t, "first", isLeader, true)
	_, isLeader = lead(other)
	equal(t, "second", isLeader, false)
	_, isLeader = lead(s)
	equal(t, "second in one process", isLeader, false)
	unlock := get2(backend{other}.Lock(ctx)) // is another lock
	unlock()
	release()
	release, isLeader = lead(other)
	equal(t, "after the first", isLeader, true)
	release()
	for _, s := range []*Store{s, other} {
		equal(t, "connections in use", s.pool.Stat().AcquiredConns(), int32(0))
	}
}
