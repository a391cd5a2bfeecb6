package suntech

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

func FuzzDecode(f *testing.F) {
	// The tail of a report is read only if the device is set up so.
	p := Protocol()
	plain := p.New
	p.New = func(transport protocol.Transport) protocol.Codec { return &withTail{plain(transport)} }
	protocoltest.Fuzz(f, p)
}

// withTail turns every option on, for models with digits in their name.
type withTail struct{ protocol.Codec }

func (c *withTail) Configure(s protocol.Settings) {
	all := protocol.Settings{}
	if strings.ContainsAny(s.Text("model"), "0123456789") {
		all = protocol.Settings{"hbm": float64(1 + len(s.Text("model"))%2), "includeAdc": true, "includeRpm": true, "includeTemp": true}
	}
	c.Codec.(protocol.Configurable).Configure(all)
}

const (
	sample    = "ST300STT;100200;04;319;20260601;08:30:00;4a3b;-33.500000;+151.250000;018.520;091.00;9;1;123456;12.34;101001;1;3125\r"
	universal = "STT;100200;3FFFFF;26;1.0.11;0;20260601;08:30:00;00004A3B;262;2;1234;20;-33.500000;+151.250000;18.52;91.00;9;1;00000101;00001000;1;2;0492\r"
)

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for _, s := range []string{
		"", ";", "-Error", "hello", "STT", "XY300STT;1;2", "ST300;1", "ST300STT;;04", "\x02\x00\x05\x10", "\x81\x00\x05\x00\x00\x10\x02\x00\xff\xff\xff",
		"\x82\x00\x00", "RES;;1",
	} {
		if packet, err := c.Decode([]byte(s), time.Time{}); err == nil || len(packet.Positions) > 0 {
			t.Errorf("%q: %+v, %v", s, packet, err)
		}
	}
}

// What is missing at the end, or is no number, is left out; places off the
// earth and clocks that were never set are not stored.
func TestNotBelieved(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	for _, s := range []string{
		"ST300STT;100200;04;319;20260601", "ST300STT;100200;04;319;00000000;08:30:00;4a3b;95.0;200.0;-5;400;x;1;y;z;1",
		"ST300STT;100200;04;319;2026x601;08:30:00;4a3b;north;1;NaN;Inf;9;1", "STT;100200;FFFFFF", "BLE;100200;1;2;3;4;95;1;9",
		"ST910;Alert;100200", "ST410STT;100200;1;2", "ST300HTE;100200",
	} {
		packet, err := c.Decode([]byte(s), time.Time{})
		if err != nil || len(packet.Positions) != 1 {
			t.Fatalf("%q: %+v, %v", s, packet, err)
		}
		p := packet.Positions[0]
		if !p.Outdated || p.Valid || p.SpeedKnots != 0 || p.CourseDeg != 0 || !p.FixTime.IsZero() {
			t.Errorf("%q: %+v", s, p)
		}
	}
}

func TestNextBounds(t *testing.T) {
	for name, c := range map[string]struct {
		in string
		n  int
	}{
		"empty": {"", 0}, "first byte of a binary message": {"\x81", 0}, "length lies": {"\x02\xff\xff", 1}, "no length": {"\x81\x00\x00", 1},
		"never ends": {strings.Repeat("x", maxFrame), maxFrame}, "line feed": {"\nSTT", 1}, "not ours": {"\xff\xff", 1},
	} {
		frame, n, err := Protocol().New(protocol.TCP).Next([]byte(c.in))
		if frame != nil || n != c.n || err != nil {
			t.Errorf("%s: frame %q, %d, %v", name, frame, n, err)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, id, index, data string
		universal             bool
		want                  error
	}{
		{kind: "videoStart", id: "1", want: protocol.ErrUnsupported},
		{kind: "custom", id: "1", want: data.ErrInvalid},
		{kind: "custom", id: "1", data: "a\rb", want: data.ErrInvalid},
		{kind: "engineStop", id: "", want: data.ErrInvalid},
		{kind: "engineStop", id: "1;2", want: data.ErrInvalid},
		{kind: "outputControl", id: "1", want: data.ErrInvalid},
		{kind: "outputControl", id: "1", index: "3", data: "1", want: data.ErrInvalid},
		{kind: "outputControl", id: "1", index: "4", data: "1", universal: true, want: data.ErrInvalid},
		{kind: "outputControl", id: "1", index: "1", data: "?", want: data.ErrInvalid},
	} {
		cmd := data.Command{Type: c.kind, UniqueID: c.id}
		cmd.Attributes.SetString("data", c.data)
		if c.index != "" {
			cmd.Attributes.SetInt("index", int64(c.index[0]-'0'))
		}
		if b, err := encode(cmd, protocol.Settings{"universal": c.universal}, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%+v: %q, %v", c, b, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), []byte(sample), 3)
	protocoltest.AllocsPerPosition(t, Protocol(), []byte(universal), 3)
}

func BenchmarkLegacy(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(sample)) }

func BenchmarkUniversal(b *testing.B) { protocoltest.Benchmark(b, Protocol(), []byte(universal)) }

// A message that never ends and is full of marks must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	for _, fill := range []string{"\r\n", ";", "9;"} {
		stream := append([]byte("ST300UEX;1;1;1;1;"), bytes.Repeat([]byte(fill), 2*maxFrame)...)
		protocoltest.CheapToCut(t, Protocol(), stream[:2*maxFrame])
	}
}
