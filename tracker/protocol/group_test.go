package protocol

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func TestGroup(t *testing.T) {
	var g Group
	if _, ok := g.Packet(); ok {
		t.Error("a packet of nobody")
	}
	for i, id := range []string{"a", "a", "b", "a", "c", "b", "c"} {
		packet, isNew := g.Of(id)
		if want := i == 0 || i == 2 || i == 4; isNew != want {
			t.Errorf("%d, %s: new is %v", i, id, isNew)
		}
		packet.Positions = append(packet.Positions, data.Position{ID: int64(i)})
	}
	first, ok := g.Packet()
	if !ok || len(first.More) != 2 {
		t.Fatalf("%+v, %v", first, ok)
	}
	for i, want := range []struct {
		id        string
		positions []int64
	}{{"a", []int64{0, 1, 3}}, {"b", []int64{2, 5}}, {"c", []int64{4, 6}}} {
		packet := first
		if i > 0 {
			packet = first.More[i-1]
		}
		if packet.Identity != want.id || len(packet.Positions) != len(want.positions) {
			t.Fatalf("%s: %+v", want.id, packet)
		}
		for n, position := range packet.Positions {
			if position.ID != want.positions[n] {
				t.Errorf("%s: position %d is %d", want.id, n, position.ID)
			}
		}
	}
}
