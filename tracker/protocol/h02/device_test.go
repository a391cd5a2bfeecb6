package h02

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
		Protocol: "h02", DeviceTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
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
	const id = "860000000000018"
	for i, want := range spots() {
		status := int64(0xFFFFFFFF)
		if i == 1 {
			want.Valid = false
			status &^= 1 << 10
		}
		want.Attributes = data.Attributes{
			{Key: "batteryLevel", Value: data.Int(87)}, {Key: "ignition", Value: data.Bool(i != 1)}, {Key: "status", Value: data.Int(status)},
		}
		frame := AppendPosition(nil, id, &want)
		checkPlace(t, read1(t, frame), want)
		kind, fields, size, ok := Answer(readAll(t, frame).Reply)
		if kind != "V4" || fields[:3] != "V1," || size == 0 || !ok {
			t.Errorf("the answer is %q, %q", kind, fields)
		}
	}
	alarm := spot(1, 2)
	alarm.Attributes.SetString("alarm", "sos")
	p := read1(t, AppendPosition(nil, id, &alarm))
	if kind, _ := p.Attributes.Get("alarm").Text(); kind != "sos" {
		t.Errorf("%+v", p.Attributes)
	}
}

func TestDeviceHeartbeats(t *testing.T) {
	p := data.Position{Attributes: data.Attributes{{Key: "batteryLevel", Value: data.Int(80)}}}
	for want, frame := range map[string][]byte{
		"HTBT": AppendHeartbeat(nil, "8600000018", &p),
		"V0":   AppendHandshake(nil, "8600000018"),
	} {
		if kind, _, _, ok := Answer(readAll(t, frame).Reply); kind != want || !ok {
			t.Errorf("%s is answered with %s", want, kind)
		}
	}
	if level, _ := read1(t, AppendHeartbeat(nil, "8600000018", &p)).Attributes.Get("batteryLevel").Int(); level != 80 {
		t.Errorf("battery %d", level)
	}
}

func TestDeviceAndCommands(t *testing.T) {
	const id = "8600000018"
	command, err := encode(data.Command{Type: "engineStop", UniqueID: id}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	for n := range command {
		if _, _, size, ok := Answer(command[:n]); size != 0 || !ok {
			t.Fatalf("%d bytes: %d, %v", n, size, ok)
		}
	}
	kind, fields, size, ok := Answer(command)
	if kind != "S20" || size != len(command) || !ok {
		t.Fatalf("%q, %q, %d, %v", kind, fields, size, ok)
	}
	want := spot(52.5, 13.4)
	p := read1(t, AppendEcho(nil, id, kind+","+fields, &want))
	if result, _ := p.Attributes.Get("result").Text(); result != "S20,"+fields || p.Outdated {
		t.Errorf("%q, %+v", result, p)
	}
	for _, alternative := range []bool{false, true} {
		c := data.Command{Type: "positionPeriodic", UniqueID: id, Attributes: data.Attributes{{Key: "frequency", Value: data.Int(30)}}}
		command, err := encode(c, protocol.Settings{"alternative": alternative}, sentAt)
		if err != nil {
			t.Fatal(err)
		}
		kind, fields, _, _ := Answer(command)
		if every, ok := Interval(kind, fields); every != 30*time.Second || !ok {
			t.Errorf("%s: %v, %v", command, every, ok)
		}
	}
	if _, ok := Interval("S20", "010203,1,1"); ok {
		t.Error("S20 is no interval")
	}
	if _, _, _, ok := Answer([]byte("HQ,1,V4#")); ok {
		t.Error("noise was read")
	}
}
