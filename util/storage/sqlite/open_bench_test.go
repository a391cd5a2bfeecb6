package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// BenchmarkOpen opens a store that was killed with half a million positions in
// its hot part, of 10,000 devices.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openIn(b, dir)
	const devices, rounds = 10_000, 50
	drives := make([][]data.Position, devices)
	for i := range drives {
		drives[i] = drive(newDevice(b, s, fmt.Sprint(i)), march, rounds, time.Second)
	}
	for r := range rounds {
		batch := make([]data.Position, 0, devices)
		for _, d := range drives {
			batch = append(batch, d[r])
		}
		insert(b, s, batch)
	}
	s.Close()
	b.ResetTimer()
	for b.Loop() {
		s, err := sqlite.Open(b.Context(), dir, noLog)
		if err != nil {
			b.Fatal(err)
		}
		if last, err := s.LatestPositions(b.Context(), nil); err != nil || len(last) != devices {
			b.Fatalf("%d newest positions, error is %v", len(last), err)
		}
		s.Close()
	}
}
