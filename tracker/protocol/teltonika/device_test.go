package teltonika

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

// sentAt is when commands are sent.
var sentAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// spot is a position whose numbers the protocol can carry as they are.
func spot(latitude, longitude float64) data.Position {
	at := time.Date(2026, 6, 1, 8, 30, 5, 0, time.UTC)
	return data.Position{
		Protocol: "teltonika", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: -12,
	}
}

func TestDeviceIsReadBack(t *testing.T) {
	for name, write := range map[string]func([]byte, []data.Position) []byte{"8E": AppendPositions, "8": AppendPositions8} {
		t.Run(name, func(t *testing.T) {
			want := protocoltest.Corners(spot(0, 0))
			for i := range want {
				want[i].Attributes = data.Attributes{
					{Key: "priority", Value: data.Int(1)},
					{Key: "sat", Value: data.Int(int64(5 + i))},
					{Key: "event", Value: data.Int(239)},
					{Key: "ignition", Value: data.Bool(true)},
					{Key: "out1", Value: data.Bool(i == 2)},
					{Key: "power", Value: data.Float(12.5)},
					{Key: "odometer", Value: data.Int(123456)},
					{Key: "io250", Value: data.Int(77)},
				}
			}
			packet := protocoltest.ReadFrame(t, Protocol(), write(nil, want))
			if len(packet.Positions) != len(want) {
				t.Fatalf("%d positions", len(packet.Positions))
			}
			for i := range want {
				protocoltest.SamePosition(t, packet.Positions[i], want[i])
			}
			taken, _, size, ok := Answer(packet.Reply)
			if taken != len(want) || size != 4 || !ok {
				t.Errorf("the answer is %d, %d bytes, %v", taken, size, ok)
			}
		})
	}
}

// Elements beyond 255 have no place in codec 8.
func TestDeviceCodec8LeavesOutWideElements(t *testing.T) {
	p := spot(1, 2)
	p.Attributes = data.Attributes{{Key: "io385", Value: data.Int(1)}}
	for want, write := range map[bool]func([]byte, []data.Position) []byte{true: AppendPositions, false: AppendPositions8} {
		have := protocoltest.ReadFrame(t, Protocol(), write(nil, []data.Position{p})).Positions[0]
		if _, ok := have.Attributes.Get("io385").Int(); ok != want {
			t.Errorf("io385 is there: %v, want %v", ok, want)
		}
	}
}

func TestDeviceReadsCommands(t *testing.T) {
	frame, err := encode(data.Command{Type: "engineStop"}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	for n := range frame {
		if _, _, size, ok := Answer(frame[:n]); size != 0 || !ok {
			t.Fatalf("%d of %d bytes: size %d, %v", n, len(frame), size, ok)
		}
	}
	taken, text, size, ok := Answer(append(frame, 0, 0, 0, 3))
	if taken != -1 || text != "setdigout 1" || size != len(frame) || !ok {
		t.Errorf("%d, %q, %d bytes, %v", taken, text, size, ok)
	}
	for _, bad := range [][]byte{{0, 0, 1, 0}, {0, 0, 0, 0, 0, 0, 0, 9, 0x55, 0, 0, 0, 0, 0, 0}} {
		if _, _, _, ok := Answer(bad); ok {
			t.Errorf("%x was read", bad)
		}
	}
}
