package ruptela

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

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "a-in1", 0), 3)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "a-in1", 0))
}

// What can not be read is not answered, so that the device sends it again.
func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	whole := protocoltest.Message(t, "a-in1", 0)
	for name, frame := range map[string][]byte{
		"empty":         nil,
		"short":         whole[:10],
		"torn record":   whole[:40],
		"torn elements": whole[:60],
	} {
		if packet, err := c.Decode(frame, time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%s: reply %x, error %v", name, packet.Reply, err)
		}
	}
	if _, err := c.Decode(append([]byte{0, 9}, make([]byte, 20)...), time.Time{}); !errors.Is(err, protocol.ErrNoIdentity) {
		t.Errorf("no IMEI: %v", err)
	}
}

func TestCommandsThatCanNotBe(t *testing.T) {
	for kind, want := range map[string]error{
		"videoStart": protocol.ErrUnsupported, "custom": data.ErrInvalid, "setConnection": data.ErrInvalid,
		"setOdometer": data.ErrInvalid, "outputControl": data.ErrInvalid,
	} {
		if _, err := encode(data.Command{Type: kind}, nil, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
