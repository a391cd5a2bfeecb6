package totem

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

func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "$$", "$$0108AA|x", "$$AA|", "$$0108AA1|18001800140916020524", "$$0108E21|x,y,z|00", "$$AA1|x",
		"$$0116AA864244026065291|18001800149916020524401100000000000027BA0E57063100000001.200000002237.8119N11403.5075E052020",
	} {
		packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now)
		if err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v", text, packet)
		}
	}
}

// A line end belongs to the message in front of it if it came together with it.
func TestLineEnd(t *testing.T) {
	message := protocoltest.Message(t, "form4", 0)
	c := Protocol().New(protocol.TCP)
	frame, n, err := c.Next(append(message[:len(message):len(message)], "\r\n"...))
	if err != nil || n != len(message)+2 || string(frame) != string(message) {
		t.Errorf("took %d of %d, %v", n, len(message)+2, err)
	}
}

func TestCommandErrors(t *testing.T) {
	long := data.Command{Type: "custom"}
	long.Attributes.SetString("data", strings.Repeat("x", maxCommand+1))
	for _, c := range []struct {
		cmd  data.Command
		want error
	}{
		{data.Command{Type: "videoStart"}, protocol.ErrUnsupported}, {data.Command{Type: "custom"}, data.ErrInvalid}, {long, data.ErrInvalid},
	} {
		if _, err := encode(c.cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.cmd.Type, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "form4", 0), 3)
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "form1", 0), 3)
}

func BenchmarkForm4(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "form4", 0))
}

func BenchmarkForm1(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "form1", 0))
}

// A message that never ends and is full of ends must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, end := range []string{"|\r", "|$", "||"} {
		stream := append([]byte("$$0999AA1"), bytes.Repeat([]byte(end), maxFrame)...)
		protocoltest.CheapToCut(t, Protocol(), stream[:2*maxFrame])
	}
}
