package bundle

import (
	"encoding/json"
	"fmt"
	"math"
)

// point is longitude, latitude in degrees.
type point [2]float64

type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]int
	Objects   struct {
		Countries struct {
			Geometries []struct {
				Type       string
				Arcs       json.RawMessage
				Properties struct{ Name string }
			}
		}
	}
}

// worldMap is what the page gets: TopoJSON's arcs (each line once, as integer
// steps), and which of them make land, coasts and borders. A third of the size
// of the GeoJSON it becomes in src/map/world.ts.
type worldMap struct {
	Scale     [2]float64 `json:"scale"`
	Translate [2]float64 `json:"translate"`
	// Arcs are flat: x, y, dx, dy, dx, dy ...
	Arcs [][]int `json:"arcs"`
	// Land has a multipolygon per country, of arc numbers (one's complement: reversed).
	Land    [][][][]int `json:"land"`
	Coasts  []int       `json:"coasts"`
	Borders []int       `json:"borders"`
	Labels  []label     `json:"labels"`
}

type label struct {
	Name string  `json:"n"`
	Lon  float64 `json:"x"`
	Lat  float64 `json:"y"`
	// Zoom is where the name starts to fit into its country.
	Zoom float64 `json:"z"`
}

// world converts the TopoJSON of all countries for the page.
func world(topo []byte) ([]byte, error) {
	var t topology
	if err := json.Unmarshal(topo, &t); err != nil {
		return nil, err
	}
	out := worldMap{Scale: t.Transform.Scale, Translate: t.Transform.Translate}
	arcs := make([][]point, len(t.Arcs))
	for i, a := range t.Arcs {
		x, y := 0, 0
		flat := make([]int, 0, 2*len(a))
		for _, d := range a {
			x, y = x+d[0], y+d[1]
			flat = append(flat, d[0], d[1])
			arcs[i] = append(arcs[i], point{
				float64(x)*t.Transform.Scale[0] + t.Transform.Translate[0],
				float64(y)*t.Transform.Scale[1] + t.Transform.Translate[1],
			})
		}
		out.Arcs = append(out.Arcs, flat)
	}
	used := make([]int, len(arcs))
	for i, g := range t.Objects.Countries.Geometries {
		var polygons [][][]int
		switch g.Type {
		case "Polygon":
			polygons = make([][][]int, 1)
			if err := json.Unmarshal(g.Arcs, &polygons[0]); err != nil {
				return nil, fmt.Errorf("country %d: %w", i, err)
			}
		case "MultiPolygon":
			if err := json.Unmarshal(g.Arcs, &polygons); err != nil {
				return nil, fmt.Errorf("country %d: %w", i, err)
			}
		default:
			continue
		}
		out.Land = append(out.Land, polygons)
		var largest []point
		area := 0.0
		for _, polygon := range polygons {
			for ri, refs := range polygon {
				for _, r := range refs {
					used[arcIndex(r)]++
				}
				// Antarctica's first ring is only the pole; its coast comes second.
				outer := ri == 0 || g.Properties.Name == "Antarctica"
				if ring := ringOf(refs, arcs); outer && ringArea(ring) > area {
					largest, area = ring, ringArea(ring)
				}
			}
		}
		if largest != nil && g.Properties.Name != "" {
			p := insidePoint(largest)
			out.Labels = append(out.Labels, label{
				Name: g.Properties.Name, Lon: round(p[0], 2), Lat: round(p[1], 2),
				// 1000 square degrees are named at zoom 1, a quarter of that at 2.
				Zoom: round(math.Max(1, math.Min(7, 1+math.Log2(1000/area)/2)), 1),
			})
		}
	}
	for i := range arcs {
		switch {
		case used[i] > 1:
			out.Borders = append(out.Borders, i)
		case used[i] == 1:
			out.Coasts = append(out.Coasts, i)
		}
	}
	return json.Marshal(out)
}

func round(f float64, digits int) float64 {
	m := math.Pow(10, float64(digits))
	return math.Round(f*m) / m
}

// arcIndex undoes TopoJSON's marking of a reversed arc (one's complement).
func arcIndex(ref int) int {
	if ref < 0 {
		return ^ref
	}
	return ref
}

func ringOf(refs []int, arcs [][]point) []point {
	var ring []point
	for _, r := range refs {
		a := arcs[arcIndex(r)]
		for i := range a {
			p := a[i]
			if r < 0 {
				p = a[len(a)-1-i]
			}
			if i == 0 && len(ring) > 0 {
				continue
			}
			// Run on past 180 degrees instead of jumping to the other side.
			if n := len(ring); n > 0 {
				p[0] += 360 * math.Round((ring[n-1][0]-p[0])/360)
			}
			ring = append(ring, p)
		}
	}
	return ring
}

// ringArea is in square degrees, shrunk by latitude: only for comparing sizes.
func ringArea(ring []point) float64 {
	s, lat := 0.0, 0.0
	for i := range ring {
		j := (i + 1) % len(ring)
		s += ring[i][0]*ring[j][1] - ring[j][0]*ring[i][1]
		lat += ring[i][1]
	}
	return math.Abs(s) / 2 * math.Cos(lat/float64(len(ring))*math.Pi/180)
}

// insidePoint is the grid point inside the ring that is farthest from its edge.
func insidePoint(ring []point) point {
	lo, hi := ring[0], ring[0]
	for _, p := range ring {
		lo = point{math.Min(lo[0], p[0]), math.Min(lo[1], p[1])}
		hi = point{math.Max(hi[0], p[0]), math.Max(hi[1], p[1])}
	}
	best, bestDist := ring[0], -1.0
	const n = 24
	for i := 1; i < n; i++ {
		for j := 1; j < n; j++ {
			p := point{lo[0] + (hi[0]-lo[0])*float64(i)/n, lo[1] + (hi[1]-lo[1])*float64(j)/n}
			if !inside(p, ring) {
				continue
			}
			d := math.Inf(1)
			for _, q := range ring {
				// Names are wide: a step east counts less than a step north.
				d = math.Min(d, math.Hypot((p[0]-q[0])*0.6, p[1]-q[1]))
			}
			if d > bestDist {
				best, bestDist = p, d
			}
		}
	}
	return best
}

func inside(p point, ring []point) bool {
	in := false
	for i, j := 0, len(ring)-1; i < len(ring); j, i = i, i+1 {
		a, b := ring[i], ring[j]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}
