package all

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const commandIMEI = "123456789012345"

var sendTime = time.Date(2026, 3, 1, 17, 4, 9, 0, time.UTC)

func set(pairs ...any) (a data.Attributes) {
	for i := 0; i < len(pairs); i += 2 {
		key := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case string:
			a.SetString(key, v)
		case int:
			a.SetInt(key, int64(v))
		case bool:
			a.SetBool(key, v)
		}
	}
	return a
}

// TestEncoders compares commands with what makers document, text as it is,
// bytes as hex.
func TestEncoders(t *testing.T) {
	type settings = protocol.Settings
	for _, c := range []struct {
		protocol, kind string
		attributes     data.Attributes
		settings       settings
		want           string
	}{
		{"atrack", "custom", set("data", "AT$INFO=?"), nil, "AT$INFO=?\r\n"},
		{"arnavi", "custom", set("data", "7b 00 7d", "hex", true), nil, "hex:7b007d"},
		{"calamp", "custom", set("data", "0107000108", "hex", true), nil, "hex:0107000108"},
		{"castel", "custom", set("data", "4040", "hex", true), nil, "hex:4040"},
		{"cellocator", "custom", set("data", "4d43", "hex", true), nil, "hex:4d43"},
		{"egts", "custom", set("data", "0100", "hex", true), nil, "hex:0100"},
		{"meiligao", "custom", set("data", "4040", "hex", true), nil, "hex:4040"},
		{"topin", "custom", set("data", "7878018008", "hex", true), nil, "hex:7878018008"},
		{"cellocator", "engineStop", nil, nil, "hex:4d434750000000000000000000000303101000000000000026"},
		{"eelink", "engineStop", nil, nil, "hex:676780000f0000010000000052454c41592c3123"},
		{"eelink", "engineStop", nil, settings{"udp": true}, "hex:454c001eb41a0123456789012345676780000f0000010000000052454c41592c3123"},
		{"gl200", "positionSingle", nil, settings{"model": "GV300"}, "AT+GTRTO=gv300,1,,,,,,FFFF$"},
		{"gl200", "positionSingle", nil, settings{"password": 123456.0}, "AT+GTRTO=123456,1,,,,,,FFFF$"},
		{"gps103", "alarmDismiss", nil, nil, "**,imei:123456789012345,E"},
		{"gps103", "positionPeriodic", set("frequency", 300), nil, "**,imei:123456789012345,C,05m"},
		{"gt06", "engineResume", nil, nil, "hex:787812800c0000000052656c61792c3023000081550d0a"},
		{"h02", "engineStop", nil, nil, "*HQ,123456789012345,S20,170409,1,1#"},
		{"h02", "positionPeriodic", set("frequency", 30), settings{"alternative": true}, "*HQ,123456789012345,D1,170409,30#"},
		{"h02", "custom", set("data", "2a4851", "hex", true), nil, "*HQ"},
		{"jt808", "custom", set("data", "Test, Command, 123#"), settings{"model": "BSJ"}, "hex:7e830000140b3a73ce2ff2000001546573742c20436f6d6d616e642c2031323323a57e"},
		{"minifinder", "setTimezone", set("timezone", "GMT+1"), settings{"password": "654321"}, "654321L+01"},
		{"minifinder2", "configuration", nil, nil, ""},
		{"osmand", "custom", set("data", "anything"), nil, "anything"},
		{"owntracks", "positionSingle", nil, nil, `[{"_type":"cmd","action":"reportLocation"}]`},
		{"owntracks", "custom", set("data", `{"_type":"cmd","action":"dump"}`), nil, `[{"_type":"cmd","action":"dump"}]`},
		{"suntech", "engineStop", nil, settings{"family": "ST300"}, "ST300CMD;123456789012345;02;Enable1\r"},
		{"suntech", "engineStop", nil, settings{"family": "universal"}, "CMD;123456789012345;04;01\r"},
		{"taip", "positionSingle", nil, nil, ">QPV<"},
		{"taip", "custom", set("data", ">SSSXP21<"), nil, ">SSSXP21<"},
		{"teltonika", "engineResume", nil, nil, "hex:00000000000000130c01050000000b7365746469676f7574203001000017a3"},
		{"tk103", "sosNumber", set("phone", "+55555555555"), settings{"alternative": true, "password": "232323"}, "[begin]sms2,*master*232323*+55555555555*,[end]"},
		{"totem", "rebootDevice", set("devicePassword", "000000"), nil, "$$0020CF000000,0061D"},
		{"xexun", "engineStop", set("devicePassword", "654321"), settings{"password": "1"}, "powercar654321 11"},
		{"xexun2", "powerOff", nil, nil, "hex:faaf0007000112345678901234500004febc6f663d31faaf"},
	} {
		p, ok := ByName(c.protocol)
		if !ok {
			t.Fatalf("no protocol %s", c.protocol)
		}
		b, err := p.Encode(data.Command{Type: c.kind, UniqueID: commandIMEI, Attributes: c.attributes}, c.settings, sendTime)
		if err != nil {
			t.Errorf("%s %s: %v", c.protocol, c.kind, err)
			continue
		}
		have := string(b)
		if strings.HasPrefix(c.want, "hex:") {
			have = "hex:" + hex.EncodeToString(b)
		}
		if have != c.want && c.want != "" {
			t.Errorf("%s %s\nhave %q\nwant %q", c.protocol, c.kind, have, c.want)
		}
	}
	// The form of the engine commands that carries the clock of the device.
	p, _ := ByName("jt808")
	b, err := p.Encode(data.Command{Type: "engineStop", UniqueID: "013800000042"}, settings{"timezone": "+02:00", "alternative": true}, sendTime)
	if err != nil || !strings.Contains(hex.EncodeToString(b), "a0060007"+"013800000042"+"0000"+"01"+"260301190409") {
		t.Errorf("jt808 A006: %x, %v", b, err)
	}
}

// TestEveryCommand asks every protocol for everything it says it knows: bytes,
// or an error that names what is missing; and for nonsense.
func TestEveryCommand(t *testing.T) {
	list, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	full := set("data", "1", "frequency", 60, "index", 1, "phone", "123", "message", "hi", "enable", true, "radius", 100,
		"server", "203.0.113.1", "port", 5000, "timezone", "GMT+1", "speed", 90)
	variants := []protocol.Settings{nil, {"alternative": true}, {"universal": true}, {"output": 1.0}, {"password": "1234", "model": "VL300"}}
	for _, p := range list {
		for _, kind := range p.Commands {
			written := false
			for _, s := range variants {
				for _, a := range []data.Attributes{full, append(set("data", "0102", "hex", true), full...), set("data", `{"_type":"cmd"}`)} {
					b, err := p.Encode(data.Command{Type: kind, UniqueID: commandIMEI, Attributes: a}, s, sendTime)
					if err == nil && len(b) == 0 {
						t.Errorf("%s %s: no bytes and no error", p.Name, kind)
					}
					written = written || err == nil
				}
			}
			if !written {
				_, err := p.Encode(data.Command{Type: kind, UniqueID: commandIMEI, Attributes: full}, nil, sendTime)
				t.Errorf("%s %s cannot be written: %v", p.Name, kind, err)
			}
			if kind != "custom" {
				continue
			}
			for what, bad := range map[string]data.Attributes{
				"nothing": nil, "no text": set("data", 7), "half a byte": set("data", "012", "hex", true), "endless": set("data", strings.Repeat("A", 1<<20)),
			} {
				if b, err := p.Encode(data.Command{Type: kind, UniqueID: commandIMEI, Attributes: bad}, nil, sendTime); !errors.Is(err, data.ErrInvalid) {
					t.Errorf("%s custom with %s: %.40x, %v", p.Name, what, b, err)
				}
			}
		}
		if p.Encode != nil {
			if _, err := p.Encode(data.Command{Type: "nonesuch", UniqueID: commandIMEI}, nil, sendTime); !errors.Is(err, protocol.ErrUnsupported) {
				t.Errorf("%s: a command that does not exist: %v", p.Name, err)
			}
		}
	}
}

// TestConnectionTeachesCommands: commands look like what the device sends.
func TestConnectionTeachesCommands(t *testing.T) {
	for _, c := range []struct{ protocol, frame, kind, want string }{
		{"suntech", "ST300STT;205174410;14;312;20150108;17:54:42;177b38;-23.566052;-046.477588;000.000;000.00;0;0;0;12.11;000000;1;0312;000000;4.5;1", "engineStop", "ST300CMD;"},
		{"watch", "[3G*4700186508*000B*LK,0,10,100]", "positionSingle", "[SG*123456789012345*0002*CR]"},
		{"watch", "[CS*4700186508*0a1b*000B*LK,0,10,100]", "positionSingle", "*0001*0002*CR]"},
	} {
		p, _ := ByName(c.protocol)
		codec := p.New(protocol.TCP)
		if _, err := codec.Decode([]byte(c.frame), sendTime); err != nil {
			t.Fatalf("%s: %v", c.protocol, err)
		}
		learned := codec.(protocol.Descriptive).Describe()
		b, err := p.Encode(data.Command{Type: c.kind, UniqueID: commandIMEI}, learned, sendTime)
		if err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s after %.12s: %q, %v; want %q", c.protocol, c.frame, b, err, c.want)
		}
	}
}
