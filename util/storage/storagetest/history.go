package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

// keeper is what a back end has by embedding history.Store.
type keeper interface {
	storage.Store
	Compact(ctx context.Context) error
	Check(ctx context.Context, report func(store.Problem)) error
	Backend() store.Backend
}

var historyTests = []contractTest{
	{"HistoryKeepsEverything", historyKeepsEverything},
	{"HistoryExactlyOnce", historyExactlyOnce},
	{"HistoryLate", historyLate},
	{"HistoryManyInASecond", historyManyInASecond},
	{"HistoryByID", historyByID},
	{"HistoryBefore", historyBefore},
	{"HistoryDelete", historyDelete},
	{"HistoryDeviceDelete", historyDeviceDelete},
	{"HistoryOddTimes", historyOddTimes},
	{"HistoryDamage", historyDamage},
}

var noLog = slog.New(slog.DiscardHandler)

// compact moves all positions into blocks, and checks.
func compact(t testing.TB, s storage.Store) {
	t.Helper()
	ok(t, s.(keeper).Compact(testContext(t)))
	noProblems(t, s)
}

func noProblems(t testing.TB, s storage.Store) {
	t.Helper()
	for _, p := range problems(t, s) {
		t.Error(p.Text)
	}
}

func problems(t testing.TB, s storage.Store) (found []store.Problem) {
	t.Helper()
	ok(t, s.(keeper).Check(testContext(t), func(p store.Problem) { found = append(found, p) }))
	return found
}

// blocksOf are the blocks of a device.
func blocksOf(t testing.TB, s storage.Store, deviceID int64) []store.Block {
	t.Helper()
	return get(t, func() ([]store.Block, error) {
		return s.(keeper).Backend().Blocks(testContext(t), deviceID, store.ZeroTime, at(1e8).UnixMilli(), 1e6)
	})
}

// hotOf counts the hot rows of a device.
func hotOf(t testing.TB, s storage.Store, deviceID int64) int {
	t.Helper()
	return len(get(t, func() ([]store.Row, error) {
		return s.(keeper).Backend().Hot(testContext(t), deviceID, store.ZeroTime, 0, at(1e8).UnixMilli(), 1e6)
	}))
}

func historyKeepsEverything(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	full := newPosition(d.ID, 1)
	full.Network = &data.Network{CellTowers: []data.CellTower{{RadioType: "lte", MCC: 262, MNC: 1, LAC: 5126, CellID: 1 << 35}}}
	full.Latitude, full.AltitudeM, full.SpeedKnots, full.AccuracyM = -89.99999999999999, -12.25, 1.0/3, 5e-324
	full.Attributes.SetString("text", "Grüße 🚚")
	heartbeat := newPosition(d.ID, 0)
	heartbeat.Outdated, heartbeat.DeviceTime = true, at(5)
	stored := insert(t, s, full, heartbeat, data.Position{DeviceID: d.ID})
	want := []data.Position{stored[2], stored[0], stored[1]}
	equal(t, "before", history(t, s, d.ID), want)
	compact(t, s)
	equal(t, "hot rows", hotOf(t, s, d.ID), 0)
	equal(t, "after", history(t, s, d.ID), want)
	equal(t, "latest", latest(t, s, nil), want[2:])
	compact(t, s) // nothing to do
	equal(t, "after another time", history(t, s, d.ID), want)
}

func historyExactlyOnce(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	first := insert(t, s, newPosition(d.ID, 10), newPosition(d.ID, 20))
	compact(t, s)
	again := insert(t, s, newPosition(d.ID, 20), newPosition(d.ID, 15), newPosition(d.ID, 10), newPosition(d.ID, 15))
	for i, isNew := range []bool{false, true, false, false} {
		if (again[i].ID != 0) != isNew {
			t.Errorf("position %d: id is %d, new is %v", i, again[i].ID, isNew)
		}
	}
	ok(t, s.(keeper).Backend().Seal(testContext(t), at(100).UnixMilli()))
	for _, p := range insert(t, s, newPosition(d.ID, 15), newPosition(d.ID, 20)) { // one in the sealed generation
		equal(t, "id of a repeat", p.ID, int64(0))
	}
	added := insert(t, s, newPosition(d.ID, 30))
	want := []int64{first[0].ID, again[1].ID, first[1].ID, added[0].ID}
	equal(t, "history", positionIDs(history(t, s, d.ID)), want)
	compact(t, s)
	equal(t, "history of blocks", positionIDs(history(t, s, d.ID)), want)
	for _, p := range insert(t, s, newPosition(d.ID, 10), newPosition(d.ID, 15), newPosition(d.ID, 20), newPosition(d.ID, 30)) {
		equal(t, "id of a repeat", p.ID, int64(0))
	}
}

// historyLate stores two hours that a device kept for itself, in pieces of any
// order, with compactions in between.
func historyLate(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	const points, piece = 2 * 720, 90
	insert(t, s, newPosition(d.ID, 5*points)) // the live one came first
	want := map[time.Time]bool{at(5 * points): true}
	for n, i := range []int{15, 0, 7, 3, 14, 1, 2, 8, 13, 4, 12, 6, 5, 11, 9, 10} {
		batch := make([]data.Position, piece)
		for j := range batch {
			batch[j] = newPosition(d.ID, 5*(i*piece+j))
			want[batch[j].FixTime] = true
		}
		slices.Reverse(batch)
		insert(t, s, batch...)
		if n%3 == 2 {
			compact(t, s)
		}
		insert(t, s, batch...) // as its answer was lost
	}
	compact(t, s)
	have := history(t, s, d.ID)
	equal(t, "positions", len(have), len(want))
	for i := range have {
		delete(want, have[i].FixTime)
		if i > 0 && !have[i-1].FixTime.Before(have[i].FixTime) {
			t.Fatalf("%v comes after %v", have[i].FixTime, have[i-1].FixTime)
		}
	}
	equal(t, "missing", len(want), 0)
	if n := len(blocksOf(t, s, d.ID)); n > 10 {
		t.Errorf("%d positions of three hours lie in %d blocks", points, n)
	}
}

func historyManyInASecond(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	batch := make([]data.Position, 3000)
	for i := range batch {
		batch[i] = newPosition(d.ID, i)
		ms := time.Duration(i%700) * time.Millisecond
		batch[i].FixTime = base.Truncate(time.Second).Add(time.Duration(i/1500)*time.Second + ms)
	}
	want := insert(t, s, batch...)
	slices.SortStableFunc(want, func(a, b data.Position) int { return a.FixTime.Compare(b.FixTime) })
	equal(t, "before", positionIDs(history(t, s, d.ID)), positionIDs(want))
	compact(t, s)
	equal(t, "after", positionIDs(history(t, s, d.ID)), positionIDs(want))
	more := newPosition(d.ID, 9000)
	more.FixTime = base.Truncate(time.Second).Add(699 * time.Millisecond) // into the first of the two
	insert(t, s, more)
	compact(t, s)
	equal(t, "with one more", len(history(t, s, d.ID)), 3001)
	equal(t, "blocks", len(blocksOf(t, s, d.ID)), 2)
}

func historyByID(t *testing.T, s storage.Store) {
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	var all []data.Position
	for i := range 4 {
		all = append(all, insert(t, s, newPosition(a.ID, 7000*i), newPosition(b.ID, 5000*i), newPosition(a.ID, -3000*i-1))...)
		if i%2 == 0 {
			compact(t, s)
		}
	}
	slices.SortFunc(all, func(a, b data.Position) int { return cmp.Compare(a.ID, b.ID) })
	found := get(t, func() ([]data.Position, error) {
		return s.PositionsByID(testContext(t), append(positionIDs(all), store.ID(a.ID, 99), store.ID(77, 1), store.ID(store.MaxDeviceID+1, 1)))
	})
	equal(t, "all", found, all)
}

func historyBefore(t *testing.T, s storage.Store) {
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	before := func(deviceID int64, seconds int) int64 {
		p, err := s.PositionBefore(testContext(t), deviceID, at(seconds))
		if errors.Is(err, data.ErrNotFound) {
			return 0
		}
		ok(t, err)
		return p.ID
	}
	equal(t, "no positions", before(d.ID, 0), int64(0))
	month := 40 * 86400
	p := insert(t, s, newPosition(d.ID, 0), newPosition(d.ID, month), newPosition(d.ID, 10), newPosition(other.ID, 5))
	expect := func(what string) {
		t.Helper()
		for _, test := range []struct {
			seconds int
			want    int64
		}{{0, 0}, {1, p[0].ID}, {10, p[0].ID}, {11, p[2].ID}, {month, p[2].ID}, {month + 1, p[1].ID}, {1e7, p[1].ID}} {
			equal(t, fmt.Sprint(what, ": before ", test.seconds), before(d.ID, test.seconds), test.want)
		}
	}
	expect("hot")
	compact(t, s)
	expect("blocks")
	late := insert(t, s, newPosition(d.ID, 7))[0].ID
	equal(t, "hot between blocks", before(d.ID, 10), late)
	equal(t, "block after hot", before(d.ID, 12), p[2].ID)
}

func historyDelete(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	batch := make([]data.Position, 3000)
	for i := range batch {
		batch[i] = newPosition(d.ID, 10*i) // more than eight hours
	}
	insert(t, s, batch[:2000]...)
	insert(t, s, newPosition(other.ID, 10))
	compact(t, s)
	insert(t, s, batch[2000:]...)
	left := func(drop func(i int) bool) (ids []int64) {
		for i := range batch {
			if !drop(i) {
				ids = append(ids, batch[i].ID)
			}
		}
		return ids
	}
	ok(t, s.DeletePositions(ctx, d.ID, at(5000), at(15000))) // within blocks at both ends
	equal(t, "a span of blocks", positionIDs(history(t, s, d.ID)), left(func(i int) bool { return i >= 500 && i <= 1500 }))
	noProblems(t, s)
	ok(t, s.DeletePositions(ctx, d.ID, at(19000), at(30000))) // the rest: hot and blocks
	equal(t, "newest", device(t, s, d.ID).PositionID, batch[1899].ID)
	want := left(func(i int) bool { return i >= 500 && i <= 1500 || i >= 1900 })
	equal(t, "and the end", positionIDs(history(t, s, d.ID)), want)
	compact(t, s)
	equal(t, "compacted", positionIDs(history(t, s, d.ID)), want)
	again := insert(t, s, batch[600])[0].ID
	if again == 0 || slices.Contains(want, again) {
		t.Errorf("deleted and stored again, its id is %d", again)
	}
	ok(t, s.DeletePositions(ctx, d.ID, time.Time{}, at(1e8)))
	equal(t, "all", len(history(t, s, d.ID)), 0)
	equal(t, "position id", device(t, s, d.ID).PositionID, int64(0))
	equal(t, "the other", len(history(t, s, other.ID)), 1)
}

func historyDeviceDelete(t *testing.T, s storage.Store) {
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	insert(t, s, newPosition(d.ID, 1), newPosition(other.ID, 1))
	compact(t, s)
	insert(t, s, newPosition(d.ID, 2), newPosition(other.ID, 2))
	ok(t, s.DeleteDevice(testContext(t), d.ID))
	equal(t, "history", len(history(t, s, d.ID)), 0)
	equal(t, "blocks", len(blocksOf(t, s, d.ID)), 0)
	equal(t, "stored for it", insert(t, s, newPosition(d.ID, 3))[0].ID, int64(0))
	equal(t, "latest", len(latest(t, s, nil)), 1)
	equal(t, "history of the other", len(history(t, s, other.ID)), 2)
}

// historyOddTimes stores what clocks say that are wrong.
func historyOddTimes(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	times := []time.Time{
		{},
		time.Date(1969, 12, 31, 23, 59, 59, 1e6, time.UTC), time.Date(1980, 1, 6, 0, 0, 0, 0, time.UTC),
		base, time.Date(2099, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	}
	batch := make([]data.Position, len(times))
	for i := range batch {
		batch[i] = newPosition(d.ID, i)
		batch[i].DeviceTime, batch[i].FixTime = times[i], times[i]
	}
	wild := newPosition(d.ID, 1)
	wild.DeviceTime = time.UnixMilli(1 << 60)
	wild.FixTime = wild.DeviceTime
	read := func() (have []time.Time) {
		ok(t, s.PositionsBetween(testContext(t), d.ID, time.Time{}, time.UnixMilli(1<<62), 100, func(p *data.Position) error {
			have = append(have, p.FixTime)
			return nil
		}))
		return have
	}
	insert(t, s, append(batch, wild)...)
	times = append(times, times[len(times)-1])
	equal(t, "hot", read(), times)
	compact(t, s)
	equal(t, "blocks", read(), times)
	for _, p := range insert(t, s, batch...) {
		equal(t, "id of a repeat", p.ID, int64(0))
	}
	spans := get(t, func() ([]int64, error) { return s.(keeper).Backend().Spans(testContext(t)) })
	equal(t, "months", len(spans), 3)
	ok(t, s.DeletePositions(testContext(t), d.ID, time.Time{}, time.UnixMilli(1<<62)))
	equal(t, "left", len(read()), 0)
}

// historyDamage flips a bit of a block.
func historyDamage(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	var batch []data.Position
	for i := range 3 { // hours
		batch = append(batch, newPosition(d.ID, 3600*i+10), newPosition(d.ID, 3600*i+30))
	}
	stored := positionIDs(insert(t, s, batch...))
	compact(t, s)
	broken := blocksOf(t, s, d.ID)[1]
	broken.Data = slices.Clone(broken.Data)
	broken.Data[len(broken.Data)/2] ^= 4
	ok(t, s.(keeper).Backend().ReplaceBlocks(ctx, []store.Change{{DeviceID: d.ID, Remove: []int64{broken.First}, Put: []store.Block{broken}}}))

	var have []int64
	err := s.PositionsBetween(ctx, d.ID, at(0), at(1e5), 100, func(p *data.Position) error {
		have = append(have, p.ID)
		return nil
	})
	wantError(t, "read", err, block.ErrCorrupt)
	equal(t, "the rest", have, []int64{stored[0], stored[1], stored[4], stored[5]})
	if len(problems(t, s)) != 1 {
		t.Errorf("problems are %v", problems(t, s))
	}
	late := newPosition(d.ID, 3620) // where the damage is
	late.CourseDeg = 1
	again := insert(t, s, late, batch[2], batch[0])
	if again[0].ID == 0 || again[1].ID == 0 || again[2].ID != 0 {
		t.Errorf("ids are %d: what cannot be read is stored anew", positionIDs(again))
	}
	ok(t, s.(keeper).Compact(ctx)) // a check may tell of what was put aside
	equal(t, "with what came later", positionIDs(history(t, s, d.ID)),
		[]int64{stored[0], stored[1], again[1].ID, again[0].ID, stored[4], stored[5]})
}
