package jt808

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) {
	// The helper turns models that other protocols know; ours stand in for them.
	p := Protocol()
	plain := p.New
	p.New = func(transport protocol.Transport) protocol.Codec { return &otherModels{plain(transport)} }
	protocoltest.Fuzz(f, p)
}

type otherModels struct{ protocol.Codec }

func (c *otherModels) Configure(s protocol.Settings) {
	model := map[string]string{"FMB920": "G-360P", "FMB640": "AL300", "TAT100": "VL300", "NT20": "C5", "XT40": "DT800"}[s.Text("model")]
	c.Codec.(protocol.Configurable).Configure(protocol.Settings{"model": model})
}

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const location = "0000000000000007" + "01ff2b60" + "0903e190" + "fff400b9005b" + "260601163000" + "0104000004d2" + "30011f" + "31010c"

// frame wraps a body like a terminal does.
func frame(t testing.TB, kind uint16, body string) []byte {
	h := header{mark: mark, phone: []byte{8, 0x60, 0, 0, 0, 1}}
	return h.appendFrame(nil, kind, fromHex(t, body))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for name, b := range map[string][]byte{
		"empty": nil, "marks": {mark, mark}, "header only": fromHex(t, "7e02000000086000000001007e"), "text without id": []byte("(,1)"),
		"text without comma": []byte("(1234)"), "location of 27 bytes": frame(t, kindLocation, location[:54]),
		"lock of 5 bytes": fromHex(t, "7e55010005086000000001010102030405007e"), "tags without place": frame(t, kindTransparent, "53"),
	} {
		if packet, err := c.Decode(b, now); err == nil || len(packet.Positions) > 0 {
			t.Errorf("%s: %+v, %v", name, packet, err)
		}
	}
}

// A message may have lost its marks.
func TestWithoutMarks(t *testing.T) {
	whole := frame(t, kindLocation, location)
	packet, err := Protocol().New(protocol.TCP).Decode(whole[1:len(whole)-1], now)
	if err != nil || len(packet.Positions) != 1 || packet.Identity != "086000000001" {
		t.Errorf("%+v, %v", packet, err)
	}
}

func TestIdentity(t *testing.T) {
	for phone, want := range map[string]string{
		"001601285614": "001601285614", "4e376f736001": "860000000000017", "00000860000000000018": "860000000000018",
		"08600000000001": "08600000000001", "0860000000000a": "0860000000000a",
	} {
		if have := identityOf(fromHex(t, phone)); have != want {
			t.Errorf("%s is %s, want %s", phone, have, want)
		}
	}
}

// Places off the earth and clocks that were never set are not stored.
func TestNotBelieved(t *testing.T) {
	body := "0000000000000003" + "0aba9500" + "0903e190" + "fff4ffffffff" + "000000000000"
	packet, err := Protocol().New(protocol.TCP).Decode(frame(t, kindLocation, body), now)
	if err != nil || len(packet.Positions) != 1 {
		t.Fatal(packet, err)
	}
	if p := packet.Positions[0]; !p.Outdated || p.Valid || p.CourseDeg != 0 || !p.FixTime.IsZero() || !p.DeviceTime.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestEscapes(t *testing.T) {
	for _, plain := range []string{"7e007d7e7d01027e", "e700e6e73d3e7e7d01e7"} {
		b := fromHex(t, plain)
		wire := appendEscaped(nil, b)
		c := &codec{}
		if have := c.unescape(wire); !bytes.Equal(have, b) || bytes.IndexByte(wire[1:len(wire)-1], wire[0]) >= 0 {
			t.Errorf("%x on the wire is %x and reads %x", b, wire, have)
		}
	}
}

// Noise that looks like a start holds nothing up for good.
func TestNextRecovers(t *testing.T) {
	good := frame(t, kindLocation, location)
	for name, noise := range map[string][]byte{
		"a lone mark": {mark}, "another mark": {markE7}, "both": {markE7, 1, 2, mark, 3}, "text": []byte("(12\x01"), "half a frame": good[:30],
		"the other half": good[30:], "never ends": append([]byte{markE7}, bytes.Repeat([]byte{0}, 100)...),
	} {
		c := Protocol().New(protocol.TCP)
		stream := append(append(append([]byte{}, noise...), good...), append(good, good...)...)
		found := 0
		for taken, have := 0, 1; have <= len(stream); {
			b, n, err := c.Next(stream[taken:have])
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(b, good) {
				found++
			}
			if taken += n; n == 0 {
				have++
			}
		}
		if found < 2 {
			t.Errorf("%s: %d of 3 frames found", name, found)
		}
	}
}

func TestZone(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"+08:00": 8 * time.Hour, "-3": -3 * time.Hour, "UTC+2": 2 * time.Hour, "gmt-05:30": -5*time.Hour - 30*time.Minute, "0": 0,
	} {
		if have, ok := parseZone(s); have != want || !ok {
			t.Errorf("%s is %s, %t", s, have, ok)
		}
	}
	for _, s := range []string{"", "Mars", "+99", "+1:99", "+", "1:x", "+001"} {
		if _, ok := parseZone(s); ok {
			t.Errorf("%q was taken for a zone", s)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, id string
		set      func(*data.Attributes)
		want     error
	}{
		{"setTimezone", "1", nil, protocol.ErrUnsupported},
		{"engineStop", "", nil, data.ErrInvalid},
		{"engineStop", "abc", nil, data.ErrInvalid},
		{"engineStop", strings.Repeat("1", 21), nil, data.ErrInvalid},
		{"custom", "1", nil, data.ErrInvalid},
		{"custom", "1", func(a *data.Attributes) { a.SetString("data", "\u0e01") }, data.ErrInvalid},
		{"custom", "1", func(a *data.Attributes) { a.SetString("data", "a\nb") }, data.ErrInvalid},
		{"custom", "1", func(a *data.Attributes) { a.SetString("data", strings.Repeat("x", 251)) }, data.ErrInvalid},
		{"positionPeriodic", "1", nil, data.ErrInvalid},
		{"videoStart", "1", nil, data.ErrInvalid},
		{"videoStart", "1", func(a *data.Attributes) { a.SetString("server", "x"); a.SetInt("port", 70000) }, data.ErrInvalid},
	} {
		cmd := data.Command{Type: c.kind, UniqueID: c.id}
		if c.set != nil {
			c.set(&cmd.Attributes)
		}
		if b, err := encode(cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %x, %v", c.kind, b, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), frame(t, kindLocation, location), 2)
	batch := "0003" + "00" + strings.Repeat("0028"+location, 3)
	protocoltest.AllocsPerPosition(t, Protocol(), frame(t, kindBatch, batch), 1)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), frame(b, kindLocation, location))
}

// A frame that never ends and is full of starts must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, head := range []string{"\x7e\x02\x00", "\xe7\x02\x00\x03\xff", "(12"} {
		for _, fill := range []string{"\x00", "\x7e\x30", "\x7e", "\xe7\x30", "\x7d\x01", "(1"} {
			protocoltest.CheapToCut(t, Protocol(), append([]byte(head), bytes.Repeat([]byte(fill), maxFrame)...))
		}
	}
}
