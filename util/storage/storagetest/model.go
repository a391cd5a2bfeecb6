package storagetest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

var modelTests = []contractTest{{"HistoryIsAsItsModel", historyIsAsItsModel}}

// model is what history is, without any art.
type model struct {
	devices map[int64]*modelDevice
}

type modelDevice struct {
	last      uint32
	positions []data.Position // by time, then id
	prints    map[modelKey]bool
}

type modelKey struct {
	time        int64
	fingerprint uint32
}

func keyOf(p *data.Position) modelKey {
	return modelKey{p.Time().UnixMilli(), uint32(p.Fingerprint())}
}

// insert returns the id that a position gets.
func (m *model) insert(p data.Position) int64 {
	d := m.devices[p.DeviceID]
	if d.prints[keyOf(&p)] {
		return 0
	}
	d.prints[keyOf(&p)] = true
	d.last++
	p.ID = store.ID(p.DeviceID, d.last)
	d.positions = append(d.positions, p)
	slices.SortFunc(d.positions, func(a, b data.Position) int {
		return cmp.Or(a.Time().Compare(b.Time()), cmp.Compare(a.ID, b.ID))
	})
	return p.ID
}

func (m *model) delete(deviceID int64, from, to time.Time) {
	d := m.devices[deviceID]
	d.positions = slices.DeleteFunc(d.positions, func(p data.Position) bool {
		gone := !p.Time().Before(from) && !p.Time().After(to)
		if gone {
			delete(d.prints, keyOf(&p))
		}
		return gone
	})
}

// historyIsAsItsModel does things in any order and wants what a list would
// give. Reports repeat, come late, share seconds and milliseconds, and lie on
// both sides of the end of an hour and a month.
func historyIsAsItsModel(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	m := model{devices: make(map[int64]*modelDevice)}
	var ids []int64
	for _, name := range []string{"a", "b", "c"} {
		id := newDevice(t, s, name).ID
		ids = append(ids, id)
		m.devices[id] = &modelDevice{prints: make(map[modelKey]bool)}
	}
	moment := func() time.Time {
		at := time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC).Add(time.Duration(r.IntN(3600)) * time.Second)
		return at.Add(time.Duration(r.IntN(3)*333) * time.Millisecond)
	}
	any := func() int64 { return ids[r.IntN(len(ids))] }
	for round := range 60 {
		switch r.IntN(6) {
		default:
			batch := make([]data.Position, 1+r.IntN(200))
			for i := range batch {
				p := newPosition(any(), 0)
				p.FixTime = moment()
				p.DeviceTime, p.Outdated = p.FixTime, r.IntN(9) == 0
				p.CourseDeg = float64(r.IntN(2))
				batch[i] = p
			}
			want := make([]int64, len(batch))
			for i := range batch {
				want[i] = m.insert(batch[i])
			}
			equal(t, "ids", positionIDs(insert(t, s, batch...)), want)
		case 0, 1:
			compact(t, s)
		case 2:
			id, from := any(), moment()
			to := from.Add(time.Duration(r.IntN(600)) * time.Second)
			ok(t, s.DeletePositions(ctx, id, from, to))
			m.delete(id, from, to)
		}
		d := any()
		want := m.devices[d].positions
		have := history(t, s, d)
		equal(t, "number of positions", len(have), len(want))
		if !slices.Equal(positionIDs(have), positionIDs(want)) {
			t.Fatalf("round %d: history differs", round)
		}
		if len(want) > 0 {
			equal(t, "newest", latest(t, s, []int64{d}), want[len(want)-1:])
			i := r.IntN(len(want))
			found := get(t, func() ([]data.Position, error) { return s.PositionsByID(ctx, []int64{want[i].ID}) })
			equal(t, "by id", found, want[i:i+1])
			equal(t, "a position", have[i], want[i])
		}
		at := moment()
		i := slices.IndexFunc(want, func(p data.Position) bool { return !p.Time().Before(at) })
		if i < 0 {
			i = len(want)
		}
		if i > 0 {
			before := get(t, func() (data.Position, error) { return s.PositionBefore(ctx, d, at) })
			equal(t, "before", before, want[i-1])
		}
		limit := r.IntN(300)
		equal(t, "from there", walk(t, s, d, at, at.Add(time.Hour), limit), positionIDs(want[i:min(len(want), i+limit)]))
	}
}
