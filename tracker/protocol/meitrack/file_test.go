package meitrack

import (
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestPicture(t *testing.T) {
	const id, total = "860000000000018", 10
	var frames [][]byte
	want := ""
	for i := range total {
		piece := strings.Repeat(string(rune('a'+i)), 700) + ",*"
		b := appendMessage(nil, 'A', id, "D00,x.jpg,10,"+string(rune('0'+i))+","+piece)
		b[0], b[1] = '$', '$'
		s := sum(b[:len(b)-4])
		b[len(b)-4], b[len(b)-3] = upperHex[s>>4], upperHex[s&15]
		frames = append(frames, b)
		want += piece
	}
	f, replies := protocoltest.File(t, Protocol(), frames...)
	if f.Kind != data.FileImage || f.ID != "x.jpg" || !f.Last || string(f.Content) != want {
		t.Errorf("%s %q of %d bytes, last %t", f.Kind, f.ID, len(f.Content), f.Last)
	}
	for i, r := range replies {
		if asked := strings.Contains(r, "D00,x.jpg,8*"); asked != (i == 7) {
			t.Errorf("after packet %d: %q", i, r)
		}
	}
}
