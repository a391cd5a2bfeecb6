package h02

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
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

func TestDeviceIsReadBack(t *testing.T) {
	const id = "860000000000018"
	for i, want := range protocoltest.Corners(spot(0, 0)) {
		status := int64(0xFFFFFFFF)
		if i == 1 {
			want.Valid = false
			status &^= 1 << 10
		}
		want.Attributes = data.Attributes{
			{Key: "batteryLevel", Value: data.Int(87)}, {Key: "ignition", Value: data.Bool(i != 1)}, {Key: "status", Value: data.Int(status)},
		}
		frame := AppendPosition(nil, id, &want)
		protocoltest.SamePosition(t, protocoltest.ReadPosition(t, Protocol(), frame), want)
		kind, fields, size, ok := Answer(protocoltest.ReadFrame(t, Protocol(), frame).Reply)
		if kind != "V4" || fields[:3] != "V1," || size == 0 || !ok {
			t.Errorf("the answer is %q, %q", kind, fields)
		}
	}
	alarm := spot(1, 2)
	alarm.Attributes.SetString("alarm", "sos")
	p := protocoltest.ReadPosition(t, Protocol(), AppendPosition(nil, id, &alarm))
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
		if kind, _, _, ok := Answer(protocoltest.ReadFrame(t, Protocol(), frame).Reply); kind != want || !ok {
			t.Errorf("%s is answered with %s", want, kind)
		}
	}
	if level, _ := protocoltest.ReadPosition(t, Protocol(), AppendHeartbeat(nil, "8600000018", &p)).Attributes.Get("batteryLevel").Int(); level != 80 {
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
	p := protocoltest.ReadPosition(t, Protocol(), AppendEcho(nil, id, kind+","+fields, &want))
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
