package storagetest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var positionTests = []contractTest{
	{"PositionKeepsEverything", positionKeepsEverything},
	{"PositionTimes", positionTimes},
	{"PositionRepeats", positionRepeats},
	{"PositionsWithoutDevice", positionsWithoutDevice},
	{"PositionInvalid", positionInvalid},
	{"PositionBatchesOfAnySize", positionBatchesOfAnySize},
	{"PositionNewest", positionNewest},
	{"PositionOutdated", positionOutdated},
	{"PositionsByID", positionsByID},
	{"PositionsLatest", positionsLatest},
	{"PositionInsertsAreIdempotent", positionInsertsAreIdempotent},
	{"PositionIDsStayWhenItFails", positionFailureLeavesNothing},
	{"PositionFingerprintOfAllKinds", positionFingerprints},
}

func positionKeepsEverything(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	signal := -71
	full := data.Position{
		DeviceID: d.ID, Protocol: "teltonika", ServerTime: at(3), DeviceTime: at(2), FixTime: at(1),
		Valid: true, Outdated: true, Latitude: -89.99999999999999, Longitude: 179.123456789012345, AltitudeM: -12.25,
		SpeedKnots: 1.0 / 3, CourseDeg: 359.9, AccuracyM: 5e-324,
		Network: &data.Network{
			CellTowers:       []data.CellTower{{RadioType: "lte", MCC: 262, MNC: 1, LAC: 5126, CellID: 1 << 35, SignalDBm: &signal}},
			WifiAccessPoints: []data.WifiAccessPoint{{MAC: "00:11:22:33:44:55", Channel: 6}},
		},
	}
	full.Attributes.SetString("text", "Grüße \"\\\x00\x1f 🚚")
	full.Attributes.SetInt("int", math.MinInt64)
	full.Attributes.SetFloat("float", 12)
	full.Attributes.SetFloat("small", 1e-300)
	full.Attributes.SetBool("motion", false)
	empty := data.Position{DeviceID: d.ID}
	stored := insert(t, s, full, empty)
	if stored[0].ID <= 0 || stored[1].ID <= 0 || stored[0].ID == stored[1].ID {
		t.Fatalf("ids are %d", positionIDs(stored))
	}
	full.ID, empty.ID = stored[0].ID, stored[1].ID
	equal(t, "what insert changed", stored, []data.Position{full, empty})
	equal(t, "history", history(t, s, d.ID), []data.Position{empty, full})
	found := get(t, func() ([]data.Position, error) { return s.PositionsByID(testContext(t), []int64{full.ID}) })
	equal(t, "by id", found, []data.Position{full})
	equal(t, "latest", latest(t, s, nil), []data.Position{full})
}

func positionTimes(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	p := newPosition(d.ID, 0)
	p.FixTime = base.Add(999999) // a nanosecond before the next millisecond
	p.DeviceTime = time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", 3600))
	p.ServerTime = time.Date(2099, 1, 1, 0, 0, 0, 1, time.UTC)
	insert(t, s, p)
	have := history(t, s, d.ID)[0]
	equal(t, "fix time", have.FixTime, base)
	equal(t, "device time", have.DeviceTime, time.Date(1969, 12, 31, 22, 59, 59, 999e6, time.UTC))
	equal(t, "server time", have.ServerTime, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
	n := 0
	ok(t, s.PositionsBetween(testContext(t), d.ID, p.FixTime, p.FixTime, 10, func(*data.Position) error { n++; return nil }))
	equal(t, "found at the very time it was stored with", n, 1)
}

func positionRepeats(t *testing.T, s storage.Store) {
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	a, b, c := newPosition(d.ID, 1), newPosition(d.ID, 2), newPosition(d.ID, 3)
	first := insert(t, s, a, b)

	late := b
	late.ServerTime = at(500) // the same report, sent again later
	elsewhere := a
	elsewhere.DeviceID = other.ID
	differs := a
	differs.Attributes = slices.Clone(a.Attributes)
	differs.Attributes.SetInt("sat", 10) // another report of the same second
	late.ID = 99
	second := insert(t, s, late, c, a, c, elsewhere, differs)
	for i, isNew := range []bool{false, true, false, false, true, true} {
		if (second[i].ID != 0) != isNew {
			t.Errorf("position %d of the batch: id is %d, new is %v", i, second[i].ID, isNew)
		}
	}
	equal(t, "history", positionIDs(history(t, s, d.ID)), []int64{first[0].ID, second[5].ID, first[1].ID, second[1].ID})
	equal(t, "a repeat changes nothing", history(t, s, d.ID)[2], first[1])
	equal(t, "history of the other", len(history(t, s, other.ID)), 1)
	equal(t, "last update: it has spoken", device(t, s, d.ID).LastUpdate, at(500))
	equal(t, "position id", device(t, s, d.ID).PositionID, second[1].ID)
}

func positionsWithoutDevice(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	ok(t, s.InsertPositions(ctx, nil, nil, nil))
	ok(t, s.InsertPositions(ctx, []data.Position{}, []uint64{}, nil))
	d := newDevice(t, s, "a")
	stored := insert(t, s, newPosition(77, 1), newPosition(d.ID, 2), newPosition(0, 3))
	if stored[0].ID != 0 || stored[1].ID == 0 || stored[2].ID != 0 {
		t.Errorf("ids are %d", positionIDs(stored))
	}
	equal(t, "history of a device that does not exist", len(history(t, s, 77)), 0)
	equal(t, "history", history(t, s, d.ID), stored[1:2])
	stored = insert(t, s, newPosition(77, 1))
	equal(t, "nothing but strangers", stored[0].ID, int64(0))
}

func positionInvalid(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	ctx := testContext(t)
	wantError(t, "fingerprints are missing", s.InsertPositions(ctx, []data.Position{newPosition(d.ID, 1)}, nil, nil), data.ErrInvalid)
	for _, f := range []float64{math.NaN(), math.Inf(1)} {
		bad := newPosition(d.ID, 2)
		bad.SpeedKnots = f
		batch := []data.Position{newPosition(d.ID, 1), bad}
		wantError(t, "a number that is none", s.InsertPositions(ctx, batch, fingerprints(batch), nil), data.ErrInvalid)
	}
	equal(t, "nothing stored", len(history(t, s, d.ID)), 0)
}

func positionFailureLeavesNothing(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	batch := []data.Position{newPosition(d.ID, 1)}
	ctx, cancel := testCancelled(t)
	defer cancel()
	if err := s.InsertPositions(ctx, batch, fingerprints(batch), nil); err == nil {
		t.Fatal("no error though the context has ended")
	}
	equal(t, "id", batch[0].ID, int64(0))
	equal(t, "history", len(history(t, s, d.ID)), 0)
	equal(t, "device", device(t, s, d.ID), *d)
}

func positionBatchesOfAnySize(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	var all []int64
	next := 0
	for _, n := range []int{1, 2, 3, 63, 64, 65, 127, 200, 1001} {
		batch := make([]data.Position, n)
		for i := range batch {
			batch[i] = newPosition(d.ID, next)
			next++
		}
		all = append(all, positionIDs(insert(t, s, batch...))...)
		equal(t, "position id", device(t, s, d.ID).PositionID, batch[n-1].ID)
	}
	equal(t, "history", positionIDs(history(t, s, d.ID)), all)
	slices.Sort(all)
	if all[0] == 0 || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("ids are not all different")
	}
}

func positionNewest(t *testing.T, s storage.Store) {
	d, still := newDevice(t, s, "a"), newDevice(t, s, "b")
	expect := func(what string, id int64, update time.Time) {
		t.Helper()
		have := device(t, s, d.ID)
		equal(t, what+": position id", have.PositionID, id)
		equal(t, what+": last update", have.LastUpdate, update)
	}
	expect("at first", 0, time.Time{})
	batch := insert(t, s, newPosition(d.ID, 20), newPosition(d.ID, 30), newPosition(d.ID, 10))
	newest := batch[1].ID
	expect("not the last of the batch", newest, at(31))

	old := newPosition(d.ID, 5)
	old.ServerTime = at(100) // from the device's memory
	insert(t, s, old)
	expect("an old one moves last update only", newest, at(100))

	same := newPosition(d.ID, 30)
	same.DeviceTime, same.ServerTime = at(40), at(101)
	equal(t, "the same fix, reported again", insert(t, s, same)[0].ID, int64(0))
	expect("a repeat moves last update only", newest, at(101))
	same.CourseDeg = 91
	newest = insert(t, s, same)[0].ID
	expect("of one time: the one stored last", newest, at(101))
	equal(t, "other device", device(t, s, still.ID), *still)
}

func positionOutdated(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	fix := newPosition(d.ID, 10)
	heartbeat := fix // filled in with the last known place and its time
	heartbeat.Outdated, heartbeat.DeviceTime, heartbeat.ServerTime = true, at(20), at(21)
	stored := insert(t, s, fix, heartbeat)
	equal(t, "position id", device(t, s, d.ID).PositionID, stored[1].ID)
	insert(t, s, newPosition(d.ID, 15)) // a fix, but of a time before the heartbeat
	equal(t, "position id", device(t, s, d.ID).PositionID, stored[1].ID)
	late := heartbeat
	late.DeviceTime = at(14) // another report, though its fix is the same
	insert(t, s, late)
	var times []time.Time
	for _, p := range history(t, s, d.ID) {
		times = append(times, p.Time())
	}
	equal(t, "order", times, []time.Time{at(10), at(14), at(15), at(20)})
}

func positionsByID(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	p := insert(t, s, newPosition(d.ID, 3), newPosition(d.ID, 2), newPosition(d.ID, 1))
	find := func(ids ...int64) []int64 {
		return positionIDs(get(t, func() ([]data.Position, error) { return s.PositionsByID(testContext(t), ids) }))
	}
	equal(t, "some", find(p[2].ID, p[0].ID, 0, -1, 1<<60, p[0].ID), []int64{p[0].ID, p[2].ID})
	equal(t, "none", find(), []int64(nil))
}

func positionsLatest(t *testing.T, s storage.Store) {
	equal(t, "no devices", positionIDs(latest(t, s, nil)), []int64(nil))
	a, b, c := newDevice(t, s, "a"), newDevice(t, s, "b"), newDevice(t, s, "c")
	newDevice(t, s, "silent")
	p := insert(t, s, newPosition(c.ID, 1), newPosition(a.ID, 2), newPosition(b.ID, 4), newPosition(b.ID, 3))
	equal(t, "all", positionIDs(latest(t, s, nil)), []int64{p[1].ID, p[2].ID, p[0].ID})
	equal(t, "some", positionIDs(latest(t, s, []int64{c.ID, a.ID, 77})), []int64{p[1].ID, p[0].ID})
	equal(t, "none", positionIDs(latest(t, s, []int64{})), []int64(nil))
}

func positionFingerprints(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	// The lower half counts.
	all := []uint64{0, 1, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint64 - 1}
	batch := make([]data.Position, len(all))
	for i := range batch {
		batch[i] = newPosition(d.ID, 0)
	}
	for _, isNew := range []bool{true, false} {
		ok(t, s.InsertPositions(testContext(t), batch, all, nil))
		for i := range batch {
			if (batch[i].ID != 0) != isNew {
				t.Errorf("fingerprint %x: id is %d, new is %v", all[i], batch[i].ID, isNew)
			}
		}
	}
}

// positionInsertsAreIdempotent stores the same reports again and again, in any
// order and any batches, and wants what storing each once would give.
func positionInsertsAreIdempotent(t *testing.T, s storage.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	type key struct {
		deviceID, time int64
		fingerprint    uint64
	}
	for round := range 12 {
		a, b := newDevice(t, s, string(rune('a'+round))), newDevice(t, s, string(rune('A'+round)))
		reports := make([]data.Position, 1+r.IntN(60))
		for i := range reports {
			p := newPosition([]int64{a.ID, b.ID}[r.IntN(2)], r.IntN(10))
			p.FixTime = at(r.IntN(10))
			p.CourseDeg = float64(r.IntN(3))
			reports[i] = p
		}
		var sent []data.Position
		for range 1 + r.IntN(4) {
			for _, i := range r.Perm(len(reports)) {
				p := reports[i]
				p.ServerTime = at(r.IntN(1000))
				sent = append(sent, p)
			}
		}
		want := make(map[key]bool)
		update := make(map[int64]time.Time)
		newest := make(map[int64]time.Time)
		for i := range sent {
			p := &sent[i]
			want[key{p.DeviceID, p.Time().UnixMilli(), p.Fingerprint()}] = true
			if p.ServerTime.After(update[p.DeviceID]) {
				update[p.DeviceID] = p.ServerTime
			}
			if p.FixTime.After(newest[p.DeviceID]) {
				newest[p.DeviceID] = p.FixTime
			}
		}
		stored := 0
		for rest := sent; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			for _, p := range insert(t, s, rest[:n]...) {
				if p.ID != 0 {
					stored++
				}
			}
			rest = rest[n:]
		}
		equal(t, "number of ids given", stored, len(want))
		for _, d := range []*data.Device{a, b} {
			for _, p := range history(t, s, d.ID) {
				k := key{p.DeviceID, p.Time().UnixMilli(), p.Fingerprint()}
				if !want[k] {
					t.Errorf("stored twice or never sent: %+v", p)
				}
				delete(want, k)
			}
			equal(t, "last update", device(t, s, d.ID).LastUpdate, update[d.ID])
			if last := latest(t, s, []int64{d.ID}); len(last) > 0 {
				equal(t, "newest", last[0].FixTime, newest[d.ID])
			}
		}
		equal(t, "missing", len(want), 0)
	}
}
