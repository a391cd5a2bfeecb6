package t55

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

const line = "860000000000018$GPRMC,083000.25,A,5231.2000,N,01324.3000,E,10.00,91.50,010626,,,A*10\r\n"

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestAcknowledge(t *testing.T) {
	for transport, want := range map[protocol.Transport]string{protocol.TCP: "OK1\r\n", protocol.UDP: ""} {
		c := Protocol().New(transport)
		if packet, err := c.Decode([]byte(line), now); err != nil || packet.Reply != nil {
			t.Errorf("%s: %q, %v", transport, packet.Reply, err)
		}
		c.(protocol.Configurable).Configure(protocol.Settings{"acknowledge": true})
		if packet, err := c.Decode([]byte(line), now); err != nil || string(packet.Reply) != want {
			t.Errorf("%s: %q, %v", transport, packet.Reply, err)
		}
	}
}

func TestDatagrams(t *testing.T) {
	for _, text := range []string{line, strings.TrimSpace(line), "860000000000018\r\n" + line} {
		c := Protocol().New(protocol.UDP)
		positions := 0
		for b := []byte(text); len(b) > 0; {
			frame, n, err := c.Next(b)
			if err != nil || n == 0 {
				t.Fatalf("%q: %d taken, %v", text, n, err)
			}
			packet, err := c.Decode(frame, now)
			if err != nil || packet.Identity != "860000000000018" {
				t.Errorf("%q: %+v, %v", text, packet, err)
			}
			positions += len(packet.Positions)
			b = b[n:]
		}
		if positions != 1 {
			t.Errorf("%q: %d positions", text, positions)
		}
	}
}

// Without an id nothing is delivered and nothing ends the connection, until
// the device says who it is. Of several positions the last one is kept.
func TestPositionBeforeID(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for _, text := range []string{
		"$GPRMC,082900,A,5231.1000,N,01324.3000,E,,,010626,,*10", "$GPGGA,082900,5231.1000,N,01324.3000,E,1,09,1.1,34.5,M,,M,,*59",
		"$GPRMC,083000,A,5231.2000,N,01324.3000,E,,,010626,,*10",
	} {
		if packet, err := c.Decode([]byte(text), now); !errors.Is(err, protocol.ErrNoIdentity) || len(packet.Positions) > 0 {
			t.Errorf("%s: %+v, %v", text, packet, err)
		}
	}
	packet, err := c.Decode([]byte("$GPFID,860000000000018"), now)
	if err != nil || packet.Identity != "860000000000018" || len(packet.Positions) != 1 || packet.Positions[0].DeviceTime.Minute() != 30 {
		t.Errorf("%+v, %v", packet, err)
	}
}

func TestNoEnd(t *testing.T) {
	frame, n, err := Protocol().New(protocol.TCP).Next([]byte(strings.Repeat("x", maxFrame)))
	if frame != nil || n == 0 || err != nil {
		t.Errorf("%d bytes of frame, %d taken, %v", len(frame), n, err)
	}
}

func TestUnreadable(t *testing.T) {
	for text, want := range map[string]error{
		"": data.ErrInvalid, "GET / HTTP/1.1": data.ErrInvalid, "$PGID,": data.ErrInvalid, "$GPGSV,1,1,00*79": protocol.ErrNoIdentity,
		"$PGID," + strings.Repeat("1", 100) + "*00": data.ErrInvalid,
	} {
		if packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now); !errors.Is(err, want) {
			t.Errorf("%q: %+v, error %v", text, packet, err)
		}
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), []byte(line), 1) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(line)) }
