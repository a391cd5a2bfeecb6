package bus

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// world is several members on one table, and time that passes as the test says.
type world struct {
	t       *testing.T
	now     time.Time
	table   table
	members map[string]*member
	tenures map[string]int // when each began what it works on
	size    int
}

func newWorld(t *testing.T, size int) *world {
	return &world{t: t, now: time.Unix(1e9, 0), table: table{}, members: map[string]*member{}, tenures: map[string]int{}, size: size}
}

func (w *world) join(id string) *member {
	m := &member{id: id, size: w.size, seen: map[string]sighting{}}
	w.members[id] = m
	return m
}

// renew lets a member renew, and checks that nobody else may work on what it may.
func (w *world) renew(m *member) {
	w.t.Helper()
	before := maps.Clone(w.table)
	next, assigned := m.plan(w.table, w.now)
	m.written(before, next, assigned, w.now, w.now)
	w.table = next
	w.check()
}

// work lets a member finish what it does and begin what is due.
func (w *world) work(m *member) {
	w.t.Helper()
	m.working, w.tenures[m.id] = m.due(w.now), m.tenure
	w.check()
}

func (w *world) check() {
	w.t.Helper()
	var all slots
	for id, m := range w.members {
		busy := m.due(w.now)
		if w.now.Before(m.until) && m.tenure == w.tenures[id] { // else it was stopped
			busy |= m.working
		}
		if both := all & busy; both != 0 {
			w.t.Fatalf("%s works on %x, as another does", id, both)
		}
		all |= busy
	}
}

func (w *world) settle() {
	w.t.Helper()
	for range 6 {
		for _, id := range []string{"a", "b", "c", "d"} {
			if m := w.members[id]; m != nil {
				w.renew(m)
				w.work(m)
			}
		}
		w.now = w.now.Add(beat)
	}
}

func (w *world) shares() (out []int) {
	for _, id := range []string{"a", "b", "c", "d"} {
		if m := w.members[id]; m != nil {
			out = append(out, m.due(w.now.Add(-beat)).len())
		}
	}
	return out
}

func (w *world) expect(want ...int) {
	w.t.Helper()
	if got := w.shares(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Fatalf("shares %v, want %v", got, want)
	}
}

func TestShardsAreSharedEvenlyAndMoveLittle(t *testing.T) {
	w := newWorld(t, data.Shards)
	a := w.join("a")
	w.settle()
	w.expect(64)
	w.join("b")
	w.settle()
	w.expect(32, 32)
	held := a.due(w.now.Add(-beat))
	w.join("c")
	w.settle()
	w.expect(22, 21, 21)
	if now := a.due(w.now.Add(-beat)); now&^held != 0 {
		t.Errorf("a was given %x while it had to give", now&^held)
	}
	// c leaves in order: its row goes, and what it held is free at once.
	delete(w.members, "c")
	delete(w.table, "c")
	w.settle()
	w.expect(32, 32)
}

func TestShardsOfACrashedMemberWaitForItsLease(t *testing.T) {
	w := newWorld(t, data.Shards)
	a, b := w.join("a"), w.join("b")
	w.settle()
	crashed := w.now.Add(-beat) // its last renewal
	for b.due(w.now).len() < 64 {
		w.now = w.now.Add(beat / 10)
		w.check() // a still stands by what it holds until its time is up
		w.renew(b)
		w.work(b)
		if w.now.Sub(crashed) > 10*time.Second {
			t.Fatalf("b holds %d shards 10 s after the crash", b.due(w.now).len())
		}
	}
	if a.due(w.now) != 0 {
		t.Error("a would still work")
	}
	// a was only suspended: it must not go on with what it held.
	tenure := a.tenure
	w.renew(a)
	if a.due(w.now)&a.working != 0 || a.tenure == tenure {
		t.Errorf("a goes on with %x after others had it", a.working)
	}
	w.settle()
	w.expect(32, 32)
}

func TestNothingMovesWhileABatchIsWorkedOn(t *testing.T) {
	w := newWorld(t, data.Shards)
	a := w.join("a")
	w.settle()
	b := w.join("b")
	for range 30 { // a is slow: it renews, but does not put down
		w.renew(a)
		w.renew(b)
		w.work(b)
		w.now = w.now.Add(beat)
	}
	if n := b.working.len(); n != 0 {
		t.Fatalf("b works on %d shards that a has not put down", n)
	}
	w.settle()
	w.expect(32, 32)
}

func TestTheLeadStaysWhereItIs(t *testing.T) {
	w := newWorld(t, 1)
	w.join("d")
	w.settle()
	w.expect(1)
	w.join("a")
	w.join("b")
	w.settle()
	w.expect(0, 0, 1)
}

// TestAnyOrder lets members come, go, stall and crash at random; check fails
// whenever two may work on one shard.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t, data.Shards)
		born := 0
		for range 300 {
			w.now = w.now.Add(time.Duration(r.IntN(1500)) * time.Millisecond)
			w.check()
			ids := slices.Sorted(maps.Keys(w.members))
			if len(ids) == 0 || len(ids) < 5 && r.IntN(10) == 0 {
				born++
				w.renew(w.join(fmt.Sprint("member ", born)))
				continue
			}
			m := w.members[ids[r.IntN(len(ids))]]
			switch n := r.IntN(100); {
			case n < 50:
				w.renew(m)
			case n < 90:
				w.work(m)
			case n < 93: // crashes
				delete(w.members, m.id)
			case n < 95: // leaves in order
				delete(w.members, m.id)
				delete(w.table, m.id)
			default: // stalls
			}
		}
	}
}
