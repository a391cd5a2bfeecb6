package minifinder2

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

// sample has twelve positions of status and GPS.
func sample() []byte {
	content := []byte{kindData}
	content = append(append(content, 16, keyIMEI), "860000000000018"...)
	for i := range byte(12) {
		content = append(content, 9, 0x24, 0x88, 0x42, 0x1D, 0x6A, 0, 0, 0xA8, 0x57)
		content = append(content, 22, keyGPS, i, 0, 0, 20, 0, 0, 0, 10, 50, 0, 91, 0, 12, 0, 9, 0, 1, 2, 0, 0, 9)
	}
	return appendFrame(nil, 1, content)
}

func TestNext(t *testing.T) {
	good := appendFrame(nil, 1, []byte{kindAnswer, 1, 0})
	lying := append([]byte{mark, 0, 40, 0, 9, 9, 0, 0, kindData}, bytes.Repeat([]byte{7}, 20)...)
	lying = append(lying, good...)
	lying = append(lying, good...)
	for name, c := range map[string]struct {
		in    []byte
		frame []byte
		n     int
	}{
		"whole":            {good, good, len(good)},
		"header only":      {good[:7], nil, 0},
		"incomplete":       {good[:len(good)-1], nil, 0},
		"noise":            {[]byte("hello"), nil, 5},
		"mark in noise":    {append([]byte{mark, 0, 5, 0, 1, 1, 1, 1, 0x55}, good...), nil, 1},
		"too long":         {[]byte{mark, 0, 0xFF, 0xFF, 0, 0, 0, 0, 1}, nil, 1},
		"wrong length":     {lying, nil, 29},
		"wrong and no end": {lying[:45], nil, 0},
	} {
		frame, n, err := codec{}.Next(c.in)
		if !bytes.Equal(frame, c.frame) || n != c.n || err != nil {
			t.Errorf("%s: frame %x, %d, %v", name, frame, n, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for name, frame := range map[string][]byte{
		"empty":         nil,
		"no type":       appendFrame(nil, 1, nil),
		"unknown type":  appendFrame(nil, 1, []byte{0x55, 1}),
		"no items":      appendFrame(nil, 1, []byte{kindData}),
		"empty items":   appendFrame(nil, 1, []byte{kindData, 0, 0, 0}),
		"another magic": append([]byte{0}, appendFrame(nil, 1, []byte{1})...),
	} {
		if packet, err := (codec{}).Decode(frame, time.Time{}); err == nil || len(packet.Positions) > 0 {
			t.Errorf("%s: %+v, %v", name, packet, err)
		}
	}
}

// Items that are too short, or longer than the message, say nothing.
func TestShortItems(t *testing.T) {
	content := []byte{kindData}
	for key := 0; key < 256; key++ {
		content = append(content, 2, byte(key), 1)
	}
	content = append(content, 200, keyGPS, 1, 2, 3)
	packet, err := codec{}.Decode(appendFrame(nil, 1, content), time.Time{})
	if err != nil || len(packet.Positions) != 2 || !packet.Positions[0].Outdated || len(packet.Positions[0].Attributes) > 0 {
		t.Errorf("%+v, %v", packet, err)
	}
}

func TestPlaceOffTheEarth(t *testing.T) {
	b, _ := hex.DecodeString("1620" + "ffffff7f" + "ffffff7f" + "3200" + "ffff" + "0000" + "0900" + "00000000" + "09")
	packet, err := codec{}.Decode(appendFrame(nil, 1, append([]byte{kindData}, b...)), time.Time{})
	if err != nil || len(packet.Positions) != 1 {
		t.Fatal(packet, err)
	}
	if p := packet.Positions[0]; !p.Outdated || p.Valid || p.CourseDeg != 0 || !p.FixTime.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestCommandErrors(t *testing.T) {
	for _, c := range []struct {
		kind, data string
		want       error
	}{
		{"engineStop", "", protocol.ErrUnsupported},
		{"custom", "xyz", data.ErrInvalid},
		{"custom", "", data.ErrInvalid},
		{"configuration", "0", data.ErrInvalid},
		{"firmwareUpdate", "", data.ErrInvalid},
		{"firmwareUpdate", strings.Repeat("x", 255), data.ErrInvalid},
		{"custom", strings.Repeat("00", maxContent+1), data.ErrInvalid},
	} {
		cmd := data.Command{Type: c.kind}
		cmd.Attributes.SetString("data", c.data)
		if b, err := encode(cmd, nil, time.Time{}); !errors.Is(err, c.want) {
			t.Errorf("%s %.10q: %x, %v", c.kind, c.data, b, err)
		}
	}
}

func TestAllocations(t *testing.T) { protocoltest.AllocsPerPosition(t, Protocol(), sample(), 1) }

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), sample()) }
