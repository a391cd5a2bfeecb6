package line

import (
	"cmp"
	"math"
	"slices"
)

// unitsPerMilli is how much a millisecond weighs beside the way: 0.2 m/s at the
// equator. So the ends of a stop and changes of speed are corners too, and the
// points that are left still tell when the device was where.
const unitsPerMilli = 0.2 / 1000 * Full / 40_075_017

// Simplify leaves out points until at most want are left and each of them shows
// more than minArea (units²; 0 leaves out none for that), by the area of the
// triangle that a point makes with its neighbours (Visvalingam and Whyatt, Line
// generalisation by repeated elimination of points, 1993), the time counting as
// a third dimension. Ends of parts stay; if there are too many parts, the
// smallest go. The result lies in the memory of points.
func Simplify(points []Point, want int, minArea float64) []Point {
	if len(points) <= want && minArea <= 0 {
		return points
	}
	s := newSimplifier(points)
	for left := len(points); len(s.heap) > 0; left-- {
		i := s.heap[0]
		if left <= want && s.area[i] >= minArea || math.IsInf(s.area[i], 1) {
			break
		}
		s.remove()
	}
	kept := points[:0]
	for i := range points {
		if !s.gone[i] {
			kept = append(kept, points[i])
		}
	}
	if len(kept) > want {
		return largestParts(kept, want)
	}
	return kept
}

// simplifier is a chain of points and a heap of them, the smallest area first.
type simplifier struct {
	points     []Point
	prev, next []int32
	area       []float64
	gone       []bool
	heap       []int32
	place      []int32 // in the heap
}

func newSimplifier(points []Point) *simplifier {
	n := len(points)
	s := &simplifier{
		points: points, prev: make([]int32, n), next: make([]int32, n), area: make([]float64, n),
		gone: make([]bool, n), heap: make([]int32, n), place: make([]int32, n),
	}
	for i := range n {
		s.prev[i], s.next[i] = int32(i-1), int32(i+1)
		s.heap[i], s.place[i] = int32(i), int32(i)
	}
	for i := range n {
		s.area[i] = s.measure(int32(i))
	}
	for i := n/2 - 1; i >= 0; i-- {
		s.down(i)
	}
	return s
}

// measure is the area of a point's triangle; infinite for ends of parts.
func (s *simplifier) measure(i int32) float64 {
	p, n := s.prev[i], s.next[i]
	if p < 0 || int(n) >= len(s.points) || s.points[i].First || s.points[n].First {
		return math.Inf(1)
	}
	a, b, c := &s.points[p], &s.points[i], &s.points[n]
	ux, uy := float64(b.X)-float64(a.X), float64(b.Y)-float64(a.Y)
	vx, vy := float64(c.X)-float64(a.X), float64(c.Y)-float64(a.Y)
	uz, vz := float64(b.Time-a.Time)*unitsPerMilli, float64(c.Time-a.Time)*unitsPerMilli
	x, y, z := uy*vz-uz*vy, uz*vx-ux*vz, ux*vy-uy*vx
	return math.Sqrt(x*x+y*y+z*z) / 2
}

// remove takes the smallest out of the chain. Its neighbours become no smaller
// than it was: what is left out later never shows less than what went before.
func (s *simplifier) remove() {
	i := s.heap[0]
	least := s.area[i]
	last := len(s.heap) - 1
	s.swap(0, last)
	s.heap = s.heap[:last]
	s.down(0)
	s.gone[i] = true
	p, n := s.prev[i], s.next[i]
	s.next[p], s.prev[n] = n, p // only inner points are removed
	for _, j := range [...]int32{p, n} {
		s.area[j] = max(s.measure(j), least)
		s.down(int(s.place[j]))
		s.up(int(s.place[j]))
	}
}

func (s *simplifier) less(a, b int) bool { return s.area[s.heap[a]] < s.area[s.heap[b]] }

func (s *simplifier) swap(a, b int) {
	s.heap[a], s.heap[b] = s.heap[b], s.heap[a]
	s.place[s.heap[a]], s.place[s.heap[b]] = int32(a), int32(b)
}

func (s *simplifier) up(i int) {
	for i > 0 && s.less(i, (i-1)/2) {
		s.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (s *simplifier) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.heap) {
			return
		}
		if child+1 < len(s.heap) && s.less(child+1, child) {
			child++
		}
		if !s.less(child, i) {
			return
		}
		s.swap(i, child)
		i = child
	}
}

// Parts cuts points where a new part begins.
func Parts(points []Point) [][]Point {
	var parts [][]Point
	for len(points) > 0 {
		end := 1
		for end < len(points) && !points[end].First {
			end++
		}
		parts = append(parts, points[:end:end])
		points = points[end:]
	}
	return parts
}

// largestParts keeps the largest parts, in order, at most want points of them.
func largestParts(points []Point, want int) []Point {
	type part struct {
		from, to int
		size     uint64
	}
	var parts []part
	at := 0
	for _, p := range Parts(points) {
		minX, maxX, minY, maxY := p[0].X, p[0].X, p[0].Y, p[0].Y
		for _, q := range p {
			minX, maxX, minY, maxY = min(minX, q.X), max(maxX, q.X), min(minY, q.Y), max(maxY, q.Y)
		}
		parts = append(parts, part{at, at + len(p), uint64(maxX-minX) + uint64(maxY-minY)})
		at += len(p)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.size, a.size) })
	kept, left := parts[:0], want
	for _, p := range parts {
		if n := p.to - p.from; n <= left {
			kept = append(kept, p)
			left -= n
		}
	}
	slices.SortFunc(kept, func(a, b part) int { return cmp.Compare(a.from, b.from) })
	out := points[:0]
	for _, p := range kept {
		out = append(out, points[p.from:p.to]...)
	}
	return out
}
