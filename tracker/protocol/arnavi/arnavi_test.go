package arnavi

import (
	"bytes"
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
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "header23", 1), 2)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "header23", 1))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	whole := protocoltest.Message(t, "header23", 1)
	for name, frame := range map[string][]byte{
		"empty":           nil,
		"short header":    {0xFF, 0x23, 1},
		"unknown header":  append([]byte{0xFF, 0x30}, make([]byte, 8)...),
		"torn package":    whole[:12],
		"text without id": []byte("$AV,V4"),
		"short text":      []byte("$AV,V4,1,2,3,4,5,6,7"),
	} {
		if packet, err := c.Decode(frame, time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%s: reply %x, error %v", name, packet.Reply, err)
		}
	}
}

// What is whole of a torn package is kept, and comes again.
func TestTornPackage(t *testing.T) {
	whole := protocoltest.Message(t, "header23", 1)
	packet, err := Protocol().New(protocol.TCP).Decode(whole[:len(whole)-4], time.Time{})
	if err != nil || len(packet.Positions) == 0 || packet.Reply != nil {
		t.Errorf("%d positions, reply %x, error %v", len(packet.Positions), packet.Reply, err)
	}
}

// A line whose place is not there keeps its attributes.
func TestTextWithoutPlace(t *testing.T) {
	packet, err := Protocol().New(protocol.TCP).Decode([]byte("$AV,V4,112233,43,1260,410,7,0,1,5,1,2,3,4,0,0,,,083000,,,,,010626,*00"), time.Time{})
	if err != nil || len(packet.Positions) != 1 {
		t.Fatalf("%+v, %v", packet, err)
	}
	p := packet.Positions[0]
	if power, _ := p.Attributes.Get("power").Float(); !p.Outdated || p.Valid || power != 12.6 {
		t.Errorf("%+v", p)
	}
}

// A package whose packets do not fit is skipped, and the next one found.
func TestLyingLength(t *testing.T) {
	whole := protocoltest.Message(t, "header23", 1)
	stream := append([]byte{packageStart, 1, 9}, whole...)
	c := Protocol().New(protocol.TCP)
	for taken := 0; ; {
		frame, n, err := c.Next(stream[taken:])
		if err != nil || n == 0 {
			t.Fatalf("after %d bytes: took %d, %v", taken, n, err)
		}
		if taken += n; frame != nil {
			if !bytes.Equal(frame, whole) {
				t.Errorf("cut %x", frame)
			}
			return
		}
	}
}
