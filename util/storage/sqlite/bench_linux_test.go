package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// sizeVariable makes BenchmarkDay run on that many positions, for a figure at
// the size of a large server: 100000000 takes some minutes and 2 GB of disk.
const sizeVariable = "WAYMARK_BENCH_POSITIONS"

// BenchmarkDay reads a day of a device, 8640 positions, from a store of some
// millions: warm, and cold (without the system's cache of the files).
func BenchmarkDay(b *testing.B) {
	const perDay, days = 8640, 29
	total := 2_000_000
	if v := os.Getenv(sizeVariable); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		total = n
	}
	dir := b.TempDir()
	s := openIn(b, dir)
	devices := max(1, total/(perDay*days))
	began := time.Now()
	fill(b, s, devices, days, perDay)
	b.Logf("%d positions of %d devices in %v", devices*days*perDay, devices, time.Since(began).Round(time.Second))
	size := int64(0)
	files, err := filepath.Glob(filepath.Join(dir, "history", "*"))
	if err != nil || len(files) == 0 {
		b.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			size += info.Size()
		}
	}
	for _, kind := range []string{"warm", "cold"} {
		b.Run(kind, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			var took []time.Duration
			for b.Loop() {
				if kind == "cold" {
					b.StopTimer()
					forget(b, files)
					b.StartTimer()
				}
				n, from, begin := 0, benchDay(r.IntN(days)), time.Now()
				err := s.PositionsBetween(b.Context(), int64(1+r.IntN(devices)), from, from.Add(24*time.Hour-time.Millisecond), 1e6,
					func(*data.Position) error { n++; return nil })
				if err != nil || n != perDay {
					b.Fatal(n, err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(size)/float64(devices*days*perDay), "B/position")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
		})
	}
}

func benchDay(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }

// fill writes blocks as compaction does: an hour of all devices after another.
// Devices share a few drives, or making them up would take longest.
func fill(b *testing.B, s *sqlite.Store, devices, days, perDay int) {
	b.Helper()
	for i := range devices {
		newDevice(b, s, fmt.Sprint(i))
	}
	const drives = 16
	perHour := perDay / 24
	number := uint32(0)
	for hour := range 24 * days {
		from := benchDay(0).Add(time.Duration(hour) * time.Hour)
		var templates [drives]history.Block
		for i := range templates {
			batch := drive(int64(i+1), from, perHour, time.Hour/time.Duration(perHour))
			points := make([]block.Point, perHour)
			for j := range points {
				batch[j].ID = history.ID(int64(i+1), number+uint32(j)+1)
				points[j] = block.Point{Position: batch[j], Fingerprint: rand.Uint32()}
			}
			packed, err := block.Append(nil, points)
			if err != nil {
				b.Fatal(err)
			}
			templates[i] = history.Block{
				First: from.UnixMilli(), Last: points[perHour-1].Position.FixTime.UnixMilli(),
				MinNumber: number + 1, MaxNumber: number + uint32(perHour), Points: perHour, Data: packed,
			}
		}
		number += uint32(perHour)
		changes := make([]history.Change, devices)
		for i := range changes {
			changes[i] = history.Change{DeviceID: int64(i + 1), Put: []history.Block{templates[i%drives]}}
			changes[i].Put[0].DeviceID = int64(i + 1)
		}
		if err := s.Backend().ReplaceBlocks(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
}

// forget takes files out of the system's cache.
func forget(b *testing.B, files []string) {
	b.Helper()
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue // -shm and -wal come and go
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); errno != 0 {
			b.Fatal(errno)
		}
		f.Close()
	}
}
