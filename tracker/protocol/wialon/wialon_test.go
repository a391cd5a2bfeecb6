package wialon

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
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "first", 2), 4)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "first", 2))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for _, line := range []string{"", "#", "hello", "#X#1", "#D"} {
		if packet, err := c.Decode([]byte(line), time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%q: reply %q, error %v", line, packet.Reply, err)
		}
	}
	if _, err := c.Decode([]byte("#L#;secret"), time.Time{}); !errors.Is(err, protocol.ErrNoIdentity) {
		t.Errorf("login without id: %v", err)
	}
}

// A date that is not given is now: the time is left to the server.
func TestNoDate(t *testing.T) {
	packet, err := Protocol().New(protocol.TCP).Decode([]byte("#SD#NA;NA;5231.2;N;01324.3;E;1;2;3;4"), time.Time{})
	if err != nil || len(packet.Positions) != 1 || !packet.Positions[0].DeviceTime.IsZero() {
		t.Errorf("%+v, %v", packet, err)
	}
}

func TestDatagram(t *testing.T) {
	c := Protocol().New(protocol.UDP)
	b := []byte("7#SD#010626;083000;5231.2;N;01324.3;E;1;2;3;4\r\n7#P#")
	for _, want := range []string{"7#SD#010626;083000;5231.2;N;01324.3;E;1;2;3;4", "7#P#"} {
		frame, n, err := c.Next(b)
		if err != nil || string(frame) != want {
			t.Fatalf("cut %q, %v", frame, err)
		}
		b = b[n:]
	}
}

func TestCommandsThatCanNotBe(t *testing.T) {
	var broken data.Attributes
	broken.SetString("data", "a\r\nb")
	for _, c := range []struct {
		cmd  data.Command
		want error
	}{
		{data.Command{Type: "videoStart"}, protocol.ErrUnsupported},
		{data.Command{Type: "custom"}, data.ErrInvalid},
		{data.Command{Type: "custom", Attributes: broken}, data.ErrInvalid},
		{data.Command{Type: "outputControl"}, data.ErrInvalid},
		{data.Command{Type: "sendUssd"}, data.ErrInvalid},
	} {
		if _, err := encode(c.cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.cmd.Type, err)
		}
	}
}
