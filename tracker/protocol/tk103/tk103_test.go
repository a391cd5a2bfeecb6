package tk103

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

const line = "(088000000018BR00260601A5231.2000N01324.3000E018.5083000091.500100000AL00001234+017.5)"

func TestAcknowledge(t *testing.T) {
	for _, on := range []bool{false, true} {
		c := Protocol().New(protocol.TCP)
		c.(protocol.Configurable).Configure(protocol.Settings{"acknowledge": on})
		packet, err := c.Decode([]byte("(088000000018BO012260601A5231.2000N01324.3000E018.5083000091.5000000000L00001234)"), now)
		if want := map[bool]string{true: "(088000000018AS01)"}[on]; err != nil || string(packet.Reply) != want {
			t.Errorf("acknowledge %t: %q, %v", on, packet.Reply, err)
		}
	}
}

func TestDatagrams(t *testing.T) {
	for _, text := range []string{line, strings.TrimSuffix(line, ")")} {
		c := Protocol().New(protocol.UDP)
		frame, n, err := c.Next([]byte(text))
		if err != nil || n != len(text) {
			t.Fatalf("%q: %d taken, %v", text, n, err)
		}
		if packet, err := c.Decode(frame, now); err != nil || len(packet.Positions) != 1 {
			t.Errorf("%q: %+v, %v", text, packet, err)
		}
	}
}

// A single dollar sign opens free text for ever: then the next parenthesis has
// to do.
func TestSingleDollar(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	b := []byte("(860000000000018,ZC03,010626,083000,$x)" + strings.Repeat(" ", maxFrame))
	frame, n, err := c.Next(b)
	if err != nil || n != 39 || string(frame) != string(b[:39]) {
		t.Errorf("frame %q, %d taken, %v", frame, n, err)
	}
	if frame, n, err := c.Next([]byte("(" + strings.Repeat("x", maxFrame))); frame != nil || n == 0 || err != nil {
		t.Errorf("no end: frame of %d bytes, %d taken, %v", len(frame), n, err)
	}
}

func TestUnreadable(t *testing.T) {
	for _, text := range []string{"", "()", "(088000000018)", "(088000000018B)", "(088000000018,1234)", "(" + strings.Repeat("1", 30) + ",BP05)"} {
		if packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now); !errors.Is(err, data.ErrInvalid) {
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

func TestUnsupportedAlternative(t *testing.T) {
	for kind, want := range map[string]error{
		"engineStop": protocol.ErrUnsupported, "custom": data.ErrInvalid, "setConnection": data.ErrInvalid, "sosNumber": data.ErrInvalid,
	} {
		if _, err := encode(data.Command{Type: kind}, protocol.Settings{"alternative": true}, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), []byte(line), 1) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(line)) }
