package api

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/waymark-gps/waymark/data"
)

// drive stores n positions of a device, one every step, going north-east from
// 52, 13 and ending at the clock.
func (e *env) drive(deviceID int64, n int, step time.Duration) []data.Position {
	e.t.Helper()
	all := make([]data.Position, n)
	prints := make([]uint64, n)
	for i := range all {
		at := e.clock().Add(-step * time.Duration(n-1-i))
		// A quarter of a second of arc, and a slow bend.
		along := float64(i) * 1e-4
		all[i] = data.Position{
			DeviceID: deviceID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true,
			Latitude: 52 + along, Longitude: 13 + along + 0.01*math.Sin(along*100), SpeedKnots: 20, CourseDeg: 45, AltitudeM: 30,
		}
		prints[i] = all[i].Fingerprint()
	}
	for from := 0; from < n; from += 5000 {
		to := min(from+5000, n)
		if err := e.store.InsertPositions(e.t.Context(), all[from:to], prints[from:to], nil); err != nil {
			e.t.Fatal(err)
		}
	}
	return all
}

func span(deviceID int64, more ...string) string {
	q := url.Values{"deviceId": {fmt.Sprint(deviceID)}, "from": {"2026-01-01T00:00:00Z"}, "to": {"2026-03-02T00:00:00.123456Z"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "?" + q.Encode()
}

func TestExports(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d, foreign := e.device("d", u), e.device("foreign")
	d.Name = `Ärger "& co/…`
	if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	e.drive(d.ID, 3000, 10*time.Second)
	c := e.client().signIn(u)
	for format, contentType := range map[string]string{
		"csv": "text/csv; charset=utf-8", "gpx": "application/gpx+xml", "kml": "application/vnd.google-earth.kml+xml",
		"kmz": "application/vnd.google-earth.kmz", "geojson": "application/geo+json", "jsonl": "application/jsonl",
	} {
		a := c.do("GET", "/api/positions/"+format+span(d.ID), nil)
		if a.code != 200 || a.header.Get("Content-Type") != contentType || len(a.body) < 10_000 {
			t.Fatalf("%s: %d %s, %d bytes", format, a.code, a.header.Get("Content-Type"), len(a.body))
		}
		if name := a.header.Get("Content-Disposition"); !strings.Contains(name, "attachment") || strings.Contains(name, "/") || !strings.Contains(name, "."+format) {
			t.Errorf("%s is called %s", format, name)
		}
		switch format {
		case "csv":
			rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
			if err != nil || len(rows) != 3001 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		case "gpx", "kml":
			if err := xml.Unmarshal([]byte(a.body), new(struct{})); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		case "geojson":
			if !json.Valid([]byte(a.body)) {
				t.Error("no JSON")
			}
		}
		if a := c.do("GET", "/api/positions/"+format+span(foreign.ID), nil); a.code != 404 || a.header.Get("Content-Disposition") != "" {
			t.Errorf("%s of a foreign device: %d", format, a.code)
		}
		c.want(400, "GET", "/api/positions/"+format, nil)
		c.want(400, "GET", fmt.Sprintf("/api/positions/%s?deviceId=%d", format, d.ID), nil)
	}
}

// Clients that ask for a long history and do not read it hold no connection to
// the database: others go on reading and writing.
func TestSlowReaders(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d := e.device("d", u)
	e.drive(d.ID, 15_000, 10*time.Second)
	c := e.basic(u)
	var conns sync.WaitGroup
	for range 10 { // more than the store has connections
		conns.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { conn.Close() })
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			r, _ := http.NewRequest("GET", e.url+"/api/positions/jsonl"+span(d.ID), nil)
			r.SetBasicAuth(u.Email, testPassword)
			if err := r.Write(conn); err != nil {
				t.Error(err)
			}
			// The first bytes say that the answer is under way.
			if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	conns.Wait()
	for range 20 {
		c.want(200, "GET", "/api/positions", nil)
		e.position(d.ID, 0)
		e.advance(time.Second)
	}
}

func TestPositionsInGeofence(t *testing.T) {
	e := newEnv(t)
	u, other := e.user("ann", false), e.user("bob", false)
	d := e.device("d", u)
	all := e.drive(d.ID, 1000, 10*time.Second)
	c := e.client().signIn(u)
	var fence struct{ ID int64 }
	area := fmt.Sprintf("CIRCLE (%v %v, 200)", all[500].Latitude, all[500].Longitude)
	if err := json.Unmarshal([]byte(c.want(200, "POST", "/api/geofences", map[string]any{"name": "x", "area": area})), &fence); err != nil {
		t.Fatal(err)
	}
	got := ids(t, c.want(200, "GET", "/api/positions"+span(d.ID, "geofenceId", fmt.Sprint(fence.ID)), nil))
	if len(got) < 10 || len(got) > 40 || got[len(got)/2] < all[490].ID || got[len(got)/2] > all[510].ID {
		t.Errorf("%d positions: %v", len(got), got)
	}
	c.want(404, "GET", "/api/positions"+span(d.ID, "geofenceId", "999"), nil)
	c.want(400, "GET", "/api/positions?geofenceId=1", nil)
	e.link(data.UserDevice(other.ID, d.ID))
	e.client().signIn(other).want(404, "GET", "/api/positions"+span(d.ID, "geofenceId", fmt.Sprint(fence.ID)), nil)
}

func TestDeletePositions(t *testing.T) {
	e := newEnv(t)
	u, other, root := e.user("ann", false), e.user("bob", false), e.user("root", true)
	d := e.device("d", u)
	all := e.drive(d.ID, 100, 10*time.Second)
	c, stranger, admin := e.client().signIn(u), e.client().signIn(other), e.client().signIn(root)
	one := fmt.Sprintf("/api/positions/%d", all[50].ID)
	stranger.want(404, "DELETE", one, nil)
	stranger.want(404, "DELETE", "/api/positions"+span(d.ID), nil)
	other.DeviceReadonly = true
	if err := e.store.UpdateUser(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	e.link(data.UserDevice(other.ID, d.ID))
	stranger.want(403, "DELETE", one, nil)
	stranger.want(403, "DELETE", "/api/positions"+span(d.ID), nil)
	c.want(204, "DELETE", one, nil)
	c.want(404, "DELETE", one, nil)
	c.want(404, "DELETE", "/api/positions/x", nil)
	twin := all[10]
	twin.ID, twin.AltitudeM = 0, 99
	if err := e.store.InsertPositions(t.Context(), []data.Position{twin}, []uint64{twin.Fingerprint()}, nil); err != nil {
		t.Fatal(err)
	}
	c.want(400, "DELETE", fmt.Sprintf("/api/positions/%d", all[10].ID), nil)
	c.want(400, "DELETE", fmt.Sprintf("/api/positions?deviceId=%d", d.ID), nil)
	from, to := all[20].FixTime.Format(time.RFC3339Nano), all[29].FixTime.Format(time.RFC3339Nano)
	admin.want(204, "DELETE", "/api/positions"+span(d.ID, "from", from, "to", to), nil)
	if got := ids(t, c.want(200, "GET", "/api/positions"+span(d.ID), nil)); len(got) != 90 {
		t.Errorf("%d are left", len(got))
	}
	c.want(204, "DELETE", "/api/positions"+span(d.ID), nil)
	if got := c.want(200, "GET", "/api/positions", nil); got != "[]" {
		t.Error(got)
	}
}

type trackAnswer struct {
	DeviceID int64
	Count    int
	Segments [][][4]float64
}

func (a *trackAnswer) points() (n int) {
	for _, s := range a.Segments {
		n += len(s)
	}
	return n
}

func TestTrack(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d, foreign := e.device("d", u), e.device("foreign")
	all := e.drive(d.ID, 20_000, 10*time.Second)
	e.advance(time.Hour)
	for range 3 { // far away, after an hour
		e.position(d.ID, 0)
		e.advance(time.Minute)
	}
	c := e.client().signIn(u)
	ask := func(more ...string) (a trackAnswer) {
		if err := json.Unmarshal([]byte(c.want(200, "GET", "/api/positions/track"+span(d.ID, more...), nil)), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := ask()
	if a.DeviceID != d.ID || a.Count != 20_003 || a.points() > maxTrackPoints || a.points() < 4000 || len(a.Segments) != 2 {
		t.Fatalf("%d of %d points in %d segments", a.points(), a.Count, len(a.Segments))
	}
	first := a.Segments[0][0]
	if math.Abs(first[0]-all[0].Latitude) > 1e-6 || math.Abs(first[1]-all[0].Longitude) > 1e-6 || int64(first[2]) != all[0].FixTime.UnixMilli() || first[3] != 20 {
		t.Errorf("it begins at %v, want %+v", first, all[0])
	}
	if few := ask("points", "50"); few.points() > 50 || few.points() < 40 || len(few.Segments) != 2 {
		t.Errorf("%d points of 50", few.points())
	}
	if far, near := ask("zoom", "3"), ask("zoom", "17"); far.points() >= near.points() || far.points() > 20 {
		t.Errorf("%d points from far, %d from near", far.points(), near.points())
	}
	for _, bad := range [][]string{{"points", "1"}, {"points", "5001"}, {"points", "x"}, {"zoom", "21"}, {"zoom", "-1"}} {
		c.want(400, "GET", "/api/positions/track"+span(d.ID, bad...), nil)
	}
	c.want(404, "GET", "/api/positions/track"+span(foreign.ID), nil)

	got := c.do("GET", "/api/positions/track"+span(d.ID), nil)
	if again := c.do("GET", "/api/positions/track"+span(d.ID), nil, "If-None-Match", got.header.Get("ETag")); again.code != 304 || again.body != "" {
		t.Errorf("the same again: %d", again.code)
	}
	// What is removed is gone at once, though the way was held.
	c.want(204, "DELETE", "/api/positions"+span(d.ID), nil)
	if a := ask(); a.Count != 0 || len(a.Segments) != 0 {
		t.Errorf("%d are left", a.Count)
	}
}

func TestTiles(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d, foreign := e.device("d", u), e.device("foreign")
	e.drive(d.ID, 5000, 10*time.Second)
	c := e.client().signIn(u)
	layers := func(tile string) (names []string) {
		body := []byte(c.want(200, "GET", "/api/tiles/"+tile+".mvt"+span(d.ID), nil))
		for len(body) > 0 {
			_, _, n := protowire.ConsumeTag(body)
			layer, m := protowire.ConsumeBytes(body[n:])
			if n < 0 || m < 0 {
				t.Fatalf("tile %s is broken", tile)
			}
			body = body[n+m:]
			names = append(names, string(layer[4:4+layer[3]])) // after the version
		}
		return names
	}
	// 52.0, 13.0 by the formulas of web maps: x = (lon+180)/360*2^z.
	if got := layers("0/0/0"); fmt.Sprint(got) != "[track]" {
		t.Errorf("the world has %v", got)
	}
	if got := layers("14/8783/5411"); fmt.Sprint(got) != "[track positions]" {
		t.Errorf("the beginning has %v", got)
	}
	if a := c.do("GET", "/api/tiles/14/0/0.mvt"+span(d.ID), nil); a.code != 204 {
		t.Errorf("nowhere: %d", a.code)
	}
	a := c.do("GET", "/api/tiles/10/548/338.mvt"+span(d.ID), nil)
	if a.code != 200 || a.header.Get("Content-Type") != "application/vnd.mapbox-vector-tile" || len(a.body) > 50_000 {
		t.Errorf("%d %s %d bytes", a.code, a.header.Get("Content-Type"), len(a.body))
	}
	if again := c.do("GET", "/api/tiles/10/548/338.mvt"+span(d.ID), nil, "If-None-Match", a.header.Get("ETag")); again.code != 304 {
		t.Errorf("the same again: %d", again.code)
	}
	for _, tile := range []string{"21/0/0", "1/2/0", "1/0/2", "x/0/0", "0/0/-1"} {
		c.want(400, "GET", "/api/tiles/"+tile+".mvt"+span(d.ID), nil)
	}
	c.want(404, "GET", "/api/tiles/0/0/0.mvt"+span(foreign.ID), nil)
	c.want(400, "GET", "/api/tiles/0/0/0.mvt", nil)
}

// A month with a position every ten seconds is drawn before anybody waits for
// it: the limit is loose, for slow machines; the figures are in the log.
// The race detector makes it some ten times slower, so it gets three days.
func TestMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 259,200 positions")
	}
	e := newEnv(t)
	u := e.user("ann", false)
	d := e.device("d", u)
	month := 30 * 24 * 360
	if raced {
		month /= 10
	}
	e.drive(d.ID, month, 10*time.Second)
	c := e.client().signIn(u)
	for _, what := range []string{"positions/track", "tiles/0/0/0.mvt", "positions/jsonl"} {
		for _, held := range []bool{false, true} {
			if !held {
				e.server.tracks.forget(d.ID)
			}
			began := time.Now()
			a := c.do("GET", "/api/"+what+span(d.ID), nil)
			took := time.Since(began)
			t.Logf("%s held=%v: %v, %d bytes", what, held, took, len(a.body))
			if a.code != 200 || took > time.Minute {
				t.Errorf("%s: %d after %v", what, a.code, took)
			}
			if what == "positions/track" {
				var got trackAnswer
				if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Count != month || got.points() > maxTrackPoints || got.points() < 4000 {
					t.Errorf("%d of %d points, %v", got.points(), got.Count, err)
				}
			}
		}
	}
}

// raced says that the race detector watches.
var raced bool
