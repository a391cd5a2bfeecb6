package movement

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
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
	k.rows = before.until(from.Time, &s)
	begin := sort.Search(len(k.points), func(i int) bool { return k.points[i].Time > from.Time })
	at, more, same := k.walk(&s, k.points[begin:], old, last)
	k.state = s.Append(nil)
	if !same {
		return
	}
	k.converged++
	k.rows.append(before.since(at, &s), more)
	for _, c := range old {
		if c.Time > at {
			later := k.load(t, c.State)
			later.Shift(more)
			k.checkpoints = append(k.checkpoints, Checkpoint{c.Time, later.Append(nil)})
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
				k.checkpoints = append(k.checkpoints, Checkpoint{s.Time(), s.Append(nil)})
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
			pending = r.Checkpoint
		}
	}
	if pending {
		k.checkpoints = append(k.checkpoints, Checkpoint{s.Time(), s.Append(nil)})
	}
	return 0, fix.Totals{}, false
}

// until are the rows that the state at a checkpoint has already given away.
func (w rows) until(at int64, s *State) rows {
	rest, _ := s.Trips().Resting()
	day, _ := s.Trips().Today()
	var kept rows
	for _, x := range w.Trips {
		if x.End.Time <= rest.Start.Time && at > 0 {
			kept.Trips = append(kept.Trips, x)
		}
	}
	for _, x := range w.Stops {
		if x.Start.Time < rest.Start.Time && at > 0 {
			kept.Stops = append(kept.Stops, x)
		}
	}
	for _, x := range w.Days {
		if x.Number < day.Number && at > 0 {
			kept.Days = append(kept.Days, x)
		}
	}
	return kept
}

// since are the others.
func (w rows) since(at int64, s *State) rows {
	kept := w.until(at, s)
	return rows{w.Trips[len(kept.Trips):], w.Stops[len(kept.Stops):], w.Days[len(kept.Days):]}
}

func (w *rows) append(after rows, more fix.Totals) {
	for _, x := range after.Trips {
		x.TotalStartMM += more.DistanceMM
		x.TotalEndMM += more.DistanceMM
		w.Trips = append(w.Trips, x)
	}
	for _, x := range after.Stops {
		x.TotalMM += more.DistanceMM
		w.Stops = append(w.Stops, x)
	}
	for _, x := range after.Days {
		x.TotalStartMM += more.DistanceMM
		x.TotalEndMM += more.DistanceMM
		x.HoursStartMS += more.EngineMS
		x.HoursEndMS += more.EngineMS
		w.Days = append(w.Days, x)
	}
}

// TestOrderDoesNotMatter feeds the reports in batches of any size, late,
// shuffled and twice, with a restart between all of them, and wants what going
// through them in order gives.
func TestOrderDoesNotMatter(t *testing.T) {
	var replayed, converged int
	for _, tr := range append(generated(), month(), chaos(1), chaos(2), chaos(3)) {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%s/%d", tr.name, seed), func(t *testing.T) {
				c := Resolve(tr.settings)
				rnd := rand.New(rand.NewPCG(seed, 1))
				k := &keeper{c: &c, marks: map[int64]filter.Mark{}}
				for _, part := range arrivals(rnd, tr.fixes, int(seed)) {
					k.ingest(t, part)
				}
				fixes := slices.Clone(tr.fixes)
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

// arrivals cuts reports into batches in which order, delay and repetition grow
// with the disorder: 0 is one batch in order, 5 any order at all.
func arrivals(rnd *rand.Rand, fixes []fix.Fix, disorder int) [][]fix.Fix {
	order := rnd.Perm(len(fixes))
	delay := [...]float64{0, 0, 3, 50, 1000, 1e9, 0, 3}[disorder]
	key := make([]float64, len(fixes))
	hole := len(fixes) / 4
	for i := range key {
		key[i] = float64(i) + rnd.Float64()*delay
		if disorder >= 6 && i >= hole && i < hole+50 {
			key[i] += float64(len(fixes))
		}
	}
	sort.Slice(order, func(a, b int) bool { return key[order[a]] < key[order[b]] })
	var parts [][]fix.Fix
	most := [...]int{1e9, 40, 40, 40, 300, 300, 40, 10}[disorder]
	for len(order) > 0 {
		n := min(len(order), 1+rnd.IntN(most))
		var part []fix.Fix
		for _, i := range order[:n] {
			part = append(part, fixes[i])
			if rnd.IntN(10) == 0 {
				part = append(part, fixes[rnd.IntN(i+1)]) // again, or too early
			}
		}
		parts, order = append(parts, part), order[n:]
	}
	return parts
}

// month is most of a month of days with two drives each.
func month() trace {
	v := newVehicle("2026-03-10T05:00:00Z", 52.5, 13.4)
	v.every = 30 * time.Second
	for d := range 20 {
		for i := range 2 {
			v.ignition = fix.On
			v.drive(float64(180*i+d), 50, 15*time.Minute, "")
			v.ignition = fix.Off
			v.park(705*time.Minute, 20*time.Minute, 8, "")
		}
	}
	return v.trace("month", 40, 0)
}

// chaos is any nonsense: jumps, ties, unknown ignitions, settings of the totals.
func chaos(seed uint64) trace {
	rnd := rand.New(rand.NewPCG(seed, 99))
	v := newVehicle("2026-03-10T05:00:00Z", 89.9-40*float64(seed), 179.9)
	for range 60 {
		v.ignition = fix.Tri(rnd.IntN(3))
		v.every = time.Duration(1+rnd.IntN(120)) * time.Second
		seen := [...]string{"", "", "", "blind", "silent"}[rnd.IntN(5)]
		span := time.Duration(rnd.IntN(1800)) * time.Second
		if rnd.IntN(2) == 0 {
			v.drive(rnd.Float64()*360, rnd.Float64()*120, span, seen)
		} else {
			v.park(span*time.Duration(1+rnd.IntN(8)), v.every, rnd.Float64()*100, seen)
		}
	}
	for i := range v.out {
		f := &v.out[i]
		switch rnd.IntN(40) {
		case 0:
			f.Lat += rnd.NormFloat64()
		case 1:
			f.Time = f.Time / 60_000 * 60_000 // ties
		case 2:
			f.Valid = false
		case 3:
			f.FuelL = 100 * rnd.Float64()
			f.EngineMS = int64(rnd.IntN(1e6))
		case 4:
			f.Driver = "card " + string(rune('a'+rnd.IntN(3)))
		case 5:
			f.ServerTime += 400 * 24 * 3600e3 * int64(rnd.IntN(3)-1) // some from the future
		case 6:
			f.AccuracyM = 3000 * rnd.Float64()
		}
	}
	return v.trace(fmt.Sprintf("chaos-%d", seed), -1, -1)
}

// TestSetTotals counts on from what somebody has set, also when reports from
// before that come afterwards.
func TestSetTotals(t *testing.T) {
	c := DefaultConfig()
	fixes := month().fixes
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
