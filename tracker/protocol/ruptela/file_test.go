package ruptela

import (
	"encoding/binary"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

func TestPhoto(t *testing.T) {
	piece := func(number, total uint16, content string) []byte {
		body := binary.BigEndian.AppendUint64(nil, 860000000000018)
		body = append(body, commandFile, 1, 0)
		body = append(body, "20260601"...)
		body = binary.BigEndian.AppendUint16(body, total)
		body = binary.BigEndian.AppendUint16(body, number)
		body = append(body, content...)
		b := binary.BigEndian.AppendUint16(nil, uint16(len(body)))
		b = append(b, body...)
		return binary.BigEndian.AppendUint16(b, converters.CRC16Kermit(body))
	}
	f, replies := protocoltest.File(t, Protocol(), piece(0, 2, "\xFF\xD8\xFF one "), piece(1, 2, "two"))
	if f.Kind != data.FileImage || !f.Last || string(f.Content) != "\xFF\xD8\xFF one two" {
		t.Errorf("%+v", f)
	}
	if want := string(serverFrame(137, append([]byte("\x01\x0020260601"), 0, 1)...)); len(replies) != 2 || replies[0] != want || replies[1] != "" {
		t.Errorf("answers %q, want %q", replies, want)
	}
}
