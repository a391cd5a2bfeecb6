package wire

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
)

// plain is what most reports are: no network, numbers, one text.
func plain() data.Position {
	p := sample()
	p.Network = nil
	return p
}

func batch(p data.Position) []data.Position {
	positions := make([]data.Position, 50)
	for i := range positions {
		positions[i] = p
	}
	return positions
}

func BenchmarkAppend(b *testing.B) {
	positions, buf := batch(plain()), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], positions)
	}
	report(b, len(positions), len(buf))
}

func BenchmarkParse(b *testing.B) {
	for name, p := range map[string]data.Position{"plain": plain(), "network": sample()} {
		b.Run(name, func(b *testing.B) {
			positions := batch(p)
			buf := Append(nil, positions)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(buf); err != nil {
					b.Fatal(err)
				}
			}
			report(b, len(positions), len(buf))
		})
	}
}

func report(b *testing.B, positions, size int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(positions), "ns/position")
	b.ReportMetric(float64(size)/float64(positions), "B/position")
}

// The gates: allocations do not depend on the machine, times do.
func TestAllocations(t *testing.T) {
	positions := batch(sample())
	buf := Append(nil, positions)
	if n := testing.AllocsPerRun(100, func() { buf = Append(buf[:0], positions) }); n != 0 {
		t.Errorf("Append: %v allocations, want 0", n)
	}
	for _, c := range []struct {
		name string
		p    data.Position
		// perPosition: the list of attributes and the text of one; a network
		// with its lists, a signal and an address.
		perPosition float64
	}{
		{"bare", data.Position{DeviceID: 1, Protocol: "gt06"}, 0},
		{"plain", plain(), 2},
		{"network", sample(), 7},
	} {
		positions := batch(c.p)
		buf := Append(nil, positions)
		n := testing.AllocsPerRun(100, func() {
			if _, err := Parse(buf); err != nil {
				t.Fatal(err)
			}
		})
		// One more for the positions, and one for the message they pass through.
		if most := c.perPosition*float64(len(positions)) + 2; n > most {
			t.Errorf("Parse %s: %v allocations for %d positions, want at most %v", c.name, n, len(positions), most)
		}
	}
}
