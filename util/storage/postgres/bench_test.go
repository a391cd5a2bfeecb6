//go:build linux

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// BenchmarkReports stores a report of each of many devices, batch after batch,
// and tells what a position costs: the time of this process's and of the
// server's processes. (The server of pgtest does not wait for its disk; name
// another one to measure that.)
func BenchmarkReports(b *testing.B) {
	for _, size := range []int{500, 1000} {
		for _, devices := range []int{1000, 5000} {
			b.Run(fmt.Sprintf("batch=%d/devices=%d", size, devices), func(b *testing.B) { benchReports(b, size, devices) })
		}
	}
}

func benchReports(b *testing.B, size, devices int) {
	s, err := Open(b.Context(), pgtest.Open(b), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ids, err := list(b.Context(), s, "make devices", scanID, `WITH made AS (
		INSERT INTO devices (name, unique_id, search, group_id, phone, model, contact, category, disabled, expires_at, attributes)
		SELECT '', n::text, '', 0, '', '', '', '', false, 0, '{}' FROM generate_series(1, $1) AS n RETURNING id)
		INSERT INTO device_heads (device_id) SELECT id FROM made RETURNING device_id`, devices)
	if err != nil {
		b.Fatal(err)
	}
	base := time.Date(2026, 3, 29, 1, 59, 58, 0, time.UTC)
	next := 0
	batch, fingerprints := make([]data.Position, size), make([]uint64, size)
	fill := func() {
		for i := range batch {
			at := base.Add(time.Duration(next/devices) * 10 * time.Second)
			p := data.Position{
				DeviceID: ids[next%devices], Protocol: "teltonika", Valid: true, ServerTime: at.Add(time.Second), DeviceTime: at, FixTime: at,
				Latitude: 52.5 + float64(next)/1e7, Longitude: 13.4, SpeedKnots: 20, CourseDeg: 90, AltitudeM: 34,
			}
			p.Attributes.SetBool("ignition", true)
			p.Attributes.SetInt("sat", 9)
			p.Attributes.SetFloat("odometer", float64(next))
			p.Attributes.SetFloat("power", 12.4)
			batch[i], fingerprints[i] = p, uint64(next)
			next++
		}
	}
	fill()
	if err := s.InsertPositions(b.Context(), batch, fingerprints, nil); err != nil { // prepares the statements
		b.Fatal(err)
	}
	server := serverTime(b, s)
	var client time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		fill()
		b.StartTimer()
		before := ownTime(b)
		if err := s.InsertPositions(b.Context(), batch, fingerprints, nil); err != nil {
			b.Fatal(err)
		}
		client += ownTime(b) - before
		b.StopTimer()
		b.StartTimer()
	}
	b.StopTimer()
	n := float64(size) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "positions/s")
	b.ReportMetric(float64((serverTime(b, s)-server).Nanoseconds())/n/1e3, "server-µs/position")
	b.ReportMetric(float64(client.Nanoseconds())/n/1e3, "client-µs/position")
	hot, err := one(b.Context(), s, "ask for the size", scanID, `SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits WHERE inhparent = 'hot'::regclass`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(hot)/float64(next), "bytes/position")
	benchCompact(b, s, next)
}

// benchCompact moves all that was stored into blocks.
func benchCompact(b *testing.B, s *Store, positions int) {
	server, own, began := serverTime(b, s), ownTime(b), time.Now()
	if err := s.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	n := float64(positions) * 1e3
	b.ReportMetric(float64((serverTime(b, s)-server).Nanoseconds())/n, "compact-server-µs/position")
	b.ReportMetric(float64((ownTime(b)-own).Nanoseconds())/n, "compact-client-µs/position")
	b.ReportMetric(float64(positions)/time.Since(began).Seconds(), "compacted/s")
}

// serverTime is what all processes of the server have used, if it runs here.
func serverTime(b *testing.B, s *Store) (sum time.Duration) {
	pid, err := one(context.Background(), s, "ask for the process", scanID, `SELECT pg_backend_pid()::bigint`)
	if err != nil {
		b.Fatal(err)
	}
	parent := field(fmt.Sprintf("/proc/%d/stat", pid), 4)
	all, _ := os.ReadDir("/proc")
	for _, e := range all {
		stat := "/proc/" + e.Name() + "/stat"
		if e.Name() == parent || field(stat, 4) == parent {
			sum += cpuTime(stat)
		}
	}
	return sum
}

// ownTime is what this process has used.
func ownTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuTime is utime and stime of a process, with the time of the children that
// have ended (proc(5)).
func cpuTime(stat string) time.Duration {
	const tick = 10 * time.Millisecond
	var sum time.Duration
	for i := 14; i <= 17; i++ {
		n, _ := strconv.Atoi(field(stat, i))
		sum += time.Duration(n) * tick
	}
	return sum
}

// field is a field of a stat file, counted from 1; the name, which may hold
// blanks, is the second.
func field(stat string, n int) string {
	text, err := os.ReadFile(stat)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if n-3 >= len(fields) {
		return ""
	}
	return fields[n-3]
}
