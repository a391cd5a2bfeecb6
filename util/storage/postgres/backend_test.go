package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// opened is a store, as another process would have it, and a context that ends.
func opened(t testing.TB, url string) (context.Context, *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s, err := Open(ctx, url, slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return ctx, s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, what string, have, want any) {
	t.Helper()
	if !reflect.DeepEqual(have, want) {
		t.Fatalf("%s:\nhave %+v\nwant %+v", what, have, want)
	}
}

func wantError(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%s: error is %v, want one that is %q", what, err, kind)
	}
}

func makeDevices(t testing.TB, ctx context.Context, s *Store, n int) []int64 {
	t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		d := data.Device{UniqueID: fmt.Sprint("device ", i)}
		ok(t, s.CreateDevice(ctx, &d))
		ids[i] = d.ID
	}
	return ids
}

// newRow is a row whose other fields follow from its time.
func newRow(deviceID, time int64, number uint32) history.Row {
	return history.Row{DeviceID: deviceID, Time: time, Number: number, Fingerprint: ^uint32(time), Position: fmt.Append(nil, deviceID, "/", time)}
}

func appendRows(t testing.TB, ctx context.Context, s *Store, rows ...history.Row) {
	t.Helper()
	var devices []int64
	for _, r := range rows {
		devices = append(devices, r.DeviceID)
	}
	ok(t, backend{s}.Update(ctx, devices, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
		return tx.AppendHot(ctx, rows)
	}))
}

func TestHotRows(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 2)
	one, other := ids[0], ids[1]
	rows := []history.Row{
		newRow(one, history.ZeroTime, 5), newRow(one, -1, 1), newRow(one, 10, 2), newRow(one, 10, 4), newRow(one, 20, math.MaxUint32),
	}
	appendRows(t, ctx, s, rows[3], rows[1], rows[4])
	ok(t, b.Seal(ctx, 1000)) // the rest is in another generation
	appendRows(t, ctx, s, rows[2], newRow(other, 10, 1), rows[0])

	hot := func(from int64, after uint32, to int64, limit int) []history.Row {
		t.Helper()
		return get2(b.Hot(ctx, one, from, after, to, limit))
	}
	equal(t, "all", hot(history.ZeroTime, 0, math.MaxInt64, 100), rows)
	equal(t, "after a number of a time", hot(10, 2, math.MaxInt64, 100), rows[3:])
	equal(t, "up to a time", hot(-1, 0, 10, 100), rows[1:4])
	equal(t, "some", hot(-2, 0, 20, 2), rows[1:3])
	equal(t, "none", hot(20, math.MaxUint32, math.MaxInt64, 9), []history.Row(nil))
	equal(t, "before", get2(b.HotBefore(ctx, one, 20, 3)), []history.Row{rows[3], rows[2], rows[1]})
	equal(t, "numbers", get2(b.HotNumbers(ctx, one, []uint32{4, math.MaxUint32, 77})), []history.Row{rows[3], rows[4]})

	ok(t, b.Update(ctx, ids, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
		found, err := tx.HotKeys(ctx, []history.Key{{DeviceID: other, Time: 10}, {DeviceID: one, Time: 20}, {DeviceID: one, Time: 20}, {DeviceID: other, Time: 20}})
		keys := make(map[history.Key]int)
		for _, k := range found {
			keys[k]++
		}
		equal(t, "keys", keys, map[history.Key]int{{DeviceID: other, Time: 10, Fingerprint: ^uint32(10)}: 1, {DeviceID: one, Time: 20, Fingerprint: ^uint32(20)}: 1})
		return err
	}))

	ok(t, b.DeleteHot(ctx, one, -1, 10))
	equal(t, "after a delete", hot(history.ZeroTime, 0, math.MaxInt64, 9), []history.Row{rows[0], rows[4]})
	equal(t, "of the other", len(get2(b.Hot(ctx, other, 0, 0, 99, 9))), 1)
}

// get2 makes a result and an error one value.
func get2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestUpdateHeads(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 3)
	_, err := s.exec(ctx, "remove a head", `DELETE FROM device_heads WHERE device_id = $1`, ids[1])
	ok(t, err)
	want := map[int64]*history.Head{}
	for i, id := range ids {
		want[id] = &history.Head{DeviceID: id, LastUpdate: history.ZeroTime, Newest: history.Row{DeviceID: id, Position: []byte{}}}
		_ = i
	}
	change := history.Head{
		DeviceID: ids[1], LastUpdate: 7, LastNumber: math.MaxUint32, MaxTime: -5, Thinned: 3,
		Newest: history.Row{DeviceID: ids[1], Time: -6, Number: math.MaxUint32 - 1, Fingerprint: math.MaxUint32, Position: []byte{0, 1, 255}},
	}
	times := 0
	ok(t, b.Update(ctx, []int64{ids[2], 77, ids[1], ids[0], ids[1]}, func(ctx context.Context, tx history.Tx, heads map[int64]*history.Head) error {
		times++
		equal(t, "new heads, also of a device that had none, not of one that does not exist", heads, want)
		return tx.SetHeads(ctx, []*history.Head{&change})
	}))
	equal(t, "times", times, 1)
	equal(t, "stored", get2(b.Heads(ctx, []int64{ids[1], 77})), []history.Head{change})
	equal(t, "all", len(get2(b.Heads(ctx, nil))), 3)
	equal(t, "none", get2(b.Heads(ctx, []int64{})), []history.Head(nil))
	d := get2(s.Device(ctx, ids[1]))
	equal(t, "position id", d.PositionID, history.ID(ids[1], math.MaxUint32-1))
	equal(t, "last update", d.LastUpdate, time.UnixMilli(7).UTC())

	mine := errors.New("mine")
	err = b.Update(ctx, ids, func(ctx context.Context, tx history.Tx, heads map[int64]*history.Head) error {
		ok(t, tx.AppendHot(ctx, []history.Row{newRow(ids[0], 1, 1)}))
		equal(t, "what the work has added", len(get2(b.Hot(ctx, ids[0], 0, 0, 9, 9))), 1)
		ok(t, tx.SetHeads(ctx, []*history.Head{{DeviceID: ids[1], LastUpdate: 8}}))
		return mine
	})
	equal(t, "the error of the work, as it is", err, mine)
	equal(t, "after an error", get2(b.Heads(ctx, ids[1:2])), []history.Head{change})
	equal(t, "after an error", len(get2(b.Hot(ctx, ids[0], 0, 0, 9, 9))), 0)

	err = b.Update(ctx, ids, func(ctx context.Context, tx history.Tx, heads map[int64]*history.Head) error {
		ok(t, tx.AppendHot(ctx, []history.Row{newRow(ids[0], 1, 1)}))
		if _, err := s.exec(ctx, "fail", `SELECT 1/0`); err == nil {
			t.Error("no error")
		}
		return nil
	})
	if err == nil {
		t.Error("a transaction that could not be committed gives no error")
	}
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
	equal(t, "connections in use", s.pool.Stat().AcquiredConns(), int32(0))
}

// TestUpdatesReadOnTheirOwnConnection has more of them at once than there are
// connections, each with questions.
func TestUpdatesReadOnTheirOwnConnection(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t)+"&pool_max_conns=1")
	b := backend{s}
	ids := makeDevices(t, ctx, s, 20)
	errs := make(chan error, len(ids))
	for _, id := range ids {
		go func() {
			errs <- b.Update(ctx, []int64{id}, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
				_, err := b.Hot(ctx, id, 0, 0, 1, 1)
				_, err2 := b.Blocks(ctx, id, 0, 1, 1)
				return errors.Join(err, err2, tx.AppendHot(ctx, []history.Row{newRow(id, 1, 1)}))
			})
		}()
	}
	for range ids {
		ok(t, <-errs)
	}
	equal(t, "rows", get2(b.Generations(ctx))[0].Rows, int64(len(ids)))
}

func TestScanHot(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 3)
	var rows, want []history.Row
	for n := range scanPage { // more than two pages
		for _, id := range ids {
			rows = append(rows, newRow(id, int64(n/2), uint32(n+1)))
		}
	}
	appendRows(t, ctx, s, rows...)
	ok(t, b.Seal(ctx, 5))
	appendRows(t, ctx, s, newRow(ids[0], 1, 9999))
	for _, id := range ids {
		for n := range scanPage {
			want = append(want, newRow(id, int64(n/2), uint32(n+1)))
		}
	}
	scan := func(device, time int64) (all []history.Row) {
		t.Helper()
		ok(t, b.ScanHot(ctx, 1, device, time, func(r *history.Row) error { all = append(all, *r); return nil }))
		return all
	}
	equal(t, "all", scan(-1, 0), want)
	equal(t, "after a time", scan(ids[1], 99), want[scanPage+200:])
	stop := errors.New("stop")
	calls := 0
	err := b.ScanHot(ctx, 1, 0, 0, func(*history.Row) error { calls++; return stop })
	equal(t, "the error of each", err, stop)
	equal(t, "calls", calls, 1)
	equal(t, "generations", get2(b.Generations(ctx)), []history.Generation{
		{ID: 1, Rows: int64(len(rows)), Sealed: true, Since: get2(b.Generations(ctx))[0].Since}, {ID: 2, Rows: 1, Since: 5},
	})

	ok(t, b.Seal(ctx, 6))
	equal(t, "while a sealed one is left, none is sealed", len(get2(b.Generations(ctx))), 2)
	wantError(t, "drop of the current one", b.DropHot(ctx, 2), data.ErrConflict)
	ok(t, b.DropHot(ctx, 1))
	ok(t, b.DropHot(ctx, 1))
	equal(t, "a generation that is gone", scan(-1, 0), []history.Row(nil))
	equal(t, "generations", get2(b.Generations(ctx)), []history.Generation{{ID: 2, Rows: 1, Since: 5}})
}

// TestLargeGenerations is about those whose rows are told from their size.
func TestLargeGenerations(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	makeDevices(t, ctx, s, 1)
	const devices, rows = 70, 42000
	_, err := s.exec(ctx, "make rows", `INSERT INTO hot SELECT n % $1, n, n, 1, 0, decode(repeat('ab', 120), 'hex') FROM generate_series(1, $2) AS n`, devices, rows)
	ok(t, err)
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			_, err := s.exec(ctx, "analyze", `ANALYZE hot`)
			ok(t, err)
		}
		g := get2(backend{s}.Generations(ctx))[0]
		equal(t, "devices", g.Devices, int64(devices))
		if off := math.Abs(float64(g.Rows)/rows - 1); off > 0.3 || analyzed && off > 0.02 {
			t.Errorf("analyzed %v: told %d rows of %d", analyzed, g.Rows, rows)
		}
	}
}
