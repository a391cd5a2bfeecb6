package gt06

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

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func sample() data.Position {
	p := data.Position{
		FixTime: time.Date(2026, 6, 1, 8, 30, 0, 0, time.UTC), Valid: true,
		Latitude: 52.52, Longitude: 13.405, SpeedKnots: 27, CourseDeg: 91,
		Network: &data.Network{CellTowers: []data.CellTower{{MCC: 262, MNC: 2, LAC: 4660, CellID: 43981}}},
	}
	p.Attributes.SetInt("sat", 11)
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetInt("odometer", 123456)
	return p
}

func decode(t *testing.T, model string, frame []byte) data.Position {
	t.Helper()
	c := Protocol().New(protocol.TCP)
	c.(protocol.Configurable).Configure(protocol.Settings{"model": model})
	packet, err := c.Decode(frame, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(packet.Positions) != 1 {
		t.Fatalf("%d positions", len(packet.Positions))
	}
	return packet.Positions[0]
}

func TestDeviceRoundTrip(t *testing.T) {
	want := sample()
	have := decode(t, "", AppendPosition(nil, &want, 7))
	if !have.FixTime.Equal(want.FixTime) || !have.DeviceTime.Equal(want.FixTime) || !have.Valid || have.Outdated {
		t.Errorf("%+v", have)
	}
	near := func(name string, a, b, tolerance float64) {
		if a-b > tolerance || b-a > tolerance {
			t.Errorf("%s %v, want %v", name, a, b)
		}
	}
	near("latitude", have.Latitude, want.Latitude, 1e-6)
	near("longitude", have.Longitude, want.Longitude, 1e-6)
	near("speed", have.SpeedKnots, want.SpeedKnots, 0.3)
	near("course", have.CourseDeg, want.CourseDeg, 0.5)
	for _, key := range []string{"sat", "ignition", "odometer"} {
		if have.Attributes.Get(key) != want.Attributes.Get(key) {
			t.Errorf("%s is %v", key, have.Attributes.Get(key))
		}
	}
	if have.Network == nil || have.Network.CellTowers[0] != want.Network.CellTowers[0] {
		t.Errorf("network %+v", have.Network)
	}

	heartbeat := decode(t, "", AppendHeartbeat(nil, &want, 8))
	if on, ok := heartbeat.Attributes.Get("ignition").Bool(); !on || !ok || !heartbeat.Outdated {
		t.Errorf("heartbeat %+v", heartbeat)
	}
	alarm := decode(t, "", AppendAlarm(nil, &want, 1, 9))
	if kind, _ := alarm.Attributes.Get("alarm").Text(); kind != "sos" {
		t.Errorf("alarm %+v", alarm)
	}
}

func TestAnswer(t *testing.T) {
	p := sample()
	c := Protocol().New(protocol.TCP)
	packet, err := c.Decode(AppendPosition(nil, &p, 0x1234), now)
	if err != nil {
		t.Fatal(err)
	}
	kind, serial, size := Answer(append(packet.Reply, 1, 2, 3))
	if kind != kindReport || serial != 0x1234 || size != len(packet.Reply) {
		t.Errorf("type %#x, serial %#x, size %d", kind, serial, size)
	}
	for _, b := range [][]byte{nil, packet.Reply[:5], append([]byte{0x79}, packet.Reply...)} {
		if _, _, size := Answer(b); size != 0 {
			t.Errorf("%x was taken for an answer", b)
		}
	}
}

// The model decides what a status means, since messages do not say.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		model, key, want string
		content          string
	}{
		{"R11", "power", "28.34", "460b12040016"},
		{"", "batteryLevel", "83", "4605040c02"},
		{"", "alarm", "tampering", "4605040c02"},
		{"", "event", "12", "4605040c02"},
		{"", "alarm", "hardBraking", "4605042802"},
		{"VL103", "alarm", "powerOff", "4605042802"},
		{"VL103", "alarm", "tow", "4605040902"},
		{"VL103", "alarm", "sos", "4605040102"},
		{"LW4G-4B", "alarm", "accident", "4605041802"},
		{"SEEWORLD", "alarm", "hardCornering", "4605042802"},
	} {
		p := decode(t, c.model, appendFrame(nil, false, kindStatus, fromHex(c.content), 1))
		if have := p.Attributes.Get(c.key).String(); have != c.want {
			t.Errorf("%s: %s is %s, want %s", c.model, c.key, have, c.want)
		}
	}
	const front = "01" + "0860000000000018" + "1a0601081e05"
	const gps = "1a0601081e00cc05a01c20016fe9003c145a"
	for _, c := range []struct {
		kind byte
		tail string
		key  string
		want string
	}{
		{kindReport, "010602123400abcd" + "010501" + "0000c350", "odometer", "50000"},
		{0x25, "", "sat", "12"},
	} {
		p := decode(t, "XT40", appendFrame(nil, false, c.kind, fromHex(front+gps+c.tail), 1))
		if have := p.Attributes.Get(c.key).String(); have != c.want {
			t.Errorf("XT40 0x%02x: %s is %q, want %q", c.kind, c.key, have, c.want)
		}
		if p.DeviceTime.Sub(p.FixTime) != 5*time.Second {
			t.Errorf("XT40 0x%02x: device time %s, fix time %s", c.kind, p.DeviceTime, p.FixTime)
		}
	}
}

func fromHex(s string) []byte {
	b := make([]byte, len(s)/2)
	for i := range b {
		b[i] = byte(strings.IndexByte(hexDigits, s[2*i])<<4 | strings.IndexByte(hexDigits, s[2*i+1]))
	}
	return b
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for name, frame := range map[string][]byte{
		"empty":                nil,
		"no frame":             []byte("GET / HTTP/1.1\r\n"),
		"login without IMEI":   appendFrame(nil, false, kindLogin, []byte{1, 2}, 1),
		"login not decimal":    appendFrame(nil, false, kindLogin, []byte{0x08, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}, 1),
		"position of one byte": appendFrame(nil, false, 0x10, []byte{1}, 1),
	} {
		if packet, err := c.Decode(frame, now); !errors.Is(err, data.ErrInvalid) || len(packet.Positions) > 0 {
			t.Errorf("%s: %+v, error %v", name, packet, err)
		}
	}
}

func TestUnsupportedCommands(t *testing.T) {
	var attributes data.Attributes
	for _, c := range []struct {
		kind string
		want error
	}{{"videoStart", protocol.ErrUnsupported}, {"custom", data.ErrInvalid}, {"positionPeriodic", data.ErrInvalid}} {
		if _, err := encode(data.Command{Type: c.kind, Attributes: attributes}, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
	attributes.SetString("data", strings.Repeat("x", maxCommand+1))
	if _, err := encode(data.Command{Type: "custom", Attributes: attributes}, nil, time.Time{}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
}

func TestAllocations(t *testing.T) {
	p := sample()
	protocoltest.AllocsPerPosition(t, Protocol(), AppendPosition(nil, &p, 1), 2)
}

func BenchmarkDecode(b *testing.B) {
	p := sample()
	protocoltest.Benchmark(b, Protocol(), AppendPosition(nil, &p, 1))
}
