package storagetest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

var retentionTests = []contractTest{
	{"RetentionForEver", retentionForEver},
	{"RetentionThins", retentionThins},
	{"RetentionRemoves", retentionRemoves},
	{"RetentionOfADevice", retentionOfADevice},
	{"RetentionAndLatePoints", retentionAndLatePoints},
}

const dayOfSeconds = 86400

// retain applies retention some days after base.
func retain(t *testing.T, s storage.Store, r store.Retention, days int) {
	t.Helper()
	now := func() time.Time { return at(days * dayOfSeconds) }
	h := store.New(s.(keeper).Backend(), s, noLog, store.WithRetention(r), store.WithClock(now))
	ok(t, h.Retain(testContext(t)))
	noProblems(t, s)
}

// tenMinutes are positions of a device, ten seconds apart.
func tenMinutes(deviceID int64, from int) []data.Position {
	batch := make([]data.Position, 60)
	for i := range batch {
		batch[i] = newPosition(deviceID, from+10*i)
	}
	return batch
}

func retentionForEver(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	insert(t, s, tenMinutes(d.ID, 0)...)
	compact(t, s)
	retain(t, s, store.Retention{}, 100_000)
	retain(t, s, store.Retention{FullDays: 100_001}, 100_000)
	equal(t, "positions", len(history(t, s, d.ID)), 60)
}

func retentionThins(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	old := tenMinutes(d.ID, 0)
	old[8].Attributes.SetString("alarm", "sos")
	old[33].Attributes.SetInt("event", 240)
	insert(t, s, old...)
	insert(t, s, tenMinutes(d.ID, 5*dayOfSeconds)...)
	compact(t, s)
	r := store.Retention{FullDays: 3}
	retain(t, s, r, 6)
	var want []time.Time
	minute := time.Time{}
	for i := range old {
		if m := old[i].FixTime.Truncate(time.Minute); m != minute || i == 8 || i == 33 {
			minute = m
			want = append(want, old[i].FixTime)
		}
	}
	var have []time.Time
	ok(t, s.PositionsBetween(testContext(t), d.ID, at(0), at(dayOfSeconds), 1000, func(p *data.Position) error {
		have = append(have, p.FixTime)
		return nil
	}))
	equal(t, "thinned", have, want)
	equal(t, "with what is new", len(history(t, s, d.ID)), len(want)+60)
	retain(t, s, r, 6)
	retain(t, s, r, 7)
	equal(t, "thinned again", len(history(t, s, d.ID)), len(want)+60)
	retain(t, s, r, 9)
	if n := len(history(t, s, d.ID)); n > 2*len(want) {
		t.Errorf("%d positions are left after all was thinned", n)
	}
}

func retentionRemoves(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	insert(t, s, tenMinutes(d.ID, -60*dayOfSeconds)...)
	insert(t, s, tenMinutes(d.ID, 0)...)
	newest := insert(t, s, tenMinutes(d.ID, dayOfSeconds)...)[59]
	compact(t, s)
	spans := func() int {
		return len(get(t, func() ([]int64, error) { return s.(keeper).Backend().Spans(testContext(t)) }))
	}
	before := spans()
	r := store.Retention{FullDays: 10, ThinDays: -1}
	retain(t, s, r, 9)
	equal(t, "the first are gone", len(history(t, s, d.ID)), 120)
	equal(t, "months", spans(), before-1)
	retain(t, s, r, 11)
	equal(t, "one day later, those of the first day are", len(history(t, s, d.ID)), 60)
	r.ThinDays = 5
	retain(t, s, r, 12)
	if n := len(history(t, s, d.ID)); n == 0 || n > 12 {
		t.Errorf("%d positions are left after all was thinned", n)
	}
	retain(t, s, r, 100)
	equal(t, "all", len(history(t, s, d.ID)), 0)
	equal(t, "the newest is known for ever", latest(t, s, nil), []data.Position{newest})
	equal(t, "position id", device(t, s, d.ID).PositionID, newest.ID)
	equal(t, "a repeat of what was removed", insert(t, s, newPosition(d.ID, 2*dayOfSeconds))[0].ID, newest.ID+1)
}

func retentionOfADevice(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	usual, long, short := newDevice(t, s, "usual"), newDevice(t, s, "long"), newDevice(t, s, "short")
	long.Attributes = map[string]any{store.AttributeFullDays: 0.0}
	short.Attributes = map[string]any{store.AttributeFullDays: 1.0, store.AttributeThinDays: -1.0}
	ok(t, s.UpdateDevice(ctx, long))
	ok(t, s.UpdateDevice(ctx, short))
	for _, d := range []*data.Device{usual, long, short} {
		insert(t, s, tenMinutes(d.ID, -60*dayOfSeconds)...)
		insert(t, s, tenMinutes(d.ID, 0)...)
	}
	compact(t, s)
	retain(t, s, store.Retention{FullDays: 30, ThinDays: -1}, 3)
	equal(t, "usual", len(history(t, s, usual.ID)), 60)
	equal(t, "long", len(history(t, s, long.ID)), 120)
	equal(t, "short", len(history(t, s, short.ID)), 0)
}

func retentionAndLatePoints(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	all := tenMinutes(d.ID, 0)
	insert(t, s, all[40:]...)
	compact(t, s)
	r := store.Retention{FullDays: 3}
	retain(t, s, r, 6)
	insert(t, s, all[:40]...)
	compact(t, s)
	retain(t, s, r, 6)
	if n := len(history(t, s, d.ID)); n < 10 || n > 12 {
		t.Errorf("%d positions are left of ten minutes", n)
	}
}
