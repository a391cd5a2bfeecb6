package storagetest

import (
	"fmt"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Bench measures what a back end spends most of its time with. open makes an
// empty store.
func Bench(b *testing.B, open func(b *testing.B) storage.Store) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("insert/", size), func(b *testing.B) { benchInsert(b, open(b), size) })
	}
	b.Run("walk/8640", func(b *testing.B) { benchWalk(b, open(b), 8640) })
}

// benchInsert stores batches as they arrive: one report of each device after
// the other.
func benchInsert(b *testing.B, s storage.Store, size int) {
	defer s.Close()
	const devices = 500
	var all [devices]int64
	for i := range all {
		all[i] = newDevice(b, s, fmt.Sprint(i)).ID
	}
	ctx := testContext(b)
	batch, next := make([]data.Position, size), 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range batch {
			batch[i] = newPosition(all[next%devices], next/devices)
			next++
		}
		f := fingerprints(batch)
		b.StartTimer()
		ok(b, s.InsertPositions(ctx, batch, f))
	}
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "positions/s")
}

// benchWalk reads a day of a device.
func benchWalk(b *testing.B, s storage.Store, size int) {
	defer s.Close()
	d := newDevice(b, s, "a")
	day := make([]data.Position, size)
	for i := range day {
		day[i] = newPosition(d.ID, i)
	}
	insert(b, s, day...)
	ctx := testContext(b)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		ok(b, s.PositionsBetween(ctx, d.ID, at(0), at(size), size, func(*data.Position) error { n++; return nil }))
		if n != size {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "positions/s")
}
