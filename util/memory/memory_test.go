package memory

import "testing"

func TestPercentLeavesRoom(t *testing.T) {
	for live, want := range map[uint64]int{0: 6400, 8 << 20: 800, 64 << 20: 100, 4 << 30: 100} {
		if got := percent(live, leastRoom); got != want {
			t.Errorf("with %d MB alive: %d, want %d", live>>20, got, want)
		}
	}
	if got := percent(64<<20, 256<<20); got != 400 {
		t.Errorf("busy: %d", got)
	}
}

func TestRoomFollowsTheLoad(t *testing.T) {
	room, most := uint64(leastRoom), uint64(300<<20)
	for _, c := range []struct{ collections, want uint64 }{
		{20, 128 << 20}, {3, 128 << 20}, {20, 256 << 20}, {20, 300 << 20}, {20, 300 << 20}, {0, 150 << 20}, {0, 75 << 20}, {1, leastRoom}, {0, leastRoom},
	} {
		if room = next(room, most, c.collections); room != c.want {
			t.Fatalf("after %d collections: %d MB, want %d", c.collections, room>>20, c.want>>20)
		}
	}
}

func TestInstalled(t *testing.T) {
	if n := installed(); n != 0 && n < 16<<20 {
		t.Errorf("%d bytes", n)
	}
}
