package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/geo/line"
)

const (
	// maxTrackPoints bounds the points of a track, maxZoom the zoom of a map.
	maxTrackPoints = 5000
	maxZoom        = 20
	// linePoints bounds the points of a history in memory (24 bytes each): a
	// month with a report every 10 s is whole, a longer one is simplified as it
	// is read. maxLines is how many histories are kept, for lineLife, so that the
	// tiles of a map read the history once; maxLoads how many are read at a time.
	linePoints = 1 << 18
	maxLines   = 16
	maxLoads   = 4
	lineLife   = time.Minute
)

// getTrack answers the way of a device in few points:
// ?deviceId&from&to and optionally points=1…5000 or zoom=0…20, the zoom of the
// map (256 pixels a tile) where it is drawn.
//
//	{"deviceId":1,"from":…,"to":…,"count":262800,"segments":[[[52.1,4.3,1772366400000,12.5],…],…]}
//
// count is how many positions there are; a segment is a way without a gap, its
// points are latitude, longitude, time in milliseconds since 1970, knots.
func (s *Server) getTrack(w http.ResponseWriter, r *http.Request) error {
	q, ask, err := parseHistoryQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	want, minArea, err := parseDetail(q)
	if err != nil {
		return err
	}
	l, err := s.line(r, &ask)
	if err != nil {
		return err
	}
	points := line.Simplify(slices.Clone(l.points), want, minArea)
	return writeTagged(w, r, "application/json", appendTrack(nil, &ask, l.count, points))
}

// parseDetail reads how many points are wanted, and the area that one must
// show: half a pixel of the map.
func parseDetail(q query) (points int, minArea float64, err error) {
	n, err := q.number("points")
	if err != nil {
		return 0, 0, err
	}
	if q.Get("points") == "" {
		n = maxTrackPoints
	}
	if n < 2 || n > maxTrackPoints {
		return 0, 0, invalid("points must be 2 to %d", maxTrackPoints)
	}
	zoom, err := q.number("zoom")
	switch {
	case err != nil:
		return 0, 0, err
	case zoom > maxZoom:
		return 0, 0, invalid("zoom must be 0 to %d", maxZoom)
	case q.Get("zoom") != "":
		pixel := float64(line.Full) / 256 / math.Exp2(float64(zoom))
		minArea = pixel * pixel / 2
	}
	return int(n), minArea, nil
}

func appendTrack(b []byte, ask *positionQuery, count int, points []line.Point) []byte {
	b = append(b, `{"deviceId":`...)
	b = strconv.AppendInt(b, ask.deviceID, 10)
	b = append(b, `,"from":`...)
	b = data.AppendJSONTime(b, ask.from)
	b = append(b, `,"to":`...)
	b = data.AppendJSONTime(b, ask.to)
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, int64(count), 10)
	b = append(b, `,"segments":`...)
	parts := line.Parts(points)
	b = appendList(b, len(parts), func(b []byte, i int) []byte {
		return appendList(b, len(parts[i]), func(b []byte, j int) []byte { return appendTrackPoint(b, parts[i][j]) })
	})
	return append(b, '}')
}

func appendTrackPoint(b []byte, p line.Point) []byte {
	b = strconv.AppendFloat(append(b, '['), p.Lat(), 'f', 6, 64)
	b = strconv.AppendFloat(append(b, ','), p.Lon(), 'f', 6, 64)
	b = strconv.AppendInt(append(b, ','), p.Time, 10)
	b = strconv.AppendFloat(append(b, ','), math.Round(float64(p.SpeedKnots)*10)/10, 'f', -1, 64)
	return append(b, ']')
}

// way is where a device was between two times. It is shared; points never
// change.
type way struct {
	points []line.Point
	// count is how many positions there were.
	count int
	until time.Time

	mu sync.Mutex
	// levels are the points that tiles of zoom 0, 4, 8 and 12 show; nil where
	// nobody has asked yet.
	levels [4][]line.Point
}

// near are the points to draw a tile of a zoom from.
func (w *way) near(zoom int) []line.Point {
	level := (zoom + 3) / 4
	if level >= len(w.levels) {
		return w.points
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.levels[level] == nil {
		points := line.Simplify(slices.Clone(w.points), len(w.points), tileArea(4*level))
		if len(points) > len(w.points)/4 { // not worth its memory
			w.levels[level] = w.points
		} else {
			w.levels[level] = slices.Clone(points)
		}
	}
	return w.levels[level]
}

// historyKey is what a history was made from.
type historyKey struct {
	deviceID, from, to int64
	geofenceID         int64
	// share is 0 for those who see the history as it is; masks the number of
	// its settings.
	share int64
	masks uint64
	// heard is when the device last spoke, if that was within the time.
	heard int64
}

// histories keeps ways for a while, so that the tiles of a map and the next
// zoom do not read them again.
type histories struct {
	flight singleflight.Group
	loads  chan struct{}
	now    func() time.Time

	mu   sync.Mutex
	held map[historyKey]*way
	// erased counts forget: what was read before one is not kept.
	erased uint64
}

func newHistories(now func() time.Time) *histories {
	return &histories{loads: make(chan struct{}, maxLoads), now: now, held: make(map[historyKey]*way)}
}

// forget drops what is held of a device.
func (h *histories) forget(deviceID int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.erased++
	for k := range h.held {
		if k.deviceID == deviceID {
			delete(h.held, k)
		}
	}
}

func (h *histories) get(k historyKey) (*way, uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if have := h.held[k]; have != nil && h.now().Before(have.until) {
		return have, h.erased
	}
	return nil, h.erased
}

func (h *histories) put(k historyKey, v *way, began uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.erased != began {
		return
	}
	v.until = h.now().Add(lineLife)
	for k, v := range h.held {
		if !h.now().Before(v.until) {
			delete(h.held, k)
		}
	}
	for k := range h.held { // any one
		if len(h.held) < maxLines {
			break
		}
		delete(h.held, k)
	}
	h.held[k] = v
}

// load reads a history unless it is held; who asks for the same at the same
// time waits for the one who reads. That goes on when he leaves.
func (h *histories) load(ctx context.Context, k historyKey, read func(context.Context) (*way, error)) (*way, error) {
	have, began := h.get(k)
	if have != nil {
		return have, nil
	}
	done := h.flight.DoChan(fmt.Sprint(k, began), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		defer cancel()
		select {
		case h.loads <- struct{}{}:
			defer func() { <-h.loads }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		v, err := read(ctx)
		if err == nil {
			h.put(k, v, began)
		}
		return v, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case res := <-done:
		if res.Err != nil {
			return nil, res.Err
		}
		return res.Val.(*way), nil
	}
}

// line is the way that a request asks for.
func (s *Server) line(r *http.Request, ask *positionQuery) (*way, error) {
	d, err := s.historyDevice(r, ask.deviceID)
	if err != nil {
		return nil, err
	}
	inside, err := s.within(r, ask.geofenceID)
	if err != nil {
		return nil, err
	}
	k := historyKey{deviceID: ask.deviceID, from: ask.from.UnixMilli(), to: ask.to.UnixMilli(), geofenceID: ask.geofenceID}
	k.share, k.masks = shareKey(r)
	if !d.LastUpdate.After(ask.to) {
		k.heard = d.LastUpdate.UnixMilli()
	}
	from := s.reader(r)
	l, err := s.tracks.load(r.Context(), k, func(ctx context.Context) (*way, error) {
		b := line.NewBuilder(linePoints)
		err := s.walk(ctx, from, ask, inside, math.MaxInt, func(p *data.Position) error {
			if formats.HasPlace(p) {
				b.Add(p.Latitude, p.Longitude, p.FixTime, p.SpeedKnots)
			}
			return nil
		})
		return &way{points: b.Points(), count: b.Count}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	return l, nil
}
