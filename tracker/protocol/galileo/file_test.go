package galileo

import (
	"encoding/binary"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

func TestPhoto(t *testing.T) {
	piece := func(number byte, content string) []byte {
		b := binary.LittleEndian.AppendUint16([]byte{headerPhoto}, uint16(1+len(content)))
		b = append(append(b, number), content...)
		return binary.LittleEndian.AppendUint16(b, converters.CRC16Modbus(b))
	}
	for _, first := range []byte{0, 1, 255} {
		f, replies := protocoltest.File(t, Protocol(), piece(first, "\xFF\xD8\xFF one "), piece(first+1, "two "), piece(first+2, "three"), piece(first+3, ""))
		if f.Kind != data.FileImage || !f.Last || string(f.Content) != "\xFF\xD8\xFF one two three" {
			t.Errorf("from %d: %+v", first, f)
		}
		if len(replies) != 4 || replies[3][0] != headerPhoto {
			t.Errorf("answers %q", replies)
		}
	}
	// A piece whose answer was lost comes again, in its old place.
	var p photo
	p.part([]byte{1, 'a'})
	p.part([]byte{2, 'b'})
	if f := p.part([]byte{2, 'b'}); f.From != 1 || f.To != 2 {
		t.Errorf("again: %+v", f)
	}
}
