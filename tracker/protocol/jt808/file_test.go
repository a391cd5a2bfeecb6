package jt808

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
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

// mediaPart2019 is a whole message 0x0801 of the edition of 2019.
func mediaPart2019(body string) []byte {
	h := header{mark: mark, props: propVersion, version: 1, phone: []byte{0, 0, 0, 0, 0x86, 0, 0, 0, 0, 1}}
	return h.appendFrame(nil, kindMedia, []byte(body))
}

// Lost parts are asked for behind the last one, and again if they are lost
// again; what comes twice is answered and not kept twice.
func TestMediaLost(t *testing.T) {
	c := Protocol().New(protocol.TCP)
	send := func(part uint16, body string) (content string, last bool, again string) {
		t.Helper()
		frame, _, err := c.Next(mediaPart(part, 4, body))
		if err != nil {
			t.Fatal(err)
		}
		packet, err := c.Decode(frame, now)
		if err != nil {
			t.Fatal(err)
		}
		if packet.File != nil {
			content, last = string(packet.File.Content), packet.File.Last
		}
		_, _, _, n, _ := Answer(packet.Reply)
		if kind, _, body, _, ok := Answer(packet.Reply[n:]); ok && kind == kindMediaAnswer {
			again = string(body)
		}
		return content, last, again
	}
	const head = "\x00\x00\x00\x09"
	for _, step := range []struct {
		part           uint16
		body           string
		content, again string
		last           bool
	}{
		{1, head + "\x00\x00\x01\x02\xFF\xD8a", "\xFF\xD8a", "", false},
		{3, "c", "", "", false}, // 2 was lost
		{4, "d", "", head + "\x03\x00\x02\x00\x03\x00\x04", false},
		{2, "b", "b", "", false},
		{4, "d", "", head + "\x02\x00\x03\x00\x04", false}, // 3 was lost
		{3, "c", "c", "", false},
		{4, "d", "d", head, true},
		{4, "d", "", head, false}, // did not see the answer
	} {
		if content, last, again := send(step.part, step.body); content != step.content || last != step.last || again != step.again {
			t.Errorf("part %d: content %q, last %t, answer %x", step.part, content, last, again)
		}
	}
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
		"whole, 2013, no clock": {data.FileImage, jpeg, time.Time{}, [][]byte{
			mediaPart(0, 0, head+"\x00\x00\x01\x02"+strings.Repeat("\x00", 28)+jpeg),
		}},
		"whole, 2019": {data.FileAudio, "sound", at, [][]byte{mediaPart2019(head + "\x01\x02\x00\x01" + place + "sound")}},
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
