package meitrack

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A datagram is a whole message, with its end or without.
func TestDatagram(t *testing.T) {
	whole := protocoltest.Message(t, "aaa", 0)
	for _, b := range [][]byte{whole, whole[:len(whole)-2]} {
		c := Protocol().New(protocol.UDP)
		frame, n, err := c.Next(b)
		if err != nil || n != len(b) {
			t.Fatalf("took %d of %d, %v", n, len(b), err)
		}
		packet, err := c.Decode(frame, now)
		if err != nil || packet.Identity != "860000000000018" || len(packet.Positions) != 1 {
			t.Errorf("%+v, %v", packet, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "$$", "$$A10", "$$A10,,AAA,1*00", "$$A10,1,AA", "$$A10,1,AAA,35,1,2*00", "$$A10,1,AAA,35,north,2,260601083000,A*00",
		"$$A10,1,CCC,*00", "$$A10,1,CCE,*00", "$$A10,1,CCE,\x00\x00\x00\x00\xff\xff*00", "$$A10," + strings.Repeat("1", 99) + ",AAC,1*00",
	} {
		packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now)
		if err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v", text, packet)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	long := data.Command{Type: "custom"}
	long.Attributes.SetString("data", strings.Repeat("x", maxCommand+1))
	star := data.Command{Type: "custom"}
	star.Attributes.SetString("data", "A10*00\r\n")
	for _, c := range []struct {
		cmd  data.Command
		want error
	}{
		{data.Command{Type: "videoStart"}, protocol.ErrUnsupported},
		{data.Command{Type: "sendSms"}, data.ErrInvalid},
		{data.Command{Type: "positionPeriodic"}, data.ErrInvalid},
		{long, data.ErrInvalid},
		{star, data.ErrInvalid},
	} {
		if _, err := encode(c.cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.cmd.Type, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "aaa-short", 0), 3)
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "ccc", 0), 3)
}

func BenchmarkText(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "aaa-short", 0))
}

func BenchmarkCCC(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "ccc", 0))
}

func BenchmarkCCE(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "cce", 0))
}

// A message that never ends and is full of ends must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	stream := append([]byte("$$A8000,"), bytes.Repeat([]byte("*00\r\n"), maxFrame)...)
	protocoltest.CheapToCut(t, Protocol(), stream[:2*maxFrame])
}
