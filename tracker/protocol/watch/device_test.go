package watch

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
		Protocol: "watch", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: -12,
	}
}

func TestDeviceIsReadBack(t *testing.T) {
	for i, want := range protocoltest.Corners(spot(0, 0)) {
		want.Valid = i != 1
		want.Attributes = data.Attributes{
			{Key: "sat", Value: data.Int(9)},
			{Key: "rssi", Value: data.Int(80)},
			{Key: "batteryLevel", Value: data.Int(57)},
			{Key: "steps", Value: data.Int(1234)},
			{Key: "archive", Value: data.Bool(true)},
			{Key: "motion", Value: data.Bool(true)},
		}
		if i == 2 {
			want.Attributes.SetString("alarm", "sos")
		}
		frame := AppendPosition(nil, "860000000000018", &want)
		protocoltest.SamePosition(t, protocoltest.ReadPosition(t, Protocol(), frame), want)
		if packet := protocoltest.ReadFrame(t, Protocol(), frame); packet.Identity != "860000000000018" || packet.Reply != nil {
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
		reply := protocoltest.ReadFrame(t, Protocol(), frame).Reply
		word, rest, size, ok := Answer(reply)
		if word != want || rest != "" || size != len(reply) || !ok {
			t.Errorf("%s is answered with %q, %q, %d", want, word, rest, size)
		}
	}
	if level, _ := protocoltest.ReadPosition(t, Protocol(), AppendLink(nil, "8600000018", &p)).Attributes.Get("batteryLevel").Int(); level != 57 {
		t.Errorf("battery %d", level)
	}
	if packet := protocoltest.ReadFrame(t, Protocol(), AppendLink(nil, "8600000018", &data.Position{})); len(packet.Positions) != 0 || packet.Reply == nil {
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
	if packet := protocoltest.ReadFrame(t, Protocol(), AppendResult(nil, id, word)); packet.Identity != id || packet.Reply != nil {
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
