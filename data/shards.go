package data

import "iter"

// ByShard hands out positions by the shard of their device, taken modulo
// shards, each shard's in their order; shards without any are left out. With one
// shard nothing is copied.
func ByShard(positions []Position, shards int) iter.Seq2[int, []Position] {
	return func(yield func(int, []Position) bool) {
		if shards == 1 || len(positions) <= 1 {
			if len(positions) > 0 {
				yield(Shard(positions[0].DeviceID)%shards, positions)
			}
			return
		}
		var ends [Shards]int
		for i := range positions {
			ends[Shard(positions[i].DeviceID)%shards]++
		}
		for s, end := 0, 0; s < shards; s++ {
			end += ends[s]
			ends[s] = end
		}
		sorted := make([]Position, len(positions))
		starts := ends
		for i := len(positions) - 1; i >= 0; i-- {
			s := Shard(positions[i].DeviceID) % shards
			starts[s]--
			sorted[starts[s]] = positions[i]
		}
		for s := range shards {
			if start, end := starts[s], ends[s]; start < end && !yield(s, sorted[start:end:end]) {
				return
			}
		}
	}
}
