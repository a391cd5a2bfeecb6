package gps103

import (
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

const line = "imei:860000000000018,tracker,260601103000,,F,083000.000,A,5231.2000,N,01324.3000,E,0.54,91.50,34,1,0,,,;"

// The zone of the device's clock is learnt from its reports.
func TestZone(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	decode := func(text string) data.Position {
		t.Helper()
		packet, err := c.Decode([]byte(text), now)
		if err != nil || len(packet.Positions) != 1 {
			t.Fatalf("%+v, %v", packet, err)
		}
		return packet.Positions[0]
	}
	const cell = "imei:860000000000018,tracker,260601113000,,L,,,1234,,abcd,,,;"
	if p := decode(cell); !p.DeviceTime.IsZero() {
		t.Errorf("a time of an unknown zone: %s", p.DeviceTime)
	}
	decode(line)
	if p := decode(cell); !p.DeviceTime.Equal(time.Date(2026, 6, 1, 9, 30, 0, 0, time.UTC)) {
		t.Errorf("device time %s", p.DeviceTime)
	}
	if p := decode(strings.Replace(cell, "018,", "026,", 1)); !p.DeviceTime.IsZero() {
		t.Errorf("the zone of another device: %s", p.DeviceTime)
	}
}

func TestDatagrams(t *testing.T) {
	for _, text := range []string{line, strings.TrimSuffix(line, ";"), line + "\r\n"} {
		c := Protocol().New(protocol.UDP)
		frame, n, err := c.Next([]byte(text))
		if err != nil || frame == nil {
			t.Fatalf("%q: %d taken, %v", text, n, err)
		}
		if packet, err := c.Decode(frame, now); err != nil || len(packet.Positions) != 1 {
			t.Errorf("%q: %+v, %v", text, packet, err)
		}
	}
}

func TestNoEnd(t *testing.T) {
	if frame, n, err := Protocol().New(protocol.TCP).Next([]byte(strings.Repeat("x", maxFrame))); frame != nil || n == 0 || err != nil {
		t.Errorf("%d bytes of frame, %d taken, %v", len(frame), n, err)
	}
}

func TestUnreadable(t *testing.T) {
	for text, want := range map[string]error{
		"": data.ErrInvalid, "GET / HTTP/1.1": data.ErrInvalid, "imei:,A": protocol.ErrNoIdentity,
		"imei:" + strings.Repeat("1", 40) + ",tracker": protocol.ErrNoIdentity,
	} {
		if packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now); !errors.Is(err, want) {
			t.Errorf("%q: %+v, error %v", text, packet, err)
		}
	}
}

func TestUnsupportedCommands(t *testing.T) {
	for kind, want := range map[string]error{
		"videoStart": protocol.ErrUnsupported, "custom": data.ErrInvalid, "positionPeriodic": data.ErrInvalid,
	} {
		if _, err := encode(data.Command{Type: kind, UniqueID: "860000000000018"}, nil, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), []byte(line), 1) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(line)) }
