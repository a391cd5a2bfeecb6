package data

import (
	"math/rand/v2"
	"testing"
)

func TestByShard(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, shards := range []int{1, 3, Shards} {
		for _, n := range []int{0, 1, 2, 500} {
			positions := make([]Position, n)
			for i := range positions {
				positions[i] = Position{DeviceID: r.Int64N(90), ID: int64(i + 1)}
			}
			seen, last := map[int64]bool{}, map[int]int64{}
			for shard, of := range ByShard(positions, shards) {
				if len(of) == 0 || last[shard] != 0 {
					t.Fatalf("%d shards: shard %d is empty or comes twice", shards, shard)
				}
				for _, p := range of {
					if Shard(p.DeviceID)%shards != shard || p.ID <= last[shard] || seen[p.ID] {
						t.Fatalf("%d shards: position %d of device %d stands in shard %d after %d", shards, p.ID, p.DeviceID, shard, last[shard])
					}
					seen[p.ID], last[shard] = true, p.ID
				}
			}
			if len(seen) != n {
				t.Fatalf("%d shards: %d of %d positions", shards, len(seen), n)
			}
		}
	}
}
