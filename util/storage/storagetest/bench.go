package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

// Bench measures what a back end spends most of its time with. open makes an
// empty store.
func Bench(b *testing.B, open func(b *testing.B) storage.Store) {
	for _, size := range []int{1, 200, 1000} {
		b.Run(fmt.Sprint("insert/", size), func(b *testing.B) { benchInsert(b, open(b), size) })
	}
	b.Run("start/10000", func(b *testing.B) { benchStart(b, open(b), 10_000) })
	b.Run("trips/1000", func(b *testing.B) { benchTrips(b, open(b), 1000) })
	b.Run("walk/8640", func(b *testing.B) { benchWalk(b, open(b), 8640) })
}

// benchInsert stores batches as they arrive: one report of each device after
// the other.
func benchInsert(b *testing.B, s storage.Store, size int) {
	defer s.Close()
	const devices = 2000
	var all [devices]int64
	for i := range all {
		all[i] = newDevice(b, s, fmt.Sprint(i)).ID
	}
	ctx := testContext(b)
	batch, next := make([]data.Position, size), 0
	b.ReportAllocs()
	var used time.Duration // by the whole process
	for b.Loop() {
		b.StopTimer()
		for i := range batch {
			batch[i] = newPosition(all[next%devices], next/devices)
			next++
		}
		f := fingerprints(batch)
		before := cpuTime()
		b.StartTimer()
		ok(b, s.InsertPositions(ctx, batch, f, nil))
		used += cpuTime() - before
	}
	b.ReportMetric(float64(used.Microseconds())/float64(size*b.N), "cpu-µs/position")
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

// benchTrips lists a month of the trips of devices: four on each of 30 days.
func benchTrips(b *testing.B, s storage.Store, devices int) {
	defer s.Close()
	ctx := testContext(b)
	const perDay, days, step = 4, 30, 6 * 3600
	var all []int64
	var findings []storage.Findings
	for i := range devices {
		f := storage.Findings{DeviceID: newDevice(b, s, fmt.Sprint(i)).ID}
		for n := range 2 * perDay * days { // and another month
			t := newTrip(n*step, n*step+1800)
			t.Path = strings.Repeat("_p~iF~ps|U", 16)
			f.Trips = append(f.Trips, t)
		}
		all = append(all, f.DeviceID)
		findings = append(findings, f)
	}
	for some := range slices.Chunk(findings, 100) {
		ok(b, s.Refold(ctx, all[0], gives(some...)))
	}
	before := cpuTime()
	defer func() { b.ReportMetric(float64((cpuTime()-before).Milliseconds())/float64(b.N), "cpu-ms/list") }()
	for b.Loop() {
		n := 0
		ok(b, s.Trips(ctx, all, at(0), at(perDay*days*step-1), func(int64, *trips.Trip) error { n++; return nil }))
		if n != devices*perDay*days {
			b.Fatal(n)
		}
	}
}

// benchStart reads what a server reads of all devices when it starts.
func benchStart(b *testing.B, s storage.Store, devices int) {
	defer s.Close()
	ctx := testContext(b)
	batch := make([]data.Position, devices)
	for i := range batch {
		batch[i] = newPosition(newDevice(b, s, fmt.Sprint(i)).ID, i%3600)
	}
	insert(b, s, batch...)
	if s, ok := s.(keeper); ok {
		if err := s.Compact(ctx); err != nil {
			b.Fatal(err)
		}
	}
	insert(b, s, newPosition(batch[0].DeviceID, 9999))
	for b.Loop() {
		last, err := s.LatestPositions(ctx, nil)
		ok(b, err)
		all, err := s.ListDevices(ctx, storage.DeviceFilter{})
		ok(b, err)
		if len(last) != devices || len(all) != devices {
			b.Fatal(len(last), len(all))
		}
	}
}
