package api

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/util/geo/line"
	"github.com/waymark-gps/waymark/util/mvt"
)

const (
	// tileMargin is how far lines go beyond a tile, in its units, so that their
	// ends are not seen at its edge.
	tileMargin = 128
	// tileDetail is what a point must show: half a pixel of a tile drawn with
	// 512, in the tile's units squared.
	tileDetail = 32
	// pointsZoom is from which zoom on the positions themselves are in the tile,
	// at most maxTilePoints of them.
	pointsZoom    = 14
	maxTilePoints = 2000
)

// getTile answers a vector tile of the way of a device:
// /tiles/{z}/{x}/{y}.mvt?deviceId&from&to. The layer "track" has its lines with
// deviceId, start and end (seconds since 1970); from zoom 14 on the layer
// "positions" has points with time and speed (knots). Nothing there: 204.
func (s *Server) getTile(w http.ResponseWriter, r *http.Request) error {
	tile, err := parseTile(chi.URLParam(r, "z"), chi.URLParam(r, "x"), chi.URLParam(r, "y"))
	if err != nil {
		return err
	}
	_, ask, err := parseHistoryQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	l, err := s.line(r, &ask)
	if err != nil {
		return err
	}
	return writeTagged(w, r, mvt.ContentType, tile.draw(l.near(tile.zoom), ask.deviceID))
}

// writeTagged writes an answer that the client may keep, if it asks each time
// whether it is still right. An empty one is 204.
func writeTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if len(body) == 0 {
		return writeNothing(w)
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
	return nil
}

// mapTile is a tile of the map: x counts from the west, y from the north, each
// from 0 to 2^zoom-1.
type mapTile struct {
	zoom, x, y int
}

func parseTile(z, x, y string) (t mapTile, err error) {
	for _, n := range []struct {
		text string
		to   *int
	}{{z, &t.zoom}, {x, &t.x}, {y, &t.y}} {
		v, err := strconv.ParseUint(n.text, 10, 31)
		if err != nil {
			return t, invalid("zoom, x and y of a tile must be numbers")
		}
		*n.to = int(v)
	}
	if t.zoom > maxZoom || t.x >= 1<<t.zoom || t.y >= 1<<t.zoom {
		return t, invalid("there is no such tile: zoom is 0 to %d, x and y are below 2^zoom", maxZoom)
	}
	return t, nil
}

// draw makes the tile of a way.
func (t mapTile) draw(points []line.Point, deviceID int64) []byte {
	lines := mvt.NewLayer("track", "deviceId", "start", "end")
	dots := mvt.NewLayer("positions", "time", "speed")
	var near []line.Point
	flush := func() {
		t.drawLine(lines, near, float64(deviceID))
		near = near[:0]
	}
	drawn := 0
	for i := range points {
		if i > 0 && !points[i].First && t.touches(&points[i-1], &points[i]) {
			if len(near) == 0 {
				near = append(near, points[i-1])
			}
			near = append(near, points[i])
		} else {
			flush()
		}
		if x, y := t.place(&points[i]); t.zoom >= pointsZoom && drawn < maxTilePoints && onTile(x, y) {
			drawn++
			dots.Point(mvt.Point{X: int32(x), Y: int32(y)}, seconds(&points[i]), math.Round(float64(points[i].SpeedKnots)*10)/10)
		}
	}
	flush()
	return dots.Append(lines.Append(nil))
}

func seconds(p *line.Point) float64 { return float64(p.Time / 1000) }

// place is a point in units of the tile.
func (t mapTile) place(p *line.Point) (x, y float64) {
	scale := mvt.Extent * math.Exp2(float64(t.zoom)) / line.Full
	return float64(p.X)*scale - float64(t.x)*mvt.Extent, float64(p.Y)*scale - float64(t.y)*mvt.Extent
}

func onTile(x, y float64) bool {
	return x >= 0 && x < mvt.Extent && y >= 0 && y < mvt.Extent
}

// tileArea is tileDetail in units of the whole world.
func tileArea(zoom int) float64 {
	unit := line.Full / math.Exp2(float64(zoom)) / mvt.Extent
	return tileDetail * unit * unit
}

// touches tells whether the box around two points meets the tile.
func (t mapTile) touches(a, b *line.Point) bool {
	ax, ay := t.place(a)
	bx, by := t.place(b)
	const low, high = -tileMargin, mvt.Extent + tileMargin
	return max(ax, bx) >= low && min(ax, bx) <= high && max(ay, by) >= low && min(ay, by) <= high
}

// drawLine adds a line, simplified and cut at the edge of the tile.
func (t mapTile) drawLine(to *mvt.Layer, points []line.Point, deviceID float64) {
	if len(points) < 2 {
		return
	}
	start, end := seconds(&points[0]), seconds(&points[len(points)-1])
	points[0].First = true // a copy of the caller's
	points = line.Simplify(points, len(points), tileArea(t.zoom))
	var out []mvt.Point
	flush := func() {
		to.Line(out, deviceID, start, end)
		out = out[:0]
	}
	for i := 1; i < len(points); i++ {
		a, b, ok := t.cut(&points[i-1], &points[i])
		if !ok {
			flush()
			continue
		}
		if len(out) == 0 || out[len(out)-1] != a {
			flush()
			out = append(out, a)
		}
		if b != a {
			out = append(out, b)
		}
	}
	flush()
}

// cut is the part of a side that lies on the tile or in its margin (Liang and
// Barsky, A new concept and method for line clipping, 1984).
func (t mapTile) cut(a, b *line.Point) (from, to mvt.Point, ok bool) {
	ax, ay := t.place(a)
	bx, by := t.place(b)
	const low, high = -tileMargin, mvt.Extent + tileMargin
	t0, t1 := 0.0, 1.0
	for _, side := range [...][2]float64{{ax - bx, ax - low}, {bx - ax, high - ax}, {ay - by, ay - low}, {by - ay, high - ay}} {
		p, q := side[0], side[1]
		switch {
		case p == 0 && q < 0:
			return from, to, false
		case p < 0:
			t0 = max(t0, q/p)
		case p > 0:
			t1 = min(t1, q/p)
		}
	}
	if t0 > t1 {
		return from, to, false
	}
	at := func(t float64) mvt.Point {
		return mvt.Point{X: int32(math.Round(ax + t*(bx-ax))), Y: int32(math.Round(ay + t*(by-ay)))}
	}
	return at(t0), at(t1), true
}
