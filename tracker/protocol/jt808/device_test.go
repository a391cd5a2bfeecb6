package jt808

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
		Protocol: "jt808", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: -12,
	}
}

func corners() []data.Position {
	out := protocoltest.Corners(spot(0, 0))
	for i := range out {
		out[i].Valid = i != 1
		out[i].Attributes = data.Attributes{
			{Key: "ignition", Value: data.Bool(true)},
			{Key: "blocked", Value: data.Bool(i == 2)},
			{Key: "charge", Value: data.Bool(i == 3)},
			{Key: "odometer", Value: data.Int(123400)},
			{Key: "rssi", Value: data.Int(21)},
			{Key: "sat", Value: data.Int(9)},
		}
	}
	return out
}

func TestDeviceIsReadBack(t *testing.T) {
	for _, id := range []string{"860000000000017", "013800138000"} {
		for i, want := range corners() {
			frame := AppendPosition(nil, id, &want, uint16(0x7D7E+i))
			packet := protocoltest.ReadFrame(t, Protocol(), frame)
			protocoltest.SamePosition(t, packet.Positions[0], want)
			if packet.Identity != id {
				t.Errorf("it is %s, want %s", packet.Identity, id)
			}
			kind, _, body, size, ok := Answer(packet.Reply)
			of, serial, okConfirmed := Confirmed(body)
			if kind != GeneralAnswerType || of != PositionType || serial != uint16(0x7D7E+i) || size != len(packet.Reply) || !ok || !okConfirmed {
				t.Errorf("the answer is %x to %x, %x", kind, of, serial)
			}
		}
	}
}

func TestDeviceBatchIsReadBack(t *testing.T) {
	want := corners()
	for len(want) < MaxBatch {
		want = append(want, corners()...)
	}
	for i := range want {
		want[i].Attributes = append(data.Attributes{{Key: "archive", Value: data.Bool(true)}}, want[i].Attributes...)
	}
	packet := protocoltest.ReadFrame(t, Protocol(), AppendBatch(nil, "860000000000017", want, 3))
	if len(packet.Positions) != MaxBatch {
		t.Fatalf("%d positions", len(packet.Positions))
	}
	for i := range want {
		protocoltest.SamePosition(t, packet.Positions[i], want[i])
	}
}

func TestDeviceIntroducesItself(t *testing.T) {
	const id = "860000000000017"
	kind, _, body, _, ok := Answer(protocoltest.ReadFrame(t, Protocol(), AppendRegister(nil, id, 1)).Reply)
	if kind != RegisterAnswerType || !ok || len(body) < 3 || body[2] != 0 {
		t.Errorf("the registration is answered with %x, %x", kind, body)
	}
	for kind, frame := range map[uint16][]byte{
		AuthenticationType: AppendAuthentication(nil, id, id, 2),
		HeartbeatType:      AppendHeartbeat(nil, id, 2),
	} {
		_, _, body, _, _ := Answer(protocoltest.ReadFrame(t, Protocol(), frame).Reply)
		if of, serial, ok := Confirmed(body); of != kind || serial != 2 || !ok {
			t.Errorf("%x is confirmed as %x", kind, of)
		}
	}
	if packet := protocoltest.ReadFrame(t, Protocol(), AppendGeneralAnswer(nil, id, ControlCommandType, 0, true, 7)); packet.Reply != nil {
		t.Errorf("an answer is answered with %x", packet.Reply)
	}
	p := protocoltest.ReadPosition(t, Protocol(), AppendResult(nil, id, "done", 8))
	if result, _ := p.Attributes.Get("result").Text(); result != "done" {
		t.Errorf("%+v", p)
	}
}

func TestDeviceReadsCommands(t *testing.T) {
	command, err := encode(data.Command{Type: "engineStop", UniqueID: "860000000000017"}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	for n := range command {
		if _, _, _, size, ok := Answer(command[:n]); size != 0 || !ok {
			t.Fatalf("%d bytes: %d, %v", n, size, ok)
		}
	}
	kind, _, body, size, ok := Answer(command)
	if kind != ControlCommandType || len(body) != 1 || body[0] != 0xF0 || size != len(command) || !ok {
		t.Errorf("%x, %x, %d, %v", kind, body, size, ok)
	}
	if _, _, _, _, ok := Answer([]byte{1, 2}); ok {
		t.Error("noise was read")
	}
}
