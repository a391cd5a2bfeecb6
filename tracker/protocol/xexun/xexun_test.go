package xexun

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

const (
	basic = "GPRMC,083000.250,A,5231.2000,N,01324.3000,E,10.00,91.50,010626,,,A*57,F,, imei:860000000000018,"
	full  = "260601103000,+4915550000," + basic + "09,34.5,F:4.12V,1,135,19824,262,02,1234,ABCD\r\n"
)

// The first message of a device is cut at its IMEI; once its settings are known
// the next ones are whole.
func TestSettingComesLate(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	pending := []byte(full + full + full)
	var sizes []int
	for {
		frame, n, err := c.Next(pending)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		pending = pending[n:]
		packet, err := c.Decode(frame, now)
		if err != nil || len(packet.Positions) != 1 {
			t.Fatalf("%q: %+v, %v", frame, packet, err)
		}
		c.(protocol.Configurable).Configure(protocol.Settings{"full": true})
		sizes = append(sizes, len(frame))
	}
	if len(sizes) != 3 || sizes[0] != len(basic) || sizes[1] != len(full) || sizes[2] != len(full) {
		t.Errorf("frames of %v bytes, want %d, %d, %d", sizes, len(basic), len(full), len(full))
	}
}

func TestNoEnd(t *testing.T) {
	for _, text := range []string{strings.Repeat("x", maxFrame), "imei:" + strings.Repeat("1", maxFrame), strings.Repeat("x", maxFrame) + basic} {
		c := Protocol().New(protocol.TCP)
		frame, n, err := c.Next([]byte(text))
		if len(frame) > maxFrame || n == 0 || err != nil {
			t.Errorf("%.20q: %d bytes of frame, %d taken, %v", text, len(frame), n, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for text, want := range map[string]error{
		"": protocol.ErrNoIdentity, "imei:": protocol.ErrNoIdentity, "GPRMC,,,,,imei:x,": protocol.ErrNoIdentity,
		"GPRMC,083000,A,,,imei:860000000000018,": data.ErrInvalid,
	} {
		if packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now); !errors.Is(err, want) {
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

func TestAllocations(t *testing.T) {
	// The report, and the text of the signal.
	protocoltest.AllocsPerPosition(t, Protocol(), []byte(basic), 2)
}

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(basic)) }
