package xexun2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var (
	now  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	imei = []byte{0x86, 0, 0, 0, 0, 0, 0x01, 0x80}
)

// sample is a frame of count positions.
func sample(count int) []byte {
	body := []byte{byte(count)}
	for range count {
		body = binary.BigEndian.AppendUint16(body, 9+1+9)
	}
	for i := range count {
		body = append(body, byte(i))
		body = binary.BigEndian.AppendUint32(body, uint32(now.Unix()))
		body = append(body, 20, 0, 87, hasPosition, hasFloat, 10)
		body = binary.BigEndian.AppendUint32(body, math.Float32bits(1324.3))
		body = binary.BigEndian.AppendUint32(body, math.Float32bits(5231.2))
	}
	return appendFrame(nil, kindPosition, 7, imei, body)
}

func TestEscapes(t *testing.T) {
	plain := []byte{0xFA, 0xAF, 1, 0xFA, 0xAF, 2, 0xFB, 0xBF, 3, 0xFA, 0xFB, 0xFA, 0xAF}
	wire := []byte{0xFA, 0xAF, 1, 0xFB, 0xBF, 1, 2, 0xFB, 0xBF, 2, 3, 0xFA, 0xFB, 0xFA, 0xAF}
	if have := appendEscaped(nil, plain); !bytes.Equal(have, wire) {
		t.Errorf("escaped %x, want %x", have, wire)
	}
	if have := new(codec).unescape(wire); !bytes.Equal(have, plain) {
		t.Errorf("plain %x, want %x", have, plain)
	}
	if have := appendFrame(nil, kindPosition, 0xFAAF, imei, []byte{0xFA, 0xAF}); bytes.Count(have, mark) != 2 {
		t.Errorf("marks inside of %x", have)
	}
}

// Whatever is lost at the start of a connection, the frames after it are read.
func TestSynchronizes(t *testing.T) {
	whole := sample(2)
	for lost := range len(whole) {
		stream := append(bytes.Clone(whole[lost:]), bytes.Repeat(whole, 2)...)
		for _, step := range []int{1, 5, len(stream)} {
			c := Protocol().New(protocol.TCP)
			var pending []byte
			positions := 0
			for rest := stream; len(rest) > 0; {
				n := min(step, len(rest))
				pending, rest = append(pending, rest[:n]...), rest[n:]
				for {
					frame, n, err := c.Next(pending)
					if err != nil {
						t.Fatal(err)
					}
					if n == 0 {
						break
					}
					if frame != nil {
						packet, _ := c.Decode(frame, now)
						positions += len(packet.Positions)
					}
					pending = pending[n:]
				}
			}
			if positions < 4 {
				t.Fatalf("%d bytes lost, steps of %d: %d positions, want 4", lost, step, positions)
			}
		}
	}
}

func TestNoEnd(t *testing.T) {
	b := append([]byte{0xFA, 0xAF}, make([]byte, maxFrame)...)
	if frame, n, err := Protocol().New(protocol.TCP).Next(b); frame != nil || n == 0 || err != nil {
		t.Errorf("%d bytes of frame, %d taken, %v", len(frame), n, err)
	}
}

func TestUnreadable(t *testing.T) {
	for name, frame := range map[string][]byte{
		"empty":       nil,
		"no mark":     make([]byte, 40),
		"too short":   {0xFA, 0xAF, 0, 0x14, 0xFA, 0xAF},
		"no body":     appendFrame(nil, kindPosition, 1, imei, nil),
		"no lengths":  appendFrame(nil, kindPosition, 1, imei, []byte{200, 0, 0}),
		"cut records": appendFrame(nil, kindPosition, 1, imei, []byte{1, 0, 3, 1, 2, 3}),
	} {
		if packet, err := Protocol().New(protocol.TCP).Decode(frame, now); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: %+v, error %v", name, packet, err)
		}
	}
}

func TestUnsupportedCommands(t *testing.T) {
	for kind, want := range map[string]error{
		"videoStart": protocol.ErrUnsupported, "custom": data.ErrInvalid, "positionPeriodic": data.ErrInvalid,
	} {
		if _, err := encode(data.Command{Type: kind, UniqueID: "860000000000018"}, nil, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := encode(data.Command{Type: "powerOff", UniqueID: "1"}, nil, time.Time{}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("a device id that is no IMEI: %v", err)
	}
}

// The answer, the list of positions and the room for their attributes.
func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), sample(10), 1)
	protocoltest.AllocsPerPosition(t, Protocol(), sample(1), 6)
}

func BenchmarkDecode(b *testing.B) { protocoltest.Benchmark(b, Protocol(), sample(10)) }
