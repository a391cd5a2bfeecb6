package h02

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

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

const (
	sentence    = "*HQ,8600000018,V1,083000,A,5231.2000,N,01324.3000,E,10.00,091,010626,FFFFFFFF#"
	shortBinary = "2486000000180830000106265231200006013243000e010091ffffffff000000"
	longBinary  = "2486000000180830000106265231200006013243000e010091fffffbff0000000600000000000000000000001f"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func fromHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// frames feeds b in steps and returns the sizes of the frames.
func frames(t *testing.T, c protocol.Codec, b []byte, step int) (sizes []int) {
	t.Helper()
	var pending []byte
	for len(b) > 0 {
		n := min(step, len(b))
		pending, b = append(pending, b[:n]...), b[n:]
		for {
			frame, n, err := c.Next(pending)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			if frame != nil {
				sizes = append(sizes, len(frame))
			}
			pending = pending[n:]
		}
	}
	return sizes
}

// Binary frames do not say how long they are. The first one of a connection may
// be cut short, which loses nothing that is read; then the tail gives it away.
func TestBinarySizes(t *testing.T) {
	short, long := fromHex(shortBinary), fromHex(longBinary)
	for name, c := range map[string]struct {
		stream []byte
		step   int
		want   []int
	}{
		"short, whole":        {short, 64, []int{32}},
		"short twice, glued":  {bytes.Repeat(short, 2), 64, []int{32, 32}},
		"short, by bytes":     {bytes.Repeat(short, 3), 1, []int{32, 32, 32}},
		"long, whole":         {bytes.Repeat(long, 3), 45, []int{45, 45, 45}},
		"long, glued":         {bytes.Repeat(long, 3), 135, []int{45, 45, 45}},
		"long, by bytes":      {bytes.Repeat(long, 3), 1, []int{32, 45, 45}},
		"short and sentence":  {append(bytes.Clone(short), sentence...), 1, []int{32, len(sentence)}},
		"sentence after long": {append(bytes.Clone(long), sentence...), 200, []int{45, len(sentence)}},
		"line ends between":   {[]byte(sentence + "\r\n" + sentence + "\r\n"), 5, []int{len(sentence), len(sentence)}},
		"block":               {append(append([]byte{'X'}, short[1:]...), sentence...), 7, []int{32, len(sentence)}},
	} {
		have := frames(t, Protocol().New(protocol.TCP), c.stream, c.step)
		if len(have) != len(c.want) {
			t.Errorf("%s: frames of %v bytes, want %v", name, have, c.want)
			continue
		}
		for i := range have {
			if have[i] != c.want[i] {
				t.Errorf("%s: frames of %v bytes, want %v", name, have, c.want)
				break
			}
		}
	}
}

func TestDatagrams(t *testing.T) {
	for _, b := range [][]byte{[]byte(sentence), []byte(sentence[:len(sentence)-1]), fromHex(shortBinary), fromHex(longBinary), append(fromHex(longBinary), 0)} {
		c := Protocol().New(protocol.UDP)
		frame, n, err := c.Next(b)
		if err != nil || n != len(b) {
			t.Fatalf("%d of %d bytes, %v", n, len(b), err)
		}
		packet, err := c.Decode(frame, now)
		if err != nil || packet.Identity != "8600000018" || len(packet.Positions) != 1 {
			t.Errorf("%q: %+v, %v", b, packet, err)
		}
	}
}

func TestEndlessSentence(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	b := []byte("*HQ,1,V1," + strings.Repeat("x", maxFrame))
	if frame, n, err := c.Next(b); frame != nil || n == 0 || err != nil {
		t.Errorf("%d bytes of frame, %d taken, %v", len(frame), n, err)
	}
}

func TestAcknowledge(t *testing.T) {
	for text, want := range map[string]string{
		"*HQ,8600000018,V2,083000,0,5231.2000,N,01324.3000,E,0,0,010626,FFFFFFFF#": "*HQ,8600000018,R12,120000#",
		string(fromHex(shortBinary)): "*HQ,8600000018,R12,120000#",
		sentence:                     "*HQ,8600000018,V4,V1,20260601120000#",
	} {
		for _, on := range []bool{false, true} {
			c := Protocol().New(protocol.TCP)
			c.(protocol.Configurable).Configure(protocol.Settings{"acknowledge": on})
			packet, err := c.Decode([]byte(text), now)
			if err != nil {
				t.Fatal(err)
			}
			if have := string(packet.Reply); on && have != want || !on && strings.Contains(have, "R12") {
				t.Errorf("%q, acknowledge %t: %q", text, on, have)
			}
		}
	}
}

func TestUnreadable(t *testing.T) {
	for text, want := range map[string]error{
		"":                               data.ErrInvalid,
		"GET / HTTP/1.1":                 data.ErrInvalid,
		"*#":                             data.ErrInvalid,
		"*HQ,1#":                         data.ErrInvalid,
		"$" + strings.Repeat("\x12", 8):  data.ErrInvalid,
		"$" + strings.Repeat("\xff", 31): data.ErrInvalid,
		"X" + strings.Repeat("\x00", 31): protocol.ErrNoIdentity,
	} {
		if packet, err := Protocol().New(protocol.TCP).Decode([]byte(text), now); !errors.Is(err, want) {
			t.Errorf("%q: %+v, error %v, want %v", text, packet, err, want)
		}
	}
}

func TestUnsupportedCommands(t *testing.T) {
	for kind, want := range map[string]error{
		"videoStart": protocol.ErrUnsupported, "custom": data.ErrInvalid, "positionPeriodic": data.ErrInvalid,
	} {
		if _, err := encode(data.Command{Type: kind}, nil, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), []byte(sentence), 2) // the report and the answer
	protocoltest.AllocsPerPosition(t, Protocol(), fromHex(shortBinary), 2)
}

func BenchmarkText(b *testing.B)   { protocoltest.Benchmark(b, Protocol(), []byte(sentence)) }
func BenchmarkBinary(b *testing.B) { protocoltest.Benchmark(b, Protocol(), fromHex(shortBinary)) }
