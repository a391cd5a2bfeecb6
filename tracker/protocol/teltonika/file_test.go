package teltonika

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestPhoto(t *testing.T) {
	want := "\xFF\xD8\xFF" + strings.Repeat("x", cameraPiece) + "\xFF\xD9"
	offer := append([]byte{cameraOffer}, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 7), uint32(len(want)))...)
	piece := func(from, to int) []byte {
		b := binary.BigEndian.AppendUint32([]byte{cameraData}, 7)
		b = binary.BigEndian.AppendUint32(b, uint32(from))
		b = binary.BigEndian.AppendUint16(b, uint16(to-from))
		return appendMessage(nil, codec12, kindCamera, append(b, want[from:to]...))
	}
	ask := func(offset uint32, size uint16) string {
		b := binary.BigEndian.AppendUint32([]byte{cameraData}, 7)
		b = binary.BigEndian.AppendUint32(b, offset)
		return string(appendMessage(nil, codec12, kindCamera, binary.BigEndian.AppendUint16(b, size)))
	}
	f, replies := protocoltest.File(t, Protocol(), appendMessage(nil, codec12, kindCamera, offer), piece(0, cameraPiece), piece(cameraPiece, len(want)))
	if f.Kind != data.FileImage || f.ID != "7" || !f.Last || string(f.Content) != want {
		t.Errorf("%s %q, %d bytes, last %t", f.Kind, f.ID, len(f.Content), f.Last)
	}
	if len(replies) != 3 || replies[0] != ask(0, cameraPiece) || replies[1] != ask(cameraPiece, 5) || replies[2] != "" {
		t.Errorf("answers %q", replies)
	}
	// One that is too large is not asked for; what was not asked for is no file.
	binary.BigEndian.PutUint32(offer[5:], data.MaxFile+1)
	c := Protocol().New(protocol.TCP)
	for _, frame := range [][]byte{appendMessage(nil, codec12, kindCamera, offer), piece(0, 10), appendMessage(nil, codec12, kindCamera, []byte{cameraData})} {
		if packet, err := c.Decode(frame, sample().FixTime); err != nil || packet.Reply != nil || packet.File != nil {
			t.Errorf("%+v, %v", packet, err)
		}
	}
}
