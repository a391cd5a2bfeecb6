package block

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The codings of a column of integers, see the package comment.
const (
	codeSame = iota
	codeRuns
	codeAbove
	codeAround
)

const (
	codeShift = 2
	unitBit   = 1 << 4
	modeBits  = 1<<5 - 1
	maxOrder  = 2
)

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// intCoder finds the shortest way to write a column of integers.
type intCoder struct {
	bits bitWriter
	// diffs are what the orders code.
	diffs [maxOrder + 1][]int64
}

// plan is a way to write a column.
type plan struct {
	order, code int
	k           uint
	base        int64
	// cost is about how many bits it takes, but for what all ways need.
	cost int
}

// append writes a column: to dst, and its bits to c.bits.
func (c *intCoder) append(dst []byte, values []int64) []byte {
	first := values[0]
	unit := commonUnit(values)
	if unit == 0 {
		dst = append(dst, codeSame<<codeShift)
		return binary.AppendVarint(dst, first)
	}
	c.difference(values, unit)
	best := plan{cost: math.MaxInt}
	for order := range c.diffs {
		best = c.choose(best, order)
	}
	mode := byte(best.order | best.code<<codeShift)
	if unit != 1 {
		mode |= unitBit
	}
	dst = append(dst, mode)
	dst = binary.AppendVarint(dst, first)
	if unit != 1 {
		dst = binary.AppendUvarint(dst, uint64(unit))
	}
	if best.order == 2 {
		dst = binary.AppendVarint(dst, c.diffs[1][0])
	}
	return c.write(dst, best)
}

// commonUnit returns by what all distances to the first value can be divided, 0
// if all are the same.
func commonUnit(values []int64) int64 {
	var unit uint64
	for _, v := range values[1:] {
		d := v - values[0]
		if d > math.MaxInt64/2 || d < math.MinInt64/2 {
			return 1
		}
		distance := uint64(max(d, -d))
		if unit == 0 {
			unit = distance
			continue
		}
		if distance == 0 || distance%unit == 0 {
			continue
		}
		for distance != 0 {
			unit, distance = distance, unit%distance
		}
		if unit == 1 {
			return 1
		}
	}
	return int64(unit)
}

func (c *intCoder) difference(values []int64, unit int64) {
	n := len(values) - 1
	for order := range c.diffs {
		c.diffs[order] = grow(c.diffs[order], n)
	}
	u, d, dd := c.diffs[0], c.diffs[1][:n], c.diffs[2][:n]
	first := values[0]
	for i, v := range values[1:] {
		u[i] = v - first
	}
	if unit != 1 {
		for i := range u {
			u[i] /= unit
		}
	}
	var last int64
	slope := u[0]
	for i, v := range u {
		difference := v - last
		d[i], dd[i] = difference, difference-slope
		last, slope = v, difference
	}
}

// choose returns best or a way of the order that is shorter.
func (c *intCoder) choose(best plan, order int) plan {
	diffs := c.diffs[order]
	var around, above lengths
	low, high, runs := diffs[0], diffs[0], int64(0)
	cost, length := 0, 1
	for _, d := range diffs {
		around.add(zigzag(d))
		low, high = min(low, d), max(high, d)
		if d == runs {
			length++
			continue
		}
		cost += 8 + 7 + bits.Len64(zigzag(d-runs))
		if length > 128 {
			cost += 7
		}
		runs, length = d, 1
	}
	if diffs[0] == 0 {
		cost += 16
	}
	if cost < best.cost {
		best = plan{order: order, code: codeRuns, cost: cost}
	}
	if cost <= len(diffs)/4 { // no Rice code takes fewer than one bit per value
		return best
	}
	if k, cost := around.best(); cost+8 < best.cost {
		best = plan{order: order, code: codeAround, k: k, cost: cost + 8}
	}
	if uint64(high)-uint64(low) > math.MaxInt64 {
		return best
	}
	for _, d := range diffs {
		above.add(uint64(d - low))
	}
	extra := 16 + bits.Len64(zigzag(low))
	if k, cost := above.best(); cost+extra < best.cost {
		best = plan{order: order, code: codeAbove, k: k, base: low, cost: cost + extra}
	}
	return best
}

func (c *intCoder) write(dst []byte, p plan) []byte {
	diffs := c.diffs[p.order]
	switch p.code {
	case codeRuns:
		return appendRuns(dst, diffs)
	case codeAbove:
		dst = binary.AppendVarint(dst, p.base)
		dst = append(dst, byte(p.k))
		for _, d := range diffs {
			c.bits.rice(uint64(d-p.base), p.k)
		}
	case codeAround:
		dst = append(dst, byte(p.k))
		for _, d := range diffs {
			c.bits.rice(zigzag(d), p.k)
		}
	}
	return dst
}

func appendRuns(dst []byte, values []int64) []byte {
	var before int64
	for i := 0; i < len(values); {
		v, start := values[i], i
		for i++; i < len(values) && values[i] == v; i++ {
		}
		dst = binary.AppendUvarint(dst, uint64(i-start-1))
		dst = binary.AppendVarint(dst, v-before)
		before = v
	}
	return dst
}

// lengths counts values by how many bits they have.
type lengths [65]int32

func (l *lengths) add(v uint64) { l[bits.Len64(v)]++ }

// best returns the k with which the Rice codes are shortest, and about how many
// bits they take.
func (l *lengths) best() (k uint, cost int) {
	total, longest := 0, 0
	for n, count := range l {
		if count > 0 {
			total += int(count)
			longest = n
		}
	}
	median, seen := 0, 0
	for ; seen+int(l[median]) <= total/2 && median < longest; median++ {
		seen += int(l[median])
	}
	cost = math.MaxInt
	for try := max(median-3, 0); try <= min(median+1, maxRice); try++ {
		if c := l.cost(try, longest) + total*(1+try); c < cost {
			k, cost = uint(try), c
		}
	}
	return k, cost
}

// cost is about how many bits there are beyond 1+k for each value.
func (l *lengths) cost(k, longest int) int {
	// Twice the mean of v>>k for v of k+1, k+2... bits.
	twice := [...]int{2, 5, 11, 23}
	cost := 0
	for n := k + 1; n <= longest; n++ {
		if over := n - k - 1; over < len(twice) {
			cost += int(l[n]) * twice[over]
		} else {
			cost += int(l[n]) * 2 * (escape + 64 - 1 - k)
		}
	}
	return cost / 2
}

// grow returns s with the length n, its content lost.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
