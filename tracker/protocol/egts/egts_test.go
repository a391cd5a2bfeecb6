package egts

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzDecode(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

func TestAllocations(t *testing.T) {
	protocoltest.AllocsPerPosition(t, Protocol(), protocoltest.Message(t, "a-odometer", 0), 2)
}

func BenchmarkDecode(b *testing.B) {
	protocoltest.Benchmark(b, Protocol(), protocoltest.Message(b, "a-odometer", 0))
}

func TestUnreadable(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	whole := protocoltest.Message(t, "a-odometer", 0)
	signed, packed := bytes.Clone(whole), bytes.Clone(whole)
	signed[9], packed[2] = packetSigned, 4
	for name, frame := range map[string][]byte{
		"empty": nil, "short": whole[:9], "torn record": whole[:20], "signed": signed, "compressed": packed,
	} {
		if packet, err := c.Decode(frame, time.Time{}); !errors.Is(err, data.ErrInvalid) || packet.Reply != nil {
			t.Errorf("%s: reply %x, error %v", name, packet.Reply, err)
		}
	}
}

// A packet can hold more records than one answer should confirm: what is not
// confirmed is not kept either, and comes again.
func TestManyRecords(t *testing.T) {
	var body []byte
	const records = 1000
	for i := range records {
		body = append(body, 0, 0, byte(i), byte(i>>8), 0, byte(1+i%2), 1)
	}
	packet, err := Protocol().New(protocol.TCP).Decode(appendPacket(nil, packetData, 1, body), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(packet.Reply) == 0 || len(packet.Reply) > 1024 {
		t.Errorf("an answer of %d bytes", len(packet.Reply))
	}
}

// Devices of a relay keep their own positions.
func TestRelay(t *testing.T) {
	packet, err := Protocol().New(protocol.TCP).Decode(protocoltest.Message(t, "relay", 1), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if packet.Identity != "3636500978" || len(packet.Positions) != 2 || len(packet.More) != 1 ||
		packet.More[0].Identity != "77" || len(packet.More[0].Positions) != 1 {
		t.Errorf("%+v", packet)
	}
}
