package atrack

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func sample() data.Position {
	p := data.Position{
		FixTime: time.Date(2026, 6, 1, 8, 30, 0, 0, time.UTC), Valid: true,
		Latitude: 52.52, Longitude: -13.405, SpeedKnots: 27, CourseDeg: 91,
		Network: &data.Network{CellTowers: []data.CellTower{{MCC: 262, MNC: 2, LAC: 4660, CellID: 43981}}},
	}
	p.Attributes.SetInt("sat", 11)
	return p
}

// TestDeviceSide checks that what the device's side writes is read back.
func TestDeviceSide(t *testing.T) {
	p := sample()
	frame := AppendPositions(nil, 860000000000018, 7, []data.Position{p})
	packet, err := Protocol().New(protocol.TCP).Decode(frame, now)
	if err != nil || len(packet.Positions) != 1 {
		t.Fatalf("%d positions, error %v", len(packet.Positions), err)
	}
	have := packet.Positions[0]
	if math.Abs(have.Latitude-p.Latitude) > 1e-5 || math.Abs(have.Longitude-p.Longitude) > 1e-5 ||
		math.Abs(have.SpeedKnots-p.SpeedKnots) > 0.5 || math.Abs(have.CourseDeg-p.CourseDeg) > 0.1 ||
		!have.FixTime.Equal(p.FixTime) || !have.Valid || have.Outdated {
		t.Errorf("have %s", have.AppendJSON(nil))
	}
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	p := sample()
	frame := AppendPositions(nil, 860000000000018, 7, []data.Position{p})
	for _, b := range [][]byte{nil, {0}, []byte("GET / HTTP/1.1\r\n\r\n"), frame[:len(frame)/2]} {
		if packet, err := c.Decode(b, now); !errors.Is(err, data.ErrInvalid) || len(packet.Positions) > 0 {
			t.Errorf("%x: %d positions, error %v", b, len(packet.Positions), err)
		}
	}
}

func TestUnsupportedCommands(t *testing.T) {
	for _, c := range []struct {
		kind string
		want error
	}{{"videoStart", protocol.ErrUnsupported}, {"custom", data.ErrInvalid}} {
		if _, err := encode(data.Command{Type: c.kind, UniqueID: "18"}, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	p := sample()
	protocoltest.AllocsPerPosition(t, Protocol(), AppendPositions(nil, 860000000000018, 7, []data.Position{p}), 2)
}

func BenchmarkDecode(b *testing.B) {
	p := sample()
	protocoltest.Benchmark(b, Protocol(), AppendPositions(nil, 860000000000018, 7, []data.Position{p}))
}

// A message that never ends and is full of prefixes must not cost more for
// every byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, fill := range []string{"@P", "@P\x00\x00\x00\x0a", "\r\n", ","} {
		for _, head := range []string{"@P,3A34,16000,", "@P\x00\x00\x3f\x00"} {
			stream := append([]byte(head), bytes.Repeat([]byte(fill), maxFrame)...)
			protocoltest.CheapToCut(t, Protocol(), stream[:2<<10])
		}
	}
}
