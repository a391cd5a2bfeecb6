package atrack

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

func TestPicture(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 30, 0, 0, time.UTC)
	piece := func(index, total byte, content string) []byte {
		body := binary.BigEndian.AppendUint16(nil, 7+uint16(index))
		body = binary.BigEndian.AppendUint64(body, 860000000000018)
		body = binary.BigEndian.AppendUint32(body, uint32(at.Unix()))
		body = append(body, index, total)
		body = binary.BigEndian.AppendUint16(body, uint16(len(content)))
		body = append(body, content...)
		rest := append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
		b := binary.BigEndian.AppendUint16([]byte("@R"), converters.CRC16ARC(rest))
		return append(b, rest...)
	}
	f, replies := protocoltest.File(t, Protocol(), piece(0, 2, "\xFF\xD8\xFF first"), piece(1, 2, "second"))
	if f.Kind != data.FileImage || !f.Time.Equal(at) || !f.Last || string(f.Content) != "\xFF\xD8\xFF firstsecond" {
		t.Errorf("%+v", f)
	}
	if len(replies) != 2 || len(replies[1]) != keepAliveSize {
		t.Errorf("answers %q", replies)
	}
	if f, _ := protocoltest.File(t, Protocol(), piece(3, 2, "x")); f.Kind != "" {
		t.Errorf("piece 3 of 2: %+v", f)
	}
}
