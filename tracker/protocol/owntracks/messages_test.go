package owntracks

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

// seal encrypts as the apps do.
func seal(t *testing.T, secret, plain string) string {
	t.Helper()
	var key [32]byte
	copy(key[:], secret)
	nonce := [24]byte{1, 2, 3}
	box := secretbox.Seal(nonce[:], []byte(plain), &nonce, &key)
	b, err := json.Marshal(map[string]string{"_type": "encrypted", "topic": "owntracks/jane/phone", "data": base64.StdEncoding.EncodeToString(box)})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEncrypted(t *testing.T) {
	const plain = `{"_type":"location","topic":"owntracks/eve/phone","lat":1.5,"lon":2.5,"tst":1780302600}`
	body := seal(t, "my key", plain)
	first, err := post(body)
	if err != nil || first.Identity != "owntracks/jane/phone" || len(first.Positions) != 0 || first.RefusalStatus != 400 {
		t.Fatalf("before the device is known: %+v, %v", first, err)
	}
	open := func(body string, s protocol.Settings) (data.Packet, error) {
		return read(&protocol.Request{Method: "POST", Body: []byte(body), Settings: s}, now)
	}
	packet, err := open(body, protocol.Settings{"secret": "my key"})
	if err != nil || packet.Identity != "owntracks/jane/phone" || len(packet.Positions) != 1 || packet.Positions[0].Latitude != 1.5 {
		t.Errorf("with the key: %+v, %v", packet, err)
	}
	card, err := open(seal(t, "my key", `{"_type":"card","name":"Jane"}`), protocol.Settings{"secret": "my key"})
	if err != nil || card.Identity != "owntracks/jane/phone" || len(card.Positions) != 0 {
		t.Errorf("a card: %+v, %v", card, err)
	}
	for name, c := range map[string]struct {
		body string
		s    protocol.Settings
	}{
		"no key":    {body, protocol.Settings{}},
		"wrong key": {body, protocol.Settings{"secret": "another"}},
		"cut":       {`{"_type":"encrypted","topic":"x","data":"AAAA"}`, protocol.Settings{"secret": "my key"}},
		"twice":     {seal(t, "my key", body), protocol.Settings{"secret": "my key"}},
		"no object": {seal(t, "my key", "hello"), protocol.Settings{"secret": "my key"}},
	} {
		if _, err := open(c.body, c.s); !errors.Is(err, data.ErrInvalid) || strings.Contains(err.Error(), "my key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTopics(t *testing.T) {
	for topic, want := range map[string]string{
		"owntracks/jane/phone": "owntracks/jane/phone", "owntracks/jane/phone/event": "owntracks/jane/phone",
		"owntracks/jane": "", "owntracks//phone": "", "owntracks/jane/": "", "waymark/x": "", "": "",
	} {
		if have := device(topic); have != want {
			t.Errorf("%s: %q, want %q", topic, have, want)
		}
	}
}

// Over MQTT the topic says who it is, whatever the payload says.
func TestPublication(t *testing.T) {
	publish := func(topic, payload string) data.Packet {
		t.Helper()
		packet, err := publication(&protocol.Message{Topic: topic, Payload: []byte(payload)}, now)
		if err != nil {
			t.Fatal(err)
		}
		return packet
	}
	const eve = `{"_type":"location","topic":"owntracks/eve/phone","tid":"ev","lat":1,"lon":2,"tst":1780302600}`
	if p := publish("owntracks/jane/phone", eve); p.Identity != "owntracks/jane/phone" || len(p.Positions) != 1 {
		t.Errorf("location: %+v", p)
	}
	if p := publish("owntracks/jane/phone/status", `{"_type":"status"}`); p.Identity != "owntracks/jane/phone" || len(p.Positions) != 0 {
		t.Errorf("status: %+v", p)
	}
	for topic, payload := range map[string]string{
		"owntracks/jane/phone":     `{"_type":"lwt","tst":1}`, // the broker says it, not the device
		"owntracks/jane/phone/cmd": eve,
		"owntracks/jane":           eve,
	} {
		if p := publish(topic, payload); p.Identity != "" || len(p.Positions) != 0 {
			t.Errorf("%s: %+v", topic, p)
		}
	}
}

func TestFriends(t *testing.T) {
	at := data.Position{FixTime: time.Unix(1780302600, 0), Latitude: 1.5, Longitude: 2.5, SpeedKnots: 10, CourseDeg: 90, AccuracyM: 5}
	at.Attributes.SetInt("batteryLevel", 80)
	b := friends([]protocol.Friend{
		{Name: "Jane", UniqueID: "owntracks/jane/phone", Settings: protocol.Settings{"tid": "JP", "face": "iVBORw0="}, Position: at},
		{Name: "Van", UniqueID: "123456789012345", Position: at},
		{Name: "Never seen", UniqueID: "new"},
	})
	var have []map[string]any
	if err := json.Unmarshal(b, &have); err != nil || len(have) != 4 {
		t.Fatalf("%s: %v", b, err)
	}
	for key, want := range map[string]any{"_type": "location", "tid": "JP", "topic": "owntracks/jane/phone", "lat": 1.5, "lon": 2.5, "vel": 19.0, "cog": 90.0, "acc": 5.0, "batt": 80.0, "tst": 1780302600.0} {
		if have[0][key] != want {
			t.Errorf("%s is %v, want %v", key, have[0][key], want)
		}
	}
	if have[1]["_type"] != "card" || have[1]["name"] != "Jane" || have[1]["face"] != "iVBORw0=" || have[1]["tid"] != "JP" {
		t.Errorf("card: %v", have[1])
	}
	if have[2]["tid"] != "45" || have[3]["name"] != "Van" {
		t.Errorf("van: %v, %v", have[2], have[3])
	}
	if string(friends(nil)) != "[]" {
		t.Error("no friends are an empty array")
	}
}

func TestCommands(t *testing.T) {
	var every data.Attributes
	every.SetInt("frequency", 30)
	var own, broken data.Attributes
	own.SetString("data", `{"_type":"cmd","action":"dump"}`)
	broken.SetString("data", "dump")
	for want, cmd := range map[string]data.Command{
		`[{"_type":"cmd","action":"reportLocation"}]`: {Type: "positionSingle"},
		`[{"_type":"cmd","action":"setConfiguration","configuration":{"_type":"configuration","locatorInterval":30,"moveModeLocatorInterval":30}}]`: {Type: "positionPeriodic", Attributes: every},
		`[{"_type":"cmd","action":"dump"}]`: {Type: "custom", Attributes: own},
	} {
		have, err := encode(cmd, nil, now)
		if err != nil || string(have) != want {
			t.Errorf("%s: %s, %v", cmd.Type, have, err)
		}
	}
	if _, err := encode(data.Command{Type: "engineStop"}, nil, now); !errors.Is(err, protocol.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := encode(data.Command{Type: "custom", Attributes: broken}, nil, now); !errors.Is(err, data.ErrInvalid) {
		t.Error(err)
	}
}

// FuzzSettled reads as once the device is known, over HTTP and MQTT.
func FuzzSettled(f *testing.F) {
	p := Protocol()
	p.HTTP = func(r *protocol.Request, now time.Time) (data.Packet, error) {
		r.Settings = protocol.Settings{"secret": "key"}
		if _, err := publication(&protocol.Message{Topic: "owntracks/a/b", Payload: r.Body, Settings: r.Settings}, now); err != nil && err.Error() == "" {
			return data.Packet{}, err
		}
		return read(r, now)
	}
	protocoltest.Fuzz(f, p)
}
