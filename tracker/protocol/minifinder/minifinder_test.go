package minifinder

import (
	"bytes"
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

const sample = "!D,01/06/26,08:30:00,52.520000,13.405000,50,91,4a0001,34.5,87,9,12,0.8;"

func TestNext(t *testing.T) {
	for name, c := range map[string]struct {
		in, frame string
		n         int
	}{
		"whole":          {"!5,17,V,50;", "!5,17,V,50", 11},
		"incomplete":     {"!5,17,V", "", 0},
		"zero byte":      {"\x00!5,1,V;", "", 1},
		"noise":          {"hello", "", 5},
		"torn":           {"!D,07/04!5,17,V,50;", "", 8},
		"result":         {"!3,ok! done!;", "!3,ok! done!", 13},
		"never ends":     {"!" + strings.Repeat("x", maxFrame), "", 1},
		"ends too late":  {"!" + strings.Repeat("x", maxFrame) + ";", "", 1},
		"empty":          {"", "", 0},
		"only semicolon": {";;!", "", 2},
	} {
		frame, n, err := codec{}.Next([]byte(c.in))
		if string(frame) != c.frame || n != c.n || err != nil {
			t.Errorf("%s: frame %q, %d, %v", name, frame, n, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, s := range []string{
		"", "!", "D,1", "!Z,1", "!1,", "!D,07/04/17,05:42:26,north,1", "!D,07-04-17,05:42:26,1,1", "!D,07/04/17,05:42,1,1", "!C,",
		"!D,1/1/-1,0:0:0,1,1",
	} {
		if packet, err := (codec{}).Decode([]byte(s), time.Time{}); err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v, %v", s, packet, err)
		}
	}
}

// Places off the earth and clocks that were never set are not stored.
func TestNotBelieved(t *testing.T) {
	packet, err := codec{}.Decode([]byte("!D,01/06/26,08:30:00,95,200,-5,400,000001,x,101,9"), time.Time{})
	if err != nil || len(packet.Positions) != 1 {
		t.Fatal(packet, err)
	}
	p := packet.Positions[0]
	if !p.Outdated || p.Valid || p.SpeedKnots != 0 || p.CourseDeg != 0 || !p.FixTime.IsZero() || p.DeviceTime.IsZero() {
		t.Errorf("%+v", p)
	}
	packet, _ = codec{}.Decode([]byte("!C,00/00/00,00:00:00,1,2,0,0,000001"), time.Time{})
	if p := packet.Positions[0]; !p.DeviceTime.IsZero() || p.Outdated || !p.Valid {
		t.Errorf("%+v", p)
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, key string
		value     data.Value
		want      error
	}{
		{"engineStop", "", data.Value{}, protocol.ErrUnsupported},
		{"custom", "", data.Value{}, data.ErrInvalid},
		{"custom", "data", data.String("a\r\nb"), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("Mars"), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("GMT+5:30"), data.ErrInvalid},
		{"setTimezone", "timezone", data.String("GMT+99"), data.ErrInvalid},
		{"sosNumber", "index", data.Int(3), data.ErrInvalid},
		{"sosNumber", "index", data.Int(1), data.ErrInvalid},
		{"alarmFall", "enable", data.String("maybe"), data.ErrInvalid},
	} {
		cmd := data.Command{Type: c.kind}
		if c.key != "" {
			cmd.Attributes.Set(c.key, c.value)
		}
		if b, err := encode(cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s %v: %q, %v", c.kind, c.value, b, err)
		}
	}
	cmd := data.Command{Type: "alarmSpeed"}
	cmd.Attributes.SetFloat("speed", 90)
	if b, err := encode(cmd, protocol.Settings{"password": "654321"}, time.Time{}); !bytes.Equal(b, []byte("654321J190")) {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), []byte(sample), 2) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(sample)) }
