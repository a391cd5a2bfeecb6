package watch

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

const sample = "[3G*8800000018*0050*UD,010626,083000,A,33.500000,S,151.250000,E,18.52,91,-12,9,80,57,1234,3,00000010,1,1,262,2,4660,22136,120,0,15.5]"

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for _, s := range []string{
		"", "[", "[]", "[3G*1*LK]", "[3G**0002*LK]", "[*1*0002*LK]", "[3G*1*zzzz*LK]", "[3G*1*0002*UD]", "[3G*1*0002*UD,010626,08300]",
		"[3G*1*0002*AL,01o626,083000]",
	} {
		if packet, err := c.Decode([]byte(s), time.Time{}); !errors.Is(err, data.ErrInvalid) || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v, %v", s, packet, err)
		}
	}
}

// Places off the earth and clocks that were never set are not stored.
func TestNotBelieved(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	packet, err := c.Decode([]byte("[3G*1*0002*UD,000000,083000,A,95.0,N,200.0,E,-5,400,x,1,2,3,4,5,00000000,9999,1,2,3,9999,9999999999,,]"), time.Time{})
	if err != nil || len(packet.Positions) != 1 {
		t.Fatal(packet, err)
	}
	p := packet.Positions[0]
	if !p.Outdated || p.Valid || p.SpeedKnots != 0 || p.CourseDeg != 0 || !p.DeviceTime.IsZero() || p.AccuracyM != 0 {
		t.Errorf("%+v", p)
	}
}

// A message that never ends must not cost more for every byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, pattern := range []string{"[", "x", "[3G*12345", "]["} {
		stream := []byte("[3G*8800000018*FFFF*" + strings.Repeat(pattern, maxFrame/len(pattern)))
		protocoltest.CheapToCut(t, Protocol(), stream)
	}
}

func TestEscapes(t *testing.T) {
	content := []byte("a}[],*\xff\x01")
	c := &codec{}
	if have := c.unescape(appendEscaped(nil, content)); !bytes.Equal(have, content) {
		t.Errorf("%q", have)
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, key string
		value     data.Value
		want      error
	}{
		{"engineStop", "", data.Value{}, protocol.ErrUnsupported},
		{"custom", "", data.Value{}, data.ErrInvalid},
		{"custom", "data", data.String("a][b"), data.ErrInvalid},
		{"custom", "data", data.String(strings.Repeat("x", maxCommand+1)), data.ErrInvalid},
		{"positionPeriodic", "frequency", data.Int(0), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("Mars"), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("GMT+99"), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("GMT+1:99"), data.ErrInvalid},
		{"sosNumber", "index", data.Int(4), data.ErrInvalid},
		{"sosNumber", "index", data.Int(1), data.ErrInvalid},
		{"alarmSos", "enable", data.String("maybe"), data.ErrInvalid},
		{"voiceMessage", "data", data.String("xyz"), data.ErrInvalid},
		{"message", "message", data.Int(1), data.ErrInvalid},
	} {
		cmd := data.Command{Type: c.kind, UniqueID: "1"}
		if c.key != "" {
			cmd.Attributes.Set(c.key, c.value)
		}
		if b, err := encode(cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s %.20v: %.40q, %v", c.kind, c.value, b, err)
		}
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), []byte(sample), 6) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(sample)) }
