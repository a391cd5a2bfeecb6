package jt808

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/util/converters"
)

// mediaPart is a part of message 0x0801; parts 0: it is not split.
func mediaPart(part, parts uint16, body string) []byte {
	props := uint16(len(body))
	if parts > 0 {
		props |= propSplit
	}
	f := binary.BigEndian.AppendUint16([]byte{mark}, kindMedia)
	f = binary.BigEndian.AppendUint16(f, props)
	f = converters.AppendBCD(f, "013800000042", 6)
	f = binary.BigEndian.AppendUint16(f, part)
	if parts > 0 {
		f = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, parts), part)
	}
	f = append(f, body...)
	return appendEscaped(nil, append(f, checksum(f[1:]), mark))
}

func TestMedia(t *testing.T) {
	place := strings.Repeat("\x00", 22) + "\x26\x06\x01\x16\x30\x00" // 16:30 in Beijing
	at := time.Date(2026, 6, 1, 8, 30, 0, 0, time.UTC)
	const head = "\x00\x00\x00\x09"
	const jpeg = "\xFF\xD8\xFF\x7E\x7D photo"
	for name, c := range map[string]struct {
		kind, content string
		time          time.Time
		frames        [][]byte
	}{
		"whole, 2013": {data.FileImage, jpeg, at, [][]byte{mediaPart(0, 0, head+"\x00\x00\x01\x02"+place+jpeg)}},
		"whole, 2011": {data.FileImage, jpeg, time.Time{}, [][]byte{mediaPart(0, 0, head+"\x00\x00\x01\x02"+jpeg)}},
		"in parts": {data.FileVideo, "film and film", at, [][]byte{
			mediaPart(1, 2, head+"\x02\x04\x01\x02"+place+"film "), mediaPart(2, 2, "and film"),
		}},
	} {
		f, replies := protocoltest.File(t, Protocol(), c.frames...)
		if f.Kind != c.kind || f.ID != "9" || string(f.Content) != c.content || !f.Last || !f.Time.Equal(c.time) {
			t.Errorf("%s: %+v", name, f)
		}
		// Each part has its answer, the last one that of the whole behind it.
		for i, r := range replies {
			kind, _, _, n, ok := Answer([]byte(r))
			if !ok || kind != kindGeneralAnswer {
				t.Fatalf("%s: answer %x", name, r)
			}
			rest := r[n:]
			if i < len(replies)-1 {
				if rest != "" {
					t.Errorf("%s: %x behind the answer of part %d", name, rest, i+1)
				}
			} else if kind, _, _, _, _ := Answer([]byte(rest)); kind != kindMediaAnswer || !strings.Contains(rest, head) {
				t.Errorf("%s: at last %x", name, rest)
			}
		}
	}
	if f, _ := protocoltest.File(t, Protocol(), mediaPart(2, 2, "without a beginning")); f.Kind != "" {
		t.Errorf("a part without its beginning: %+v", f)
	}
}
