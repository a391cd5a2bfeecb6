package block

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// meanSize is the mean size of a point in blocks of n.
func meanSize(tb testing.TB, generate func(*rand.Rand, int) []Point, n int) float64 {
	const blocks = 40
	size := 0
	for seed := range uint64(blocks) {
		b, err := Append(nil, generate(rand.New(rand.NewPCG(seed, 3)), n))
		if err != nil {
			tb.Fatal(err)
		}
		size += len(b)
	}
	return float64(size) / blocks / float64(n)
}

func TestSize(t *testing.T) {
	for _, kind := range kinds {
		small, large := meanSize(t, kind.generate, 60), meanSize(t, kind.generate, 360)
		json := 0
		for _, p := range kind.generate(rand.New(rand.NewPCG(1, 3)), 60) {
			json += len(p.Position.Attributes.AppendJSON(nil))
		}
		t.Logf("%-24s %5.2f bytes per point of 60, %5.2f of 360; attributes are %d bytes of JSON", kind.name, small, large, json/60)
		if small > kind.most60 || large > kind.most360 {
			t.Errorf("%s: want at most %.1f and %.1f bytes per point", kind.name, kind.most60, kind.most360)
		}
	}
}

// The gate: allocations do not depend on the machine, times do. What is pooled
// may be made anew now and then, under the race detector on purpose.
func TestAllocations(t *testing.T) {
	const n = 360
	points := rich(rand.New(rand.NewPCG(1, 3)), n)
	b := block(t, points)
	var keys []Key
	for name, c := range map[string]struct {
		work     func() error
		perPoint float64
	}{
		"Append": {func() (err error) { b, err = Append(b[:0], points); return err }, 0.25},
		"Parse":  {func() (err error) { points, err = Parse(b, testDevice, points[:0]); return err }, 0.25},
		"Check":  {func() (err error) { _, err = Check(b); return err }, 0.25},
		"Keys":   {func() (err error) { keys, err = Keys(b, keys[:0]); return err }, 0.05},
	} {
		allocations := testing.AllocsPerRun(100, func() {
			if err := c.work(); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > c.perPoint*n {
			t.Errorf("%s: %v allocations for %d points, want at most %v each", name, allocations, n, c.perPoint)
		}
	}
}

func benchmark(b *testing.B, run func(b *testing.B, points []Point, block []byte)) {
	for _, kind := range kinds {
		for _, n := range []int{60, 360} {
			b.Run(fmt.Sprint(kind.name, "/", n), func(b *testing.B) {
				points := kind.generate(rand.New(rand.NewPCG(1, 3)), n)
				block, err := Append(nil, points)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				run(b, points, block)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/point")
				b.ReportMetric(float64(len(block))/float64(n), "B/point")
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	benchmark(b, func(b *testing.B, points []Point, block []byte) {
		for b.Loop() {
			block, _ = Append(block[:0], points)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	benchmark(b, func(b *testing.B, points []Point, block []byte) {
		for b.Loop() {
			points, _ = Parse(block, testDevice, points[:0])
		}
	})
}

func BenchmarkKeys(b *testing.B) {
	var keys []Key
	benchmark(b, func(b *testing.B, _ []Point, block []byte) {
		for b.Loop() {
			keys, _ = Keys(block, keys[:0])
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	benchmark(b, func(b *testing.B, _ []Point, block []byte) {
		for b.Loop() {
			if _, err := Check(block); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A day of a device with a point each ten seconds: block by block through the
// same memory, as a walk over history does, or into a list of its own.
func BenchmarkParseDay(b *testing.B) {
	points := driveFine(rand.New(rand.NewPCG(1, 3)), 8640)
	var blocks [24][]byte
	for hour := range blocks {
		blocks[hour] = block(b, points[360*hour:][:360])
	}
	for name, day := range map[string]func() []Point{
		"walk": func() []Point { return points[:0] },
		"list": func() []Point { return make([]Point, 0, len(points)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				day := day()
				for _, block := range blocks {
					if name == "walk" {
						day = day[:0]
					}
					var err error
					if day, err = Parse(block, testDevice, day); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
