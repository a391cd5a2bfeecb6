package galileo

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
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "login", 2), 2)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "login", 2))
}

// What can not be read is refused with a sentence, and not answered.
func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for name, frame := range map[string][]byte{
		"empty":              nil,
		"short":              {1, 2, 0},
		"another header":     {9, 1, 0, 1, 0, 0},
		"torn from Iridium":  {1, 0, 5, 1, 0, 28, 1, 2},
		"another protocol's": []byte("$AV,V2,1,2"),
	} {
		if packet, err := c.Decode(frame, time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%s: reply %x, error %v", name, packet.Reply, err)
		}
	}
}

func TestCommandsThatCanNotBe(t *testing.T) {
	for _, c := range []struct {
		cmd  data.Command
		want error
	}{
		{data.Command{Type: "videoStart"}, protocol.ErrUnsupported},
		{data.Command{Type: "custom", UniqueID: "860000000000018"}, data.ErrInvalid},
		{data.Command{Type: "positionSingle", UniqueID: "123"}, data.ErrInvalid},
		{data.Command{Type: "engineStop", UniqueID: "860000000000018"}, data.ErrInvalid},
		{data.Command{Type: "outputControl", UniqueID: "860000000000018"}, data.ErrInvalid},
	} {
		if _, err := encode(c.cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.cmd.Type, err)
		}
	}
}

// The compressed form has no year.
func TestNewYear(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC)
	const lastMinute = 365*24*60*60 - 60
	if have, want := sinceNewYear(lastMinute, now), time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC); !have.Equal(want) {
		t.Errorf("have %s, want %s", have, want)
	}
}
