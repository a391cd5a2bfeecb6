package movement

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"

	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/traces"
)

// keeper does with a device's reports what processing does with a store: it is
// the wiring that the package comment asks for, in memory.
type keeper struct {
	c           *Config
	state       []byte // as saved: every batch may come after a restart
	points      []fix.Fix
	marks       map[int64]filter.Mark
	checkpoints []Checkpoint
	rows        rows
	replayed    int
	converged   int
}

func (k *keeper) load(t *testing.T, b []byte) State {
	if b == nil {
		return State{}
	}
	s, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ingest stores what is new and brings the rows up to date: first what is late,
// then what is newer than all before.
func (k *keeper) ingest(t *testing.T, incoming []fix.Fix) {
	s := k.load(t, k.state)
	var late, newer []fix.Fix
	for _, f := range incoming {
		if _, known := k.marks[f.ID]; known {
			continue
		}
		k.marks[f.ID] = filter.Mark{}
		if s.Late(k.c, &f) {
			late = append(late, f)
		} else {
			newer = append(newer, f)
		}
	}
	k.store(late)
	if len(late) > 0 {
		k.replay(t, s, late)
	}
	k.store(newer)
	s = k.load(t, k.state)
	k.walk(&s, newer, nil, 0)
	k.state = s.Append(nil)
}

// store keeps reports in order; of is sorted too.
func (k *keeper) store(of []fix.Fix) {
	k.points = append(k.points, of...)
	for _, list := range [][]fix.Fix{k.points, of} {
		slices.SortFunc(list, func(a, b fix.Fix) int { return fix.Compare(&a, &b) })
	}
}

// replay begins again at the newest checkpoint before the first late report and
// goes on until the last, and until nothing is new any more.
func (k *keeper) replay(t *testing.T, head State, late []fix.Fix) {
	first, last := late[0].Time, late[len(late)-1].Time
	i := sort.Search(len(k.checkpoints), func(i int) bool { return k.checkpoints[i].Time >= first })
	from := Checkpoint{}
	if i > 0 {
		from = k.checkpoints[i-1]
	}
	old := slices.Clone(k.checkpoints[i:])
	k.checkpoints = k.checkpoints[:i]
	before := k.rows
	s := k.load(t, from.State)
	k.rows = before.until(&s)
	begin := sort.Search(len(k.points), func(i int) bool { return k.points[i].Time > from.Time })
	at, more, same := k.walk(&s, k.points[begin:], old, last)
	k.state = s.Append(nil)
	if !same {
		return
	}
	k.converged++
	k.rows.append(before.since(&s), more)
	for _, c := range old {
		if c.Time > at {
			later := k.load(t, c.State)
			later.Shift(more)
			k.checkpoints = append(k.checkpoints, Checkpoint{Time: c.Time, State: later.Append(nil)})
		}
	}
	head.Shift(more)
	k.state = head.Append(nil)
}

// walk steps through reports and saves what it meets. It ends where the state
// is an old one again, after the last report that is new.
func (k *keeper) walk(s *State, fixes []fix.Fix, old []Checkpoint, last int64) (at int64, more fix.Totals, same bool) {
	var r Result
	pending := false
	for i := range fixes {
		f := &fixes[i]
		timely := f.Set != nil || !filter.Untimely(&k.c.Filter, f)
		if timely && f.Time > s.Time() {
			if pending {
				k.checkpoints = append(k.checkpoints, Checkpoint{Time: s.Time(), State: s.Append(nil)})
			}
			pending = false
			for len(old) > 0 && old[0].Time <= s.Time() {
				if old[0].Time == s.Time() && s.Time() >= last {
					was, err := Decode(old[0].State)
					if err != nil {
						panic(err)
					}
					if more, same := s.Same(&was); same {
						return s.Time(), more, true
					}
				}
				old = old[1:]
			}
		}
		s.Step(k.c, f, &r)
		k.replayed++
		k.marks[f.ID] = r.Mark
		k.rows.add(&r)
		if !r.Ignored {
			pending = r.Checkpoint || k.replayed%37 == 0
		}
	}
	if pending {
		k.checkpoints = append(k.checkpoints, Checkpoint{Time: s.Time(), State: s.Append(nil)})
	}
	return 0, fix.Totals{}, false
}

// until are the rows that the state at a checkpoint has already given away.
func (w rows) until(s *State) rows {
	e := s.Trips().Edge()
	var kept rows
	for _, x := range w.Trips {
		if x.End.Time <= e.Trips {
			kept.Trips = append(kept.Trips, x)
		}
	}
	for _, x := range w.Stops {
		if x.Start.Time < e.Stops {
			kept.Stops = append(kept.Stops, x)
		}
	}
	for _, x := range w.Days {
		if x.Number < e.Day {
			kept.Days = append(kept.Days, x)
		}
	}
	return kept
}

// since are the others.
func (w rows) since(s *State) rows {
	kept := w.until(s)
	return rows{w.Trips[len(kept.Trips):], w.Stops[len(kept.Stops):], w.Days[len(kept.Days):]}
}

func (w *rows) append(after rows, more fix.Totals) {
	for _, x := range after.Trips {
		x.Shift(more)
		w.Trips = append(w.Trips, x)
	}
	for _, x := range after.Stops {
		x.Shift(more)
		w.Stops = append(w.Stops, x)
	}
	for _, x := range after.Days {
		x.Shift(more)
		w.Days = append(w.Days, x)
	}
}

// TestOrderDoesNotMatter feeds the reports in batches of any size, late,
// shuffled and twice, with a restart between all of them, and wants what going
// through them in order gives.
func TestOrderDoesNotMatter(t *testing.T) {
	var replayed, converged int
	for _, tr := range append(traces.Generated(), traces.Month(), traces.Chaos(1), traces.Chaos(2), traces.Chaos(3)) {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%s/%d", tr.Name, seed), func(t *testing.T) {
				c := Resolve(tr.Settings)
				rnd := rand.New(rand.NewPCG(seed, 1))
				k := &keeper{c: &c, marks: map[int64]filter.Mark{}}
				for _, part := range traces.Arrivals(rnd, tr.Fixes, int(seed)) {
					k.ingest(t, part)
				}
				fixes := slices.Clone(tr.Fixes)
				slices.SortFunc(fixes, func(a, b fix.Fix) int { return fix.Compare(&a, &b) })
				want, state := batch(&c, fixes)
				checkRows(t, want, &state)
				if !reflect.DeepEqual(k.rows, want) {
					got := k.load(t, k.state)
					t.Fatalf("have:\n%s\nwant:\n%s", format(k.rows, &got), format(want, &state))
				}
				if !bytes.Equal(k.state, state.Append(nil)) {
					t.Fatal("the states differ")
				}
				var s State
				var r Result
				for i := range fixes {
					s.Step(&c, &fixes[i], &r)
					if k.marks[fixes[i].ID] != r.Mark {
						t.Fatalf("report %d: mark %v, want %v", fixes[i].ID, k.marks[fixes[i].ID], r.Mark)
					}
				}
				replayed, converged = replayed+k.replayed, converged+k.converged
			})
		}
	}
	if converged < 20 {
		t.Errorf("replays met an old state %d times: the shortcut is not tested", converged)
	}
	t.Logf("%d steps, %d shortcuts", replayed, converged)
}

// TestSetTotals counts on from what somebody has set, also when reports from
// before that come afterwards.
func TestSetTotals(t *testing.T) {
	c := DefaultConfig()
	fixes := traces.Month().Fixes
	at := fixes[len(fixes)/2].Time + 1
	set := fix.Fix{ID: 1 << 40, Time: at, Set: &fix.Totals{DistanceMM: 123_456_000, EngineMS: 7_200_000}}
	k := &keeper{c: &c, marks: map[int64]filter.Mark{}}
	var late, punctual []fix.Fix
	for i, f := range fixes {
		if f.Time < at && i%100 < 30 {
			late = append(late, f)
		} else {
			punctual = append(punctual, f)
		}
	}
	k.ingest(t, append(punctual, set))
	k.ingest(t, late)
	want, state := batch(&c, slices.SortedFunc(slices.Values(append(slices.Clone(fixes), set)), func(a, b fix.Fix) int { return fix.Compare(&a, &b) }))
	s := k.load(t, k.state)
	if s.Trips().Totals() != state.Trips().Totals() || !reflect.DeepEqual(k.rows, want) {
		t.Fatalf("have %+v, want %+v", s.Trips().Totals(), state.Trips().Totals())
	}
	_, without := batch(&c, fixes)
	if a, b := s.Trips().Totals().DistanceMM, without.Trips().Totals().DistanceMM; a == b || a < 123_456_000 {
		t.Errorf("total %d mm, without the setting %d", a, b)
	}
}
