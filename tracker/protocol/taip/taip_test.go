package taip

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

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "stream", 2), 4)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "stream", 2))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	if _, err := c.Decode([]byte(">R<"), time.Time{}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("no type: %v", err)
	}
	if _, err := c.Decode([]byte(">RGP010626083000<"), time.Time{}); !errors.Is(err, protocol.ErrNoIdentity) {
		t.Errorf("no id: %v", err)
	}
	for _, line := range []string{">RGP;ID=1<", ">REV12;ID=1<", ">RUV;ID=1<", ">RGP010626083000+52;ID=1<", ">RPVabcde+5252000+01340500000000;ID=1<"} {
		if packet, err := c.Decode([]byte(line), time.Time{}); err != nil || len(packet.Positions) > 0 {
			t.Errorf("%s: %d positions, %v", line, len(packet.Positions), err)
		}
	}
}

// A time of day belongs to the last day on which it was.
func TestLatestDay(t *testing.T) {
	for _, c := range []struct {
		now     string
		seconds int64
		want    string
	}{
		{"2026-06-01T12:00:00Z", 30600, "2026-06-01T08:30:00Z"},
		{"2026-06-01T00:00:10Z", 86390, "2026-05-31T23:59:50Z"},
		{"2026-05-31T23:59:50Z", 10, "2026-06-01T00:00:10Z"}, // its clock is ahead
		{"2026-06-01T12:00:00Z", 46800, "2026-05-31T13:00:00Z"},
		{"2026-06-01T12:00:00Z", 99999, "2026-06-01T03:46:39Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if have := latest(c.seconds, now).Format(time.RFC3339); have != c.want {
			t.Errorf("%d seconds at %s: %s, want %s", c.seconds, c.now, have, c.want)
		}
	}
}

func TestDatagramWithoutEnd(t *testing.T) {
	c := Protocol().New(protocol.UDP)
	message := []byte(">RGP010626083000+5252000+013405000300913007F4101;ID=1005")
	if frame, n, err := c.Next(message); err != nil || n != len(message) || len(frame) != n {
		t.Errorf("took %d of %d: %v", n, len(message), err)
	}
}

// A message that never ends and is full of marks must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, fill := range []string{">", ";", "+"} {
		stream := append([]byte(">RGP"), bytes.Repeat([]byte(fill), 2*maxFrame)...)
		protocoltest.CheapToCut(t, Protocol(), stream[:2*maxFrame])
	}
}
