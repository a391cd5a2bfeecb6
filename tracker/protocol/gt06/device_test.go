package gt06

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
		Protocol: "gt06", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: 0,
	}
}

func TestDeviceIsReadBack(t *testing.T) {
	for i, want := range protocoltest.Corners(spot(0, 0)) {
		want.Attributes = data.Attributes{
			{Key: "type", Value: data.Int(0x22)},
			{Key: "sat", Value: data.Int(9)},
			{Key: "ignition", Value: data.Bool(i%2 == 0)},
			{Key: "event", Value: data.Int(3)},
			{Key: "archive", Value: data.Bool(true)},
			{Key: "odometer", Value: data.Int(123456)},
		}
		want.Valid = i != 1
		protocoltest.SamePosition(t, protocoltest.ReadPosition(t, Protocol(), AppendPosition(nil, &want, 9)), want)
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
	p := protocoltest.ReadPosition(t, Protocol(), AppendResult(nil, "OK!", flag, 5))
	if result, _ := p.Attributes.Get("result").Text(); result != "OK!" || !p.Outdated {
		t.Errorf("%+v", p)
	}
	if _, _, ok := Command(frame[:12]); ok {
		t.Error("a torn command was read")
	}
	for _, blocked := range []bool{true, false} {
		want := spot(1, 2)
		want.Attributes.SetBool("blocked", blocked)
		p = protocoltest.ReadPosition(t, Protocol(), AppendHeartbeat(nil, &want, 6))
		if have, ok := p.Attributes.Get("blocked").Bool(); have != blocked || !ok {
			t.Errorf("blocked is %v, want %v", have, blocked)
		}
	}
	for kind, frame := range map[byte][]byte{LoginType: AppendLogin(nil, "860000000000018", 1), HeartbeatType: AppendHeartbeat(nil, &data.Position{}, 1)} {
		if have, serial, _ := Answer(protocoltest.ReadFrame(t, Protocol(), frame).Reply); have != kind || serial != 1 {
			t.Errorf("answer %x to %x", have, kind)
		}
	}
}
