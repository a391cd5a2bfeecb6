package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// march is a time in March 2026, in milliseconds.
func march(minutes int) int64 {
	return time.Date(2026, 3, 1, 0, minutes, 0, 0, time.UTC).UnixMilli()
}

func newBlock(deviceID int64, first, last int64, numbers ...uint32) history.Block {
	return history.Block{
		DeviceID: deviceID, First: first, Last: last, MinNumber: numbers[0], MaxNumber: numbers[len(numbers)-1],
		Points: 3, Data: bytes.Repeat([]byte{byte(numbers[0])}, 5000), // does not fit beside the others
	}
}

func put(t testing.TB, ctx context.Context, s *Store, blocks ...history.Block) {
	t.Helper()
	var changes []history.Change
	for _, k := range blocks {
		changes = append(changes, history.Change{DeviceID: k.DeviceID, Put: []history.Block{k}})
	}
	ok(t, backend{s}.ReplaceBlocks(ctx, changes))
}

func TestBlocks(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 2)
	one, other := ids[0], ids[1]
	hidden := newBlock(77, march(0), march(1), 1)
	k := []history.Block{
		newBlock(one, history.ZeroTime, history.ZeroTime+9, 90),
		newBlock(one, march(-30), march(-10), 1, 5), // in February
		newBlock(one, march(0), march(20), 6, 20),
		newBlock(one, march(21), march(59), 15, math.MaxUint32),
		newBlock(one, time.Date(2150, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2150, 1, 1, 0, 1, 0, 0, time.UTC).UnixMilli(), 7),
	}
	put(t, ctx, s, append(k, hidden, newBlock(other, march(0), march(59), 1, 9))...)

	all := func(from, to int64, limit int) []history.Block {
		t.Helper()
		return get2(b.Blocks(ctx, one, from, to, limit))
	}
	equal(t, "all", all(math.MinInt64, math.MaxInt64, 99), k)
	equal(t, "overlapping", all(march(-10), march(0), 99), k[1:3])
	equal(t, "within one", all(march(10), march(11), 99), k[2:3])
	equal(t, "between two", all(march(-9), march(-1), 99), []history.Block(nil))
	equal(t, "some", all(march(-10), math.MaxInt64, 2), k[1:3])
	equal(t, "before", get2(b.BlocksBefore(ctx, one, march(21), 2)), []history.Block{k[2], k[1]})
	equal(t, "with numbers", get2(b.BlocksWith(ctx, one, []uint32{16, 3, math.MaxUint32})), k[1:4])
	equal(t, "with a number of none", get2(b.BlocksWith(ctx, other, []uint32{10})), []history.Block(nil))
	equal(t, "with no numbers", get2(b.BlocksWith(ctx, other, nil)), []history.Block(nil))
	equal(t, "of a device that does not exist", get2(b.Blocks(ctx, 77, 0, math.MaxInt64, 9)), []history.Block(nil))
	ok(t, b.Update(ctx, ids, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
		at := func(at ...history.Key) []history.Block { return get2(tx.BlocksAt(ctx, at)) }
		equal(t, "at", at(history.Key{DeviceID: one, Time: march(59)}, history.Key{DeviceID: one, Time: march(-20)},
			history.Key{DeviceID: one, Time: march(22)}, history.Key{DeviceID: one, Time: history.ZeroTime}), []history.Block{k[0], k[1], k[3]})
		equal(t, "at times of none", at(history.Key{DeviceID: one, Time: march(-5)}, history.Key{DeviceID: other, Time: march(60)}), []history.Block(nil))
		equal(t, "at no times", at(), []history.Block(nil))
		return nil
	}))

	equal(t, "months", get2(b.Spans(ctx)), []int64{history.Month(history.ZeroTime), history.Month(march(-1)), history.Month(march(0)), history.Month(math.MaxInt64)})
	joined := newBlock(one, march(0), march(59), 6, 20)
	aside := []int64{march(21), march(22)} // one that is not there is no error
	ok(t, b.ReplaceBlocks(ctx, []history.Change{
		{DeviceID: one, Remove: []int64{march(0), march(1)}, Aside: aside, Put: []history.Block{joined}},
		{DeviceID: one, Remove: []int64{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}}, // a month that is not there
		{DeviceID: one},
	}))
	equal(t, "replaced", all(march(0), march(60), 99), []history.Block{joined})
	equal(t, "of the other", len(get2(b.Blocks(ctx, other, 0, math.MaxInt64, 9))), 1)
	equal(t, "aside", get2(list(ctx, s, "read", scanBlock, `SELECT * FROM blocks_aside`)), k[3:4])

	ok(t, b.DeleteBlocks(ctx, one, march(-30), march(58)))
	equal(t, "deleted", all(march(-40), march(60), 99), []history.Block{joined})
	ok(t, b.DropSpan(ctx, history.Month(march(0))))
	ok(t, b.DropSpan(ctx, history.Month(march(0))))
	equal(t, "a month dropped", all(math.MinInt64, math.MaxInt64, 99), []history.Block{k[0], k[4]})
	equal(t, "months", len(get2(b.Spans(ctx))), 3)
	put(t, ctx, s, joined)
	equal(t, "the month again", all(march(0), march(60), 99), []history.Block{joined})
}

// TestMonthsOfAnotherProcess has a month dropped and made by others.
func TestMonthsOfAnotherProcess(t *testing.T) {
	url := pgtest.Open(t)
	ctx, s := opened(t, url)
	_, other := opened(t, url)
	id := makeDevices(t, ctx, s, 1)[0]
	put(t, ctx, s, newBlock(id, march(0), march(1), 1))
	put(t, ctx, other, newBlock(id, march(2), march(3), 2))
	ok(t, backend{other}.DropSpan(ctx, history.Month(march(0))))
	put(t, ctx, s, newBlock(id, march(4), march(5), 3))
	equal(t, "blocks", len(get2(backend{other}.Blocks(ctx, id, 0, math.MaxInt64, 9))), 1)

	errs := make(chan error)
	for i := range 8 {
		store := []*Store{s, other}[i%2]
		go func() {
			k := newBlock(id, march(i)+1e12, march(i)+1e12, uint32(i))
			errs <- backend{store}.ReplaceBlocks(ctx, []history.Change{{DeviceID: id, Put: []history.Block{k}}})
		}()
	}
	for range 8 {
		ok(t, <-errs)
	}
}

func TestCheckFiles(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	id := makeDevices(t, ctx, s, 1)[0]
	put(t, ctx, s, newBlock(id, march(0), march(1), 1), newBlock(id, march(2), march(3), 2))
	check := func() (texts []string) {
		t.Helper()
		ok(t, b.CheckFiles(ctx, func(text string) { texts = append(texts, text) }))
		return texts
	}
	equal(t, "all well", check(), []string(nil))
	ok(t, b.ReplaceBlocks(ctx, []history.Change{{DeviceID: id, Aside: []int64{march(0)}}}))
	_, err := s.exec(ctx, "make a stranger", `INSERT INTO hot VALUES (77, 1, 1, 1, 0, '')`)
	ok(t, err)
	texts := check()
	if len(texts) != 2 || !strings.Contains(texts[0], fmt.Sprintf("device %d: 1 blocks with 3 positions", id)) || !strings.Contains(texts[1], "device 77: ") {
		t.Errorf("problems are %q", texts)
	}
}

func TestDropDevice(t *testing.T) {
	ctx, s := opened(t, pgtest.Open(t))
	b := backend{s}
	ids := makeDevices(t, ctx, s, 3)
	var rows []history.Row
	for n := range dropPortion + 1 {
		for _, id := range ids {
			rows = append(rows, newRow(id, int64(n), uint32(n+1)))
		}
	}
	appendRows(t, ctx, s, rows...)
	for _, id := range ids {
		put(t, ctx, s, newBlock(id, march(0), march(1), 1))
	}
	ok(t, s.DeleteDevice(ctx, ids[0]))
	ok(t, b.DropDevice(ctx, ids[1]))
	for i, want := range []struct{ rows, blocks, heads int }{{0, 0, 0}, {0, 0, 0}, {dropPortion + 1, 1, 1}} {
		equal(t, "rows", len(get2(b.Hot(ctx, ids[i], -1, 0, 1e9, 1e6))), want.rows)
		equal(t, "blocks", len(get2(b.Blocks(ctx, ids[i], 0, math.MaxInt64, 9))), want.blocks)
		equal(t, "heads", len(get2(b.Heads(ctx, ids[i:i+1]))), want.heads)
	}
	// What was read before the device went is not written after.
	put(t, ctx, s, newBlock(ids[0], march(0), march(1), 1))
	equal(t, "blocks", len(get2(b.Blocks(ctx, ids[0], 0, math.MaxInt64, 9))), 0)
}

// TestDamagedBlock empties the pages where the server keeps large values: one
// block cannot be read, the one that fits into its row can.
func TestDamagedBlock(t *testing.T) {
	server := pgtest.NewServer(t)
	ctx, s := opened(t, server.URL)
	b := backend{s}
	id := makeDevices(t, ctx, s, 1)[0]
	small, lost := newBlock(id, march(0), march(1), 1, 2), newBlock(id, march(5), march(6), 3, 4)
	small.Data = []byte("small")
	put(t, ctx, s, small, lost)
	file := get2(list(ctx, s, "find the file", scanText, `SELECT pg_relation_filepath(reltoastrelid)
		FROM pg_class WHERE relname = $1`, monthOf(march(0)).table()))[0]
	server.Stop(t)
	path := filepath.Join(server.Folder(), file)
	size := get2(os.Stat(path)).Size()
	ok(t, os.WriteFile(path, make([]byte, size), 0o600))
	server.Start(t)

	read := func(what string, found []history.Block, err error) {
		t.Helper()
		wantError(t, what, err, block.ErrCorrupt)
		equal(t, what, found, []history.Block{small})
	}
	_, err := b.Heads(ctx, nil) // the first call may meet connections that are gone
	for err != nil {
		_, err = b.Heads(ctx, nil)
	}
	found, err := b.Blocks(ctx, id, 0, math.MaxInt64, 9)
	read("blocks", found, err)
	found, err = b.BlocksBefore(ctx, id, math.MaxInt64, 9)
	read("before", found, err)
	found, err = b.BlocksWith(ctx, id, []uint32{1, 3})
	read("with", found, err)
	ok(t, b.Update(ctx, []int64{id}, func(ctx context.Context, tx history.Tx, _ map[int64]*history.Head) error {
		found, err := tx.BlocksAt(ctx, []history.Key{{DeviceID: id, Time: march(1)}, {DeviceID: id, Time: march(5)}})
		read("at", found, err)
		return tx.AppendHot(ctx, []history.Row{newRow(id, 1, 5)})
	}))
	equal(t, "the transaction went on", len(get2(b.Hot(ctx, id, 0, 0, 9, 9))), 1)

	ok(t, b.ReplaceBlocks(ctx, []history.Change{{DeviceID: id, Aside: []int64{lost.First}}}))
	equal(t, "blocks", get2(b.Blocks(ctx, id, 0, math.MaxInt64, 9)), []history.Block{small})
	lost.Data = []byte{}
	equal(t, "aside", get2(list(ctx, s, "read", scanBlock, `SELECT * FROM blocks_aside`)), []history.Block{lost})
	if errors.Is(s.Ping(ctx), block.ErrCorrupt) {
		t.Error("all is called damaged")
	}
}
