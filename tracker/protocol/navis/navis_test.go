package navis

import (
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

// FuzzFlex begins after an agreement.
func FuzzFlex(f *testing.F) { protocoltest.Fuzz(f, agreed(f)) }

// agreed is the protocol on connections that have agreed on FLEX 1.0.
func agreed(tb testing.TB) protocol.Protocol {
	agreement := protocoltest.Message(tb, "flex10", 1)
	p := Protocol()
	p.New = func(t protocol.Transport) protocol.Codec {
		c := Protocol().New(t)
		if _, err := c.Decode(agreement, time.Time{}); err != nil {
			tb.Fatal(err)
		}
		return c
	}
	return p
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, agreed(t), protocoltest.Message(t, "flex10", 2), 3)
	protocoltest.AllocsPerPosition(t, agreed(t), protocoltest.Message(t, "flex10", 5), 2)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, agreed(b), protocoltest.Message(b, "flex10", 5))
}

// The sizes of all fields are those of FLEX 3.0: one wrong size would shift
// every record.
func TestFieldSizes(t *testing.T) {
	for n := 1; n <= maxFields; n++ {
		if sizes[n] == 0 {
			t.Errorf("field %d has no size", n)
		}
	}
	for _, c := range []struct{ count, size int }{{69, 146}, {122, 403}, {255, 733}} {
		mask := make([]byte, 32)
		for i := range mask {
			mask[i] = 0xFF
		}
		if _, size := agree(mask, c.count); size != c.size {
			t.Errorf("%d fields have %d bytes, want %d", c.count, size, c.size)
		}
	}
}

func TestWithoutAgreement(t *testing.T) {
	message := protocoltest.Message(t, "flex10", 2)
	c := Protocol().New(protocol.TCP)
	if _, _, err := c.Next(message); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("cut: %v", err)
	}
	if _, err := c.Decode(message, time.Time{}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("decode: %v", err)
	}
}
