package memory

import "testing"

func TestPercentLeavesRoom(t *testing.T) {
	for live, want := range map[uint64]int{0: 6400, 8 << 20: 800, 64 << 20: 100, 4 << 30: 100} {
		if got := percent(live); got != want {
			t.Errorf("with %d MB alive: %d, want %d", live>>20, got, want)
		}
	}
}
