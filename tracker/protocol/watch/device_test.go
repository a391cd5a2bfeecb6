package watch

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
		Protocol: "watch", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: -12,
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
		want.Valid = i != 1
		want.Attributes = data.Attributes{
			{Key: "sat", Value: data.Int(9)}, {Key: "rssi", Value: data.Int(80)}, {Key: "batteryLevel", Value: data.Int(57)},
			{Key: "steps", Value: data.Int(1234)}, {Key: "archive", Value: data.Bool(true)}, {Key: "motion", Value: data.Bool(true)},
		}
		if i == 2 {
			want.Attributes.SetString("alarm", "sos")
		}
		frame := AppendPosition(nil, "860000000000018", &want)
		checkPlace(t, read1(t, frame), want)
		if packet := readAll(t, frame); packet.Identity != "860000000000018" || packet.Reply != nil {
			t.Errorf("%+v", packet)
		}
	}
}

func TestDeviceMessagesThatAreAnswered(t *testing.T) {
	p := spot(1, 2)
	p.Attributes.SetInt("batteryLevel", 57)
	for want, frame := range map[string][]byte{
		"LK": AppendLink(nil, "8600000018", &p),
		"AL": AppendAlarm(nil, "8600000018", &p),
	} {
		reply := readAll(t, frame).Reply
		word, rest, size, ok := Answer(reply)
		if word != want || rest != "" || size != len(reply) || !ok {
			t.Errorf("%s is answered with %q, %q, %d", want, word, rest, size)
		}
	}
	if level, _ := read1(t, AppendLink(nil, "8600000018", &p)).Attributes.Get("batteryLevel").Int(); level != 57 {
		t.Errorf("battery %d", level)
	}
	if packet := readAll(t, AppendLink(nil, "8600000018", &data.Position{})); len(packet.Positions) != 0 || packet.Reply == nil {
		t.Errorf("%+v", packet)
	}
}

func TestDeviceAndCommands(t *testing.T) {
	const id = "8600000018"
	c := data.Command{Type: "positionPeriodic", UniqueID: id, Attributes: data.Attributes{{Key: "frequency", Value: data.Int(30)}}}
	command, err := encode(c, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	for n := range command {
		if _, _, size, ok := Answer(command[:n]); size != 0 || !ok {
			t.Fatalf("%d bytes: %d, %v", n, size, ok)
		}
	}
	word, rest, size, ok := Answer(command)
	every, okEvery := Interval(rest)
	if word != "UPLOAD" || every != 30*time.Second || size != len(command) || !ok || !okEvery {
		t.Errorf("%q, %q, %d", word, rest, size)
	}
	if packet := readAll(t, AppendResult(nil, id, word)); packet.Identity != id || packet.Reply != nil {
		t.Errorf("%+v", packet)
	}
	voice, err := encode(data.Command{Type: "voiceMessage", UniqueID: id, Attributes: data.Attributes{{Key: "data", Value: data.String("5d7d00ff")}}}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	if word, _, size, ok := Answer(voice); word != "TK" || size != len(voice) || !ok {
		t.Errorf("%q, %d of %d", word, size, len(voice))
	}
	if _, _, _, ok := Answer([]byte("CR]")); ok {
		t.Error("noise was read")
	}
}
