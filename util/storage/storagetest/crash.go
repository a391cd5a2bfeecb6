package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

var crashTests = []contractTest{
	{"CrashWhileCompacting", crashWhileCompacting},
	{"CrashWhileDeleting", crashWhileDeleting},
}

var errCrash = errors.New("the process died here")

// mortal is a back end that dies: after so many steps, before or after the last
// of them took effect, every call fails.
type mortal struct {
	store.Backend
	steps int
	after bool
}

func (m *mortal) step(do func() error) error {
	if m.steps--; m.steps > 0 {
		return do()
	}
	if m.steps == 0 && m.after {
		if err := do(); err != nil {
			return err
		}
	}
	return errCrash
}

func (m *mortal) dead() bool { return m.steps <= 0 }

func (m *mortal) Seal(ctx context.Context, now int64) error {
	return m.step(func() error { return m.Backend.Seal(ctx, now) })
}

func (m *mortal) DropHot(ctx context.Context, generation int64) error {
	return m.step(func() error { return m.Backend.DropHot(ctx, generation) })
}

func (m *mortal) ReplaceBlocks(ctx context.Context, changes []store.Change) error {
	for i := range changes { // as if each were a transaction: months are
		if err := m.step(func() error { return m.Backend.ReplaceBlocks(ctx, changes[i:i+1]) }); err != nil {
			return err
		}
	}
	return nil
}

func (m *mortal) DeleteBlocks(ctx context.Context, deviceID, from, to int64) error {
	return m.step(func() error { return m.Backend.DeleteBlocks(ctx, deviceID, from, to) })
}

func (m *mortal) DeleteHot(ctx context.Context, deviceID, from, to int64) error {
	return m.step(func() error { return m.Backend.DeleteHot(ctx, deviceID, from, to) })
}

func (m *mortal) Update(ctx context.Context, ids []int64, work func(context.Context, store.Tx, map[int64]*store.Head) error) error {
	return m.step(func() error { return m.Backend.Update(ctx, ids, work) })
}

// crashWhileCompacting has compaction die after every step there is: nothing is
// lost, nothing is there twice, and the next one ends the work.
func crashWhileCompacting(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	next, died := 0, true
	for steps := 1; died; steps++ {
		died = false
		for _, after := range []bool{false, true} {
			var batch []data.Position
			for range 3 {
				batch = append(batch, newPosition(a.ID, 1700*next), newPosition(b.ID, 1700*next), newPosition(a.ID, 1700*next-90_000))
				next++
			}
			insert(t, s, batch...)
			expect := func(what string) {
				t.Helper()
				equal(t, fmt.Sprintf("%s, step %d, after %v: first", what, steps, after), len(history(t, s, a.ID)), 2*next)
				equal(t, fmt.Sprintf("%s, step %d, after %v: second", what, steps, after), len(history(t, s, b.ID)), next)
				for _, p := range insert(t, s, batch...) {
					equal(t, what+": id of a repeat", p.ID, int64(0))
				}
			}
			m := &mortal{Backend: s.(keeper).Backend(), steps: steps, after: after}
			err := store.New(m, s, noLog).Compact(ctx)
			if m.dead() {
				died = true
				wantError(t, "compact", err, errCrash)
			} else {
				ok(t, err)
			}
			expect("crashed")
			compact(t, s)
			expect("recovered")
			equal(t, "hot rows", hotOf(t, s, a.ID), 0)
		}
	}
}

// crashWhileDeleting has a deletion die after every step there is: what should
// stay is there, and doing it again ends the work.
func crashWhileDeleting(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	for steps, died := 1, true; died; steps++ {
		d := newDevice(t, s, fmt.Sprint(steps))
		batch := make([]data.Position, 60)
		for i := range batch {
			batch[i] = newPosition(d.ID, 400*i)
		}
		insert(t, s, batch[:50]...)
		compact(t, s)
		insert(t, s, batch[50:]...)
		m := &mortal{Backend: s.(keeper).Backend(), steps: steps}
		err := store.New(m, s, noLog).DeletePositions(ctx, d.ID, at(400*13), at(400*100))
		if died = m.dead(); died {
			wantError(t, "delete", err, errCrash)
			equal(t, "before the span", walk(t, s, d.ID, at(0), at(400*12), 100), positionIDs(batch[:13]))
			ok(t, s.DeletePositions(ctx, d.ID, at(400*13), at(400*100)))
		} else {
			ok(t, err)
		}
		equal(t, "left", positionIDs(history(t, s, d.ID)), positionIDs(batch[:13]))
		equal(t, "position id", device(t, s, d.ID).PositionID, batch[12].ID)
		noProblems(t, s)
	}
}
