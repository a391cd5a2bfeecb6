package teltonika

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
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

func sample() data.Position {
	p := data.Position{
		FixTime: time.Date(2026, 6, 1, 8, 30, 0, 250e6, time.UTC), Valid: true,
		Latitude: -37.8136276, Longitude: 144.9630576, AltitudeM: 31, SpeedKnots: 27, CourseDeg: 91,
	}
	a := &p.Attributes
	a.SetInt("sat", 11)
	a.SetInt("priority", 1)
	a.SetInt("event", 239)
	a.SetBool("ignition", true)
	a.SetBool("motion", false)
	a.SetInt("rssi", 4)
	a.SetFloat("power", 12.345)
	a.SetFloat("battery", 4.1)
	a.SetFloat("hdop", 0.9)
	a.SetInt("odometer", 123456)
	a.SetInt("io449", 5)
	return p
}

func TestDeviceRoundTrip(t *testing.T) {
	want := sample()
	second := want
	second.FixTime = second.FixTime.Add(time.Second)
	second.Latitude = 38.7
	c := Protocol().New(protocol.TCP)
	packet, err := c.Decode(AppendPositions(nil, []data.Position{want, second}), now)
	if err != nil {
		t.Fatal(err)
	}
	if len(packet.Positions) != 2 || !bytes.Equal(packet.Reply, []byte{0, 0, 0, 2}) {
		t.Fatalf("%d positions, reply %x", len(packet.Positions), packet.Reply)
	}
	have := packet.Positions[0]
	if have.Latitude != want.Latitude || have.Longitude != want.Longitude || have.AltitudeM != 31 ||
		have.CourseDeg != 91 || !have.FixTime.Equal(want.FixTime) || !have.Valid {
		t.Errorf("have %+v", have)
	}
	if d := have.SpeedKnots - want.SpeedKnots; d > 0.3 || d < -0.3 {
		t.Errorf("speed %v", have.SpeedKnots)
	}
	for _, a := range want.Attributes {
		if got := have.Attributes.Get(a.Key); got != a.Value {
			t.Errorf("%s is %v, want %v", a.Key, got, a.Value)
		}
	}
	if packet.Positions[1].Latitude != 38.7 {
		t.Errorf("second %+v", packet.Positions[1])
	}
}

func TestDatagram(t *testing.T) {
	p := sample()
	c := Protocol().New(protocol.UDP)
	b := AppendDatagram(nil, "860000000000018", 0x2A, []data.Position{p})
	frame, n, err := c.Next(b)
	if err != nil || n != len(b) {
		t.Fatalf("cut %d of %d: %v", n, len(b), err)
	}
	packet, err := c.Decode(frame, now)
	if err != nil {
		t.Fatal(err)
	}
	if packet.Identity != "860000000000018" || len(packet.Positions) != 1 || hex.EncodeToString(packet.Reply) != "0005cafe012a01" {
		t.Errorf("%+v", packet)
	}
}

// A packet that breaks off is answered with what was whole, so that the device
// sends the rest again.
func TestBrokenOff(t *testing.T) {
	whole := AppendPositions(nil, []data.Position{sample(), sample(), sample()})
	c := Protocol().New(protocol.TCP)
	record := (len(whole) - 8 - 2 - 1 - 4) / 3
	packet, err := c.Decode(whole[:8+2+2*record+5], now)
	if err != nil || len(packet.Positions) != 2 || !bytes.Equal(packet.Reply, []byte{0, 0, 0, 2}) {
		t.Errorf("%d positions, reply %x, error %v", len(packet.Positions), packet.Reply, err)
	}
	if packet, err = c.Decode(whole[:40], now); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
		t.Errorf("reply %x, error %v", packet.Reply, err)
	}
}

func TestPiecesOfTwoPackets(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	report := func(second int) data.Position {
		return data.Position{DeviceTime: at.Add(time.Duration(second) * time.Second), Valid: true, Latitude: 52.5, Longitude: 13.4}
	}
	lost := AppendPositions(nil, []data.Position{report(1), report(2), report(3)})
	whole := AppendPositions(nil, []data.Position{report(4), report(5)})
	for cut := 10; cut < len(lost); cut++ {
		c := Protocol().New(protocol.TCP)
		stream := append(slices.Clone(lost[:cut]), whole...)
		frame, _, err := c.Next(stream)
		if err != nil || frame == nil {
			continue // it waits for more, or the connection is closed: nothing is acknowledged
		}
		p, err := c.Decode(frame, at)
		if err != nil {
			continue
		}
		// What came whole before the cut may be acknowledged, and nothing else.
		if record := (len(lost) - 8 - 2 - 1 - 4) / 3; len(p.Positions) > (cut-10)/record || int(p.Reply[3]) != len(p.Positions) {
			t.Errorf("cut after %d bytes: %d positions are acknowledged with %x", cut, len(p.Positions), p.Reply)
		}
		for i, got := range p.Positions {
			if want := report(i + 1); !got.DeviceTime.Equal(want.DeviceTime) || got.Latitude != want.Latitude {
				t.Errorf("cut after %d bytes: position %d is %+v", cut, i, got)
			}
		}
	}
}

func TestNotThisProtocol(t *testing.T) {
	for name, b := range map[string][]byte{
		"HTTP":               []byte("GET / HTTP/1.1\r\n\r\n"),
		"another protocol":   {0x78, 0x78, 0x0D, 0x01},
		"preamble not zero":  {0, 0, 1, 0, 0, 0, 0, 10},
		"a length of 4 GB":   {0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF},
		"a length of nought": {0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, n, err := Protocol().New(protocol.TCP).Next(b); n != 0 || !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: took %d, error %v", name, n, err)
		}
	}
}

// A count costs memory only as far as there are bytes for it.
func TestLyingCount(t *testing.T) {
	frame := append([]byte{0, 0, 0, 0, 0, 0, 0, 12}, codecGH3000, 255, 0x4C, 0x61, 0x41, 0x0B, 0)
	c := Protocol().New(protocol.TCP)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Decode(frame, now)
		}
	}).AllocedBytesPerOp()
	if allocated > 2<<10 {
		t.Errorf("%d bytes for a frame of %d", allocated, len(frame))
	}
}

func TestUnsupportedCommands(t *testing.T) {
	var attributes data.Attributes
	for _, c := range []struct {
		kind string
		want error
	}{{"videoStart", protocol.ErrUnsupported}, {"custom", data.ErrInvalid}, {"positionPeriodic", data.ErrInvalid}} {
		if _, err := encode(data.Command{Type: c.kind, Attributes: attributes}, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
	attributes.SetString("data", strings.Repeat("x", maxCommand+1))
	if _, err := encode(data.Command{Type: "custom", Attributes: attributes}, nil, time.Time{}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
}

func TestAllocations(t *testing.T) {
	p := sample()
	for _, positions := range [][]data.Position{{p}, {p, p, p, p}} {
		protocoltest.AllocsPerPosition(t, Protocol(), AppendPositions(nil, positions), 2)
	}
}

func BenchmarkDecode(b *testing.B) {
	p := sample()
	protocoltest.Benchmark(b, Protocol(), AppendPositions(nil, []data.Position{p, p, p, p, p, p, p, p, p, p}))
}

func BenchmarkDecodeOne(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), AppendPositions(nil, []data.Position{sample()}))
}
