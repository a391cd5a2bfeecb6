package jt808

import (
	"encoding/binary"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// batchPart is a part of message 0704; parts 0: it is not split.
func batchPart(serial, part, parts uint16, body []byte) []byte {
	props := uint16(len(body))
	if parts > 0 {
		props |= propSplit
	}
	f := binary.BigEndian.AppendUint16([]byte{mark}, kindBatch)
	f = binary.BigEndian.AppendUint16(f, props)
	f = converters.AppendBCD(f, "013800000042", 6)
	f = binary.BigEndian.AppendUint16(f, serial)
	if parts > 0 {
		f = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, parts), part)
	}
	f = append(f, body...)
	return appendEscaped(nil, append(f, checksum(f[1:]), mark))
}

// sendBatch decodes a part and returns its positions and the result of the
// answer.
func sendBatch(t *testing.T, c protocol.Codec, frame []byte) (positions []data.Position, result byte) {
	t.Helper()
	content, _, err := c.Next(frame)
	if err != nil {
		t.Fatal(err)
	}
	packet, err := c.Decode(content, now)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, body, _, ok := Answer(packet.Reply)
	if !ok || kind != kindGeneralAnswer || len(body) != 5 {
		t.Fatalf("answer %x", packet.Reply)
	}
	return packet.Positions, body[4]
}

// A batch may be split anywhere, also within a location.
func TestSplitBatch(t *testing.T) {
	one := fromHex(t, "0028"+location)
	whole := append([]byte{0, 3, 1}, one...)
	whole = append(append(whole, one...), one...)
	for cut := 3; cut < len(whole); cut++ {
		c := Protocol().New(protocol.TCP)
		first, ok1 := sendBatch(t, c, batchPart(1, 1, 2, whole[:cut]))
		second, ok2 := sendBatch(t, c, batchPart(2, 2, 2, whole[cut:]))
		all := append(first, second...)
		if len(all) != 3 || ok1 != 0 || ok2 != 0 {
			t.Fatalf("cut at %d: %d and %d positions, results %d and %d", cut, len(first), len(second), ok1, ok2)
		}
		for i := range all {
			if archive, _ := all[i].Attributes.Get("archive").Bool(); !archive || !all[i].Valid || all[i].Attributes.Get("sat").String() != "12" {
				t.Errorf("cut at %d, position %d: %+v", cut, i, all[i])
			}
		}
	}
}

// A part whose beginning was not seen is refused, and so is what follows
// something that is no location.
func TestSplitBatchWithoutBeginning(t *testing.T) {
	one := fromHex(t, "0028"+location)
	c := Protocol().New(protocol.TCP)
	for _, step := range []struct {
		part, parts uint16
		body        []byte
		positions   int
		result      byte
	}{
		{2, 2, one, 0, 1},
		{1, 3, append([]byte{0, 9, 0}, one...), 1, 0},
		{3, 3, one, 0, 1}, // 2 was lost
		{2, 3, one, 1, 0},
		{3, 3, one, 1, 0},
		{1, 2, append([]byte{0, 9, 0, 0, 5}, one...), 0, 0},
		{2, 2, one, 0, 1},
		{1, 2, append([]byte{0, 9, 0, 0xFF, 0xFF}, one...), 0, 0},
		{2, 2, one, 0, 1},
	} {
		positions, result := sendBatch(t, c, batchPart(7, step.part, step.parts, step.body))
		if len(positions) != step.positions || result != step.result {
			t.Errorf("part %d of %d: %d positions, result %d; want %d, %d", step.part, step.parts, len(positions), result, step.positions, step.result)
		}
	}
}
