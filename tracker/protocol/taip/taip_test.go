package taip

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

// golden returns message seq of a session of the golden file.
func golden(tb testing.TB, session string, seq int) []byte {
	tb.Helper()
	for _, r := range protocoltest.Records(tb) {
		if r.Session == session && r.Seq == seq {
			b, err := r.Bytes()
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
	}
	tb.Fatalf("no message %d of session %s", seq, session)
	return nil
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), golden(t, "stream", 2), 4)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), golden(b, "stream", 2))
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

// A time of day belongs to the nearest day.
func TestNearestDay(t *testing.T) {
	for _, c := range []struct {
		now     string
		seconds int64
		want    string
	}{
		{"2026-06-01T12:00:00Z", 30600, "2026-06-01T08:30:00Z"},
		{"2026-06-01T00:00:10Z", 86390, "2026-05-31T23:59:50Z"},
		{"2026-05-31T23:59:50Z", 10, "2026-06-01T00:00:10Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if have := nearest(c.seconds, now).Format(time.RFC3339); have != c.want {
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
