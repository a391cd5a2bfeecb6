package protocoltest

import (
	"testing"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Benchmark measures cutting and reading one frame of a stream, per frame and
// per position.
func Benchmark(b *testing.B, p protocol.Protocol, frame []byte) {
	codec := p.New(first(&p))
	positions := read(b, codec, frame)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, codec, frame)
	}
	if positions > 0 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(positions), "ns/position")
	}
}

// AllocsPerPosition fails if reading a frame allocates more often than allowed
// for each of its positions.
func AllocsPerPosition(t *testing.T, p protocol.Protocol, frame []byte, allowed float64) {
	t.Helper()
	codec := p.New(first(&p))
	positions := read(t, codec, frame)
	if positions == 0 {
		t.Fatal("the frame holds no position")
	}
	have := testing.AllocsPerRun(200, func() { read(t, codec, frame) }) / float64(positions)
	if have > allowed {
		t.Errorf("%.2f allocations per position, at most %.2f", have, allowed)
	}
	t.Logf("%.2f allocations per position", have)
}

func read(tb testing.TB, codec protocol.Codec, frame []byte) (positions int) {
	cut, n, err := codec.Next(frame)
	if err != nil || n != len(frame) {
		tb.Fatalf("cut %d of %d bytes: %v", n, len(frame), err)
	}
	packet, err := codec.Decode(cut, arrival)
	if err != nil {
		tb.Fatal(err)
	}
	return len(packet.Positions)
}
