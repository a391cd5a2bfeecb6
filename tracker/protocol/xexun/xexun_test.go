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

// Full messages show what they are: also the first one of a connection, before
// the settings of its device are known, is whole, in however many pieces it comes.
func TestFullWithoutSetting(t *testing.T) {
	for _, step := range []int{1, 7, 3 * len(full)} {
		for _, configured := range []bool{false, true} {
			c := Protocol().New(protocol.TCP)
			var pending []byte
			messages := 0
			for rest := full + full + full; len(rest) > 0; {
				n := min(step, len(rest))
				pending, rest = append(pending, rest[:n]...), rest[n:]
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
					a := packet.Positions[0].Attributes
					if messages++; string(frame) != full || a.Get("sat") != data.Int(9) || a.Get("serial") != data.String("260601103000") {
						t.Errorf("in steps of %d: %q, %v", step, frame, a)
					}
					if configured {
						c.(protocol.Configurable).Configure(protocol.Settings{"full": true})
					}
				}
			}
			if messages != 3 {
				t.Errorf("in steps of %d: %d messages", step, messages)
			}
		}
	}
}

// A message that begins like a full one and ends with its IMEI is waited with
// once, until the next one shows that nothing more belongs to it.
func TestHeadWithoutTail(t *testing.T) {
	const message = "260601103000,+4915550000," + basic
	for name, behind := range map[string]string{"next": message, "line": "\r\n", "other": "1224I", "number": "12345678901"} {
		c := Protocol().New(protocol.TCP)
		if frame, n, err := c.Next([]byte(message)); frame != nil || n != 0 || err != nil {
			t.Fatalf("%s: %q, %d taken, %v", name, frame, n, err)
		}
		frame, n, err := c.Next([]byte(message + behind))
		if string(frame) != basic || n != len(message) || err != nil {
			t.Errorf("%s: %q, %d taken, %v", name, frame, n, err)
		}
		if frame, n, err := c.Next([]byte(message)); string(frame) != basic || n != len(message) || err != nil {
			t.Errorf("%s, second: %q, %d taken, %v", name, frame, n, err)
		}
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
