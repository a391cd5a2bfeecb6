package meiligao

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

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A datagram is a whole frame, with its end or without.
func TestDatagram(t *testing.T) {
	whole := protocoltest.Message(t, "position", 0)
	for _, b := range [][]byte{whole, whole[:len(whole)-2]} {
		c := Protocol().New(protocol.UDP)
		frame, n, err := c.Next(b)
		if err != nil || n != len(b) {
			t.Fatalf("took %d of %d, %v", n, len(b), err)
		}
		packet, err := c.Decode(frame, now)
		if err != nil || len(packet.Positions) != 1 || packet.Positions[0].Latitude < 52 {
			t.Errorf("%+v, %v", packet, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, frame := range []string{"", "$$", "GET / HTTP/1.1\r\n", "$$\x00\x11\x12\x34\x56\x78\x90\x12\x37\x99\x55083000,A*"} {
		packet, err := Protocol().New(protocol.TCP).Decode([]byte(frame), now)
		if err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v", frame, packet)
		}
	}
}

func TestZones(t *testing.T) {
	for name, want := range map[string]int{"GMT": 0, "UTC": 0, "GMT+8": 480, "GMT-3:30": -210, "UTC+05:45": 345, "+0530": 330, "-1": -60} {
		if have, ok := zoneMinutes(name); !ok || have != want {
			t.Errorf("%s: %d, %t", name, have, ok)
		}
	}
	for _, name := range []string{"", "Europe/Berlin", "GMT+", "GMT+15", "GMT+1:60", "GMT+-1", "8"} {
		if have, ok := zoneMinutes(name); ok {
			t.Errorf("%q is %d", name, have)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, id string
		want     error
	}{
		{"videoStart", "1", protocol.ErrUnsupported},
		{"positionSingle", "", data.ErrInvalid},
		{"positionSingle", "car", data.ErrInvalid},
		{"positionSingle", "1234567890123456", data.ErrInvalid},
		{"positionPeriodic", "1", data.ErrInvalid},
		{"outputControl", "1", data.ErrInvalid},
		{"alarmGeofence", "1", data.ErrInvalid},
		{"setTimezone", "1", data.ErrInvalid},
	} {
		if _, err := encode(data.Command{Type: c.kind, UniqueID: c.id}, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s for %q: %v", c.kind, c.id, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "position", 0), 3)
}

func BenchmarkPosition(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "position", 0))
}

// A message that never ends and is full of ends must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	stream := append([]byte("$$\x0f\x00"), bytes.Repeat([]byte("\r\n"), maxFrame)...)
	protocoltest.CheapToCut(t, Protocol(), stream[:2*maxFrame])
}
