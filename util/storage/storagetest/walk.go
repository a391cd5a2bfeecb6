package storagetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var walkTests = []contractTest{
	{"WalkBoundsAndLimit", walkBoundsAndLimit},
	{"WalkEndsWithItsError", walkEndsWithItsError},
	{"WalkOverManyPages", walkOverManyPages},
	{"WalkWhileInserting", walkWhileInserting},
	{"WalkHoldsNoConnection", walkHoldsNoConnection},
	{"DeletePositions", deletePositions},
	{"DeletePositionsPortions", deletePositionsPortions},
}

func walk(t testing.TB, s storage.Store, deviceID int64, from, to time.Time, limit int) []int64 {
	t.Helper()
	var all []int64
	ok(t, s.PositionsBetween(testContext(t), deviceID, from, to, limit, func(p *data.Position) error {
		all = append(all, p.ID)
		return nil
	}))
	return all
}

func walkBoundsAndLimit(t *testing.T, s storage.Store) {
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	p := positionIDs(insert(t, s,
		newPosition(d.ID, 3), newPosition(d.ID, 1), newPosition(d.ID, 2), newPosition(other.ID, 2), newPosition(d.ID, 4)))
	again := newPosition(d.ID, 2)
	again.CourseDeg = 91 // the same time, a later id
	p = append(p, insert(t, s, again)[0].ID)
	equal(t, "all", walk(t, s, d.ID, at(0), at(9), 100), []int64{p[1], p[2], p[5], p[0], p[4]})
	equal(t, "both ends belong to it", walk(t, s, d.ID, at(2), at(3), 100), []int64{p[2], p[5], p[0]})
	equal(t, "a millisecond after", walk(t, s, d.ID, at(2).Add(time.Millisecond), at(3), 100), []int64{p[0]})
	equal(t, "from the beginning", walk(t, s, d.ID, time.Time{}, at(1), 100), []int64{p[1]})
	equal(t, "at most two", walk(t, s, d.ID, at(0), at(9), 2), []int64{p[1], p[2]})
	equal(t, "at most none", walk(t, s, d.ID, at(0), at(9), 0), []int64(nil))
	equal(t, "turned round", walk(t, s, d.ID, at(9), at(0), 100), []int64(nil))
	equal(t, "no such device", walk(t, s, 77, at(0), at(9), 100), []int64(nil))
}

func walkEndsWithItsError(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	insert(t, s, newPosition(d.ID, 1), newPosition(d.ID, 2))
	enough, n := errors.New("enough"), 0
	err := s.PositionsBetween(testContext(t), d.ID, at(0), at(9), 100, func(*data.Position) error { n++; return enough })
	if err != enough {
		t.Errorf("error is %v", err)
	}
	equal(t, "calls", n, 1)
}

func walkOverManyPages(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	batch := make([]data.Position, 2500)
	for i := range batch {
		batch[i] = newPosition(d.ID, i)
		batch[i].FixTime = at(i / 1500) // many with the same time, across pages; they differ in latitude
	}
	want := positionIDs(insert(t, s, batch...))
	equal(t, "all", walk(t, s, d.ID, at(0), at(9), 1e6), want)
	equal(t, "limit within the second page", walk(t, s, d.ID, at(0), at(9), 1234), want[:1234])
	equal(t, "limit at the end of a page", walk(t, s, d.ID, at(0), at(9), 2000), want[:2000])

	var kept []*data.Position // what was handed out stays as it is
	ok(t, s.PositionsBetween(testContext(t), d.ID, at(0), at(9), 1e6, func(p *data.Position) error {
		kept = append(kept, p)
		return nil
	}))
	for i, p := range kept {
		if p.ID != want[i] {
			t.Fatalf("position %d changed after the walk went on", i)
		}
	}
}

func walkWhileInserting(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	batch := make([]data.Position, 2000)
	for i := range batch {
		batch[i] = newPosition(d.ID, 10*i)
	}
	there := make(map[int64]bool)
	for _, id := range positionIDs(insert(t, s, batch...)) {
		there[id] = true
	}
	var last data.Position
	n := 0
	ok(t, s.PositionsBetween(testContext(t), d.ID, at(0), at(1e6), 1e6, func(p *data.Position) error {
		if p.FixTime.Before(last.FixTime) || p.FixTime.Equal(last.FixTime) && p.ID <= last.ID {
			t.Fatalf("%v %d comes after %v %d", p.FixTime, p.ID, last.FixTime, last.ID)
		}
		delete(there, p.ID)
		last = *p
		if n++; n%500 == 0 { // before and after where the walk stands
			insert(t, s, newPosition(d.ID, n-501), newPosition(d.ID, 100_000-n))
		}
		return nil
	}))
	equal(t, "missed", len(there), 0)
}

func walkHoldsNoConnection(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	insert(t, s, newPosition(d.ID, 1), newPosition(d.ID, 2))
	const walkers = 40 // more than a back end has connections
	ctx := testContext(t)
	release := make(chan struct{})
	var started, done sync.WaitGroup
	errs := make([]error, walkers)
	started.Add(walkers)
	for i := range walkers {
		done.Go(func() {
			first := true
			errs[i] = s.PositionsBetween(ctx, d.ID, at(0), at(9), 100, func(*data.Position) error {
				if first {
					first = false
					started.Done()
					select {
					case <-release:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		})
	}
	started.Wait()
	insert(t, s, newPosition(d.ID, 3))
	equal(t, "history, read while they wait", len(history(t, s, d.ID)), 3)
	close(release)
	done.Wait()
	ok(t, errors.Join(errs...))
}

func deletePositions(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	p := positionIDs(insert(t, s, newPosition(d.ID, 1), newPosition(d.ID, 2), newPosition(d.ID, 3), newPosition(d.ID, 4),
		newPosition(other.ID, 2), newPosition(d.ID, 0)))
	ok(t, s.DeletePositions(ctx, d.ID, at(2), at(3)))
	equal(t, "both ends go", positionIDs(history(t, s, d.ID)), []int64{p[5], p[0], p[3]})
	equal(t, "newest stays", device(t, s, d.ID).PositionID, p[3])
	update := device(t, s, d.ID).LastUpdate

	ok(t, s.DeletePositions(ctx, d.ID, at(4), at(9)))
	equal(t, "newest of the rest, not the one stored last", device(t, s, d.ID).PositionID, p[0])
	middle := insert(t, s, newPosition(d.ID, 2))[0].ID // deleted before, so it is not a repeat
	equal(t, "newer than the rest", device(t, s, d.ID).PositionID, middle)

	ok(t, s.DeletePositions(ctx, d.ID, time.Time{}, at(9)))
	equal(t, "nothing left", len(history(t, s, d.ID)), 0)
	equal(t, "no position", device(t, s, d.ID).PositionID, int64(0))
	equal(t, "latest", positionIDs(latest(t, s, nil)), []int64{p[4]})
	equal(t, "last update stays", device(t, s, d.ID).LastUpdate, update)
	first := insert(t, s, newPosition(d.ID, 1))[0].ID
	if first <= middle {
		t.Errorf("the id %d was given again: %d", middle, first)
	}
	equal(t, "starts anew", device(t, s, d.ID).PositionID, first)

	ok(t, s.DeletePositions(ctx, 77, at(0), at(9))) // nothing there, nothing to do
	ok(t, s.DeletePositions(ctx, d.ID, at(9), at(0)))
	equal(t, "turned round", len(history(t, s, d.ID)), 1)
	equal(t, "other device", positionIDs(history(t, s, other.ID)), p[4:5])
}

func deletePositionsPortions(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	batch := make([]data.Position, 10_001)
	for i := range batch {
		batch[i] = newPosition(d.ID, i)
	}
	last := insert(t, s, batch...)[10_000]
	ok(t, s.DeletePositions(context.Background(), d.ID, at(0), at(9999)))
	equal(t, "left", history(t, s, d.ID), []data.Position{last})
	equal(t, "position id", device(t, s, d.ID).PositionID, last.ID)
}
