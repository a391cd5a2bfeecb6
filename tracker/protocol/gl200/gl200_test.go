package gl200

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

const sample = "+RESP:GTFRI,060502,860000000000018,,12345,10,1,1,54.0,91,34.5,13.404954,52.520008,20260601083000," +
	"0262,0002,1A2B,03C4D5E6,00,881.2,00012:34:56,1500,,87,210302,,,,20260601083005,00A1$"

// A datagram is a whole message, with its end or without.
func TestDatagram(t *testing.T) {
	for _, text := range []string{sample, sample[:len(sample)-1], sample + "\r\n"} {
		frame, _, err := Protocol().New(protocol.UDP).Next([]byte(text))
		if err != nil || string(frame) != sample[:len(sample)-1] {
			t.Errorf("%q, %v", frame, err)
		}
	}
}

// A track tells each point by its difference from the one before.
func TestCompressedTrack(t *testing.T) {
	packet, err := Protocol().New(protocol.TCP).Decode(protocoltest.Message(t, "old-compressed", 0), now)
	if err != nil || len(packet.Positions) != 3 {
		t.Fatalf("%d positions, %v", len(packet.Positions), err)
	}
	for i, want := range []struct{ latitude, longitude, kmh, course float64 }{
		{52.520008, 13.404954, 54, 91}, {52.520048, 13.404904, 53, 94}, {52.520048, 13.404904, 53, 94},
	} {
		p := packet.Positions[i]
		if p.Latitude != want.latitude || p.Longitude != want.longitude || p.SpeedKnots != want.kmh/1.852 || p.CourseDeg != want.course {
			t.Errorf("point %d: %+v", i, p)
		}
		if at := time.Date(2026, 6, 1, 8, 30, i, 0, time.UTC); !p.FixTime.Equal(at) {
			t.Errorf("point %d: %s, want %s", i, p.FixTime, at)
		}
	}
	if packet.Positions[0].Attributes.Get("batteryLevel").Kind() != data.KindNone ||
		packet.Positions[2].Attributes.Get("batteryLevel").Kind() != data.KindInt {
		t.Error("the attributes do not belong to the last point")
	}
}

func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "+", "GET / HTTP/1.1", "+RESP:GTFRI", "+RESP:GTFRI,060502,,,,", "+RESP:GTFRI,version,1,,", "+RESP:XXFRI,060502,1,,",
		"+RSP", "+\x00\x00\x10",
	} {
		packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now)
		if err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v", text, packet)
		}
	}
}

// A coordinate off the earth leaves the rest of the report.
func TestPlaceOffTheEarth(t *testing.T) {
	const text = "+RESP:GTFRI,060502,860000000000018,,12345,10,1,1,54.0,91,34.5,213.404954,52.520008,20260601083000," +
		"0262,0002,1A2B,03C4D5E6,00,881.2,,,,87,210302,,,,20260601083005,00A1"
	packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now)
	if err != nil || len(packet.Positions) != 1 {
		t.Fatal(err)
	}
	p := packet.Positions[0]
	if level, _ := p.Attributes.Get("batteryLevel").Int(); !p.Outdated || p.Valid || !p.FixTime.IsZero() || level != 87 {
		t.Errorf("%+v", p)
	}
}

func TestCommandErrors(t *testing.T) {
	bad := data.Command{Type: "positionSingle"}
	bad.Attributes.SetString("devicePassword", "a,b$")
	for _, c := range []struct {
		cmd  data.Command
		want error
	}{
		{data.Command{Type: "videoStart"}, protocol.ErrUnsupported}, {data.Command{Type: "custom"}, data.ErrInvalid}, {bad, data.ErrInvalid},
	} {
		if _, err := encode(c.cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.cmd.Type, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), []byte(sample), 2)
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "old-rsp", 0), 3)
}

func BenchmarkText(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(sample)) }

func BenchmarkBinary(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "old-rsp", 0))
}

// A message that never ends and is full of ends must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	protocoltest.CheapToCut(t, Protocol(), bytes.Repeat([]byte("+RESP:GT"), 2*maxFrame/8))
}
