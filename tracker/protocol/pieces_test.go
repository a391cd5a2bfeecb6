package protocol

import (
	"slices"
	"testing"
)

func TestPieces(t *testing.T) {
	for name, c := range map[string]struct{ numbers, want []int }{
		"from 0":               {[]int{0, 1, 2}, []int{0, 1, 2}},
		"from 1":               {[]int{1, 2, 3}, []int{0, 1, 2}},
		"again":                {[]int{1, 1, 2, 1, 2}, []int{0, 0, 1, 0, 1}},
		"0 comes again":        {[]int{0, 0, 1}, []int{0, 0, 1}},
		"without a beginning":  {[]int{2, 3, 1, 2}, []int{-1, -1, 0, 1}},
		"another, from 1, now": {[]int{0, 1, -1, 1, 2}, []int{0, 1, 0, 1}},
	} {
		var p Pieces
		id := "a"
		var have []int
		for _, n := range c.numbers {
			if n < 0 {
				id = "b"
				continue
			}
			from, ok := p.At(id, n)
			if !ok {
				from = -1
			}
			have = append(have, from)
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%s: %v, want %v", name, have, c.want)
		}
	}
}
