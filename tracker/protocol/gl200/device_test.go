package gl200

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
		Protocol: "gl200", DeviceTime: at, FixTime: at, Valid: true, Latitude: latitude, Longitude: longitude,
		SpeedKnots: converters.KnotsFromKmh(54), CourseDeg: 271, AltitudeM: 34.5,
	}
}

func TestDeviceIsReadBack(t *testing.T) {
	for i, want := range protocoltest.Corners(spot(0, 0)) {
		want.Valid = i != 1
		want.Network = &data.Network{CellTowers: []data.CellTower{{MCC: 262, MNC: 2, LAC: 0x1A2B, CellID: 0x3C4D5E6}}}
		out := int64(0)
		if i == 2 {
			out = 1
		}
		a := &want.Attributes
		if want.Valid {
			a.SetFloat("hdop", 1)
		}
		a.SetString("type", "FRI")
		if i > 2 {
			a.SetBool("archive", true)
		}
		a.SetFloat("power", 12.5)
		a.SetFloat("odometer", 123400)
		a.SetInt("batteryLevel", 87)
		a.SetBool("ignition", i != 3)
		a.SetInt("input", 0)
		a.SetBool("in1", false)
		a.SetBool("in2", false)
		a.SetInt("output", out)
		a.SetBool("out1", out == 1)
		a.SetBool("out2", false)
		frame := AppendPosition(nil, "860000000000018", &want, 0x1F)
		protocoltest.SamePosition(t, protocoltest.ReadPosition(t, Protocol(), frame), want)
		if packet := protocoltest.ReadFrame(t, Protocol(), frame); packet.Identity != "860000000000018" || packet.Reply != nil {
			t.Errorf("%+v", packet)
		}
	}
}

// A heartbeat is always answered, a report if the device wants it.
func TestDeviceIsAnswered(t *testing.T) {
	p := spot(1, 2)
	reply := protocoltest.ReadFrame(t, Protocol(), AppendHeartbeat(nil, "860000000000018", &p, 0x1F)).Reply
	if text, size, ok := Answer(reply); text != "+SACK:GTHBD,060502,001F" || size != len(reply) || !ok {
		t.Errorf("%q, %d, %v", text, size, ok)
	}
	c := Protocol().New(protocol.TCP)
	c.(protocol.Configurable).Configure(protocol.Settings{"ack": true})
	packet, err := c.Decode(AppendPosition(nil, "860000000000018", &p, 0x20), sentAt)
	if text, _, _ := Answer(packet.Reply); text != "+SACK:0020" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestDeviceAndCommands(t *testing.T) {
	command, err := encode(data.Command{Type: "engineStop"}, nil, sentAt)
	if err != nil {
		t.Fatal(err)
	}
	if _, size, ok := Answer(command[:len(command)-1]); size != 0 || !ok {
		t.Errorf("size %d, %v", size, ok)
	}
	if text, size, ok := Answer(command); size != len(command) || !ok || text+"$" != string(command) {
		t.Errorf("%q, %d, %v", text, size, ok)
	}
	at := spot(0, 0)
	p := protocoltest.ReadPosition(t, Protocol(), AppendResult(nil, "860000000000018", "OUT", "FFFF", &at, 3))
	if result, _ := p.Attributes.Get("result").Text(); result != "FFFF" || !p.Outdated {
		t.Errorf("%+v", p)
	}
	if _, _, ok := Answer(make([]byte, maxFrame)); ok {
		t.Error("an answer without an end was read")
	}
}
