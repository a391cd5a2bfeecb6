package meiligao

import (
	"encoding/binary"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

// sent is a frame of a device.
func sent(command uint16, content string) []byte {
	b := appendFrame(nil, []byte{0x86, 0, 0, 0, 0, 0, 0x1F}, command, []byte(content))
	b[0], b[1] = '$', '$'
	end := len(b) - tailSize
	binary.BigEndian.PutUint16(b[end:], converters.CRC16CCITTFalse(b[:end]))
	return b
}

func TestPhoto(t *testing.T) {
	for _, first := range []byte{0, 1} {
		f, replies := protocoltest.File(t, Protocol(), sent(kindPhotoBegin, "\x05"),
			sent(kindPhotoData, "\x05\x00\x01\x02"+string([]byte{first})+"\xFF\xD8\xFF one "),
			sent(kindPhotoData, "\x05\x00\x01\x02"+string([]byte{first + 1})+"two"), sent(kindPhotoEnd, "\x05"))
		if f.Kind != data.FileImage || f.ID != "5" || !f.Last || string(f.Content) != "\xFF\xD8\xFF one two" {
			t.Errorf("from %d: %+v", first, f)
		}
		if len(replies) != 4 || replies[0] == "" || replies[1] != "" || replies[3] == "" {
			t.Errorf("answers %q", replies)
		}
	}
}
