package gt06

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// sentAt is when commands are sent.
var sentAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// spot is a position whose numbers the protocol can carry as they are.
func spot(latitude, longitude float64) data.Position {
	at := time.Date(2026, 6, 1, 8, 30, 5, 0, time.UTC)
	return data.Position{
		Protocol: "gt06", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: 0,
	}
}

// spots are places in every corner of the world, on a grid of 5 millionths of a
// degree, and one whose minutes round up.
func spots() []data.Position {
	return []data.Position{spot(52.520005, 13.404955), spot(-33.5, 151.25), spot(-0.000005, -0.00001), spot(89.99999, -179.999995), spot(7.999995, 0)}
}

func checkPlace(t *testing.T, have, want data.Position) {
	t.Helper()
	have.SpeedKnots, want.SpeedKnots = math.Round(converters.KmhFromKnots(have.SpeedKnots)), math.Round(converters.KmhFromKnots(want.SpeedKnots))
	if math.Abs(have.Latitude-want.Latitude) > 1e-9 || math.Abs(have.Longitude-want.Longitude) > 1e-9 {
		t.Errorf("at %.9f, %.9f, want %.9f, %.9f", have.Latitude, have.Longitude, want.Latitude, want.Longitude)
	}
	have.Latitude, have.Longitude, want.Latitude, want.Longitude = 0, 0, 0, 0
	if !reflect.DeepEqual(have, want) {
		t.Errorf("read\n%+v, want\n%+v", have, want)
	}
}

// read reads a frame that holds one position.
func read1(t *testing.T, frame []byte) data.Position {
	t.Helper()
	packet := readAll(t, frame)
	if len(packet.Positions) != 1 {
		t.Fatalf("%d positions in %q", len(packet.Positions), frame)
	}
	return packet.Positions[0]
}

// readAll reads one frame as the server does.
func readAll(t *testing.T, b []byte) data.Packet {
	t.Helper()
	c := Protocol().New(protocol.TCP)
	frame, n, err := c.Next(b)
	if err != nil || n != len(b) {
		t.Fatalf("cut %d of %d bytes: %v", n, len(b), err)
	}
	packet, err := c.Decode(frame, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestDeviceIsReadBack(t *testing.T) {
	for i, want := range spots() {
		want.Attributes = data.Attributes{
			{Key: "type", Value: data.Int(0x22)}, {Key: "sat", Value: data.Int(9)}, {Key: "ignition", Value: data.Bool(i%2 == 0)},
			{Key: "event", Value: data.Int(3)}, {Key: "archive", Value: data.Bool(true)}, {Key: "odometer", Value: data.Int(123456)},
		}
		want.Valid = i != 1
		checkPlace(t, read1(t, AppendPosition(nil, &want, 9)), want)
	}
}

// A command says which flag and which number its result has to carry, and the
// status tells that the engine is blocked.
func TestDeviceAndCommands(t *testing.T) {
	frame, err := encode(data.Command{Type: "engineStop"}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, size := Answer(frame)
	text, flag, ok := Command(frame)
	if kind != CommandType || size != len(frame) || text != "Relay,1#" || !ok {
		t.Errorf("read %x, %d bytes, %q, %v", kind, size, text, ok)
	}
	p := read1(t, AppendResult(nil, "OK!", flag, 5))
	if result, _ := p.Attributes.Get("result").Text(); result != "OK!" || !p.Outdated {
		t.Errorf("%+v", p)
	}
	if _, _, ok := Command(frame[:12]); ok {
		t.Error("a torn command was read")
	}
	for _, blocked := range []bool{true, false} {
		want := spot(1, 2)
		want.Attributes.SetBool("blocked", blocked)
		p = read1(t, AppendHeartbeat(nil, &want, 6))
		if have, ok := p.Attributes.Get("blocked").Bool(); have != blocked || !ok {
			t.Errorf("blocked is %v, want %v", have, blocked)
		}
	}
	for kind, frame := range map[byte][]byte{LoginType: AppendLogin(nil, "860000000000018", 1), HeartbeatType: AppendHeartbeat(nil, &data.Position{}, 1)} {
		if have, serial, _ := Answer(readAll(t, frame).Reply); have != kind || serial != 1 {
			t.Errorf("answer %x to %x", have, kind)
		}
	}
}
