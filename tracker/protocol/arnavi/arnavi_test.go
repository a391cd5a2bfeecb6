package arnavi

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
	protocoltest.AllocsPerPosition(t, Protocol(), golden(t, "header23", 1), 2)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), golden(b, "header23", 1))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	whole := golden(t, "header23", 1)
	for name, frame := range map[string][]byte{
		"empty":             nil,
		"short header":      {0xFF, 0x23, 1},
		"unknown header":    append([]byte{0xFF, 0x30}, make([]byte, 8)...),
		"torn package":      whole[:12],
		"text without id":   []byte("$AV,V4"),
		"text with no time": []byte("$AV,V4,1,2,3,4,5,6,7,8,9"),
	} {
		if packet, err := c.Decode(frame, time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%s: reply %x, error %v", name, packet.Reply, err)
		}
	}
}

// A package whose packets do not fit is skipped, and the next one found.
func TestLyingLength(t *testing.T) {
	whole := golden(t, "header23", 1)
	stream := append([]byte{packageStart, 1, 9}, whole...)
	c := Protocol().New(protocol.TCP)
	for taken := 0; ; {
		frame, n, err := c.Next(stream[taken:])
		if err != nil || n == 0 {
			t.Fatalf("after %d bytes: took %d, %v", taken, n, err)
		}
		if taken += n; frame != nil {
			if !bytes.Equal(frame, whole) {
				t.Errorf("cut %x", frame)
			}
			return
		}
	}
}
