package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/linkcode"
	"github.com/waymark-gps/waymark/util/storage"
)

func codeHash(code string) [32]byte { return linkcode.Hash(code) }

func TestPositions(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	mine, foreign, empty := e.device("mine", ann), e.device("foreign"), e.device("empty", ann)
	p1, p2, p3 := e.position(mine.ID, -3*time.Hour), e.position(mine.ID, -2*time.Hour), e.position(mine.ID, -time.Hour)
	f := e.position(foreign.ID, -time.Minute)
	between := func(device int64, from, to string) string {
		return "?" + url.Values{"deviceId": {fmt.Sprint(device)}, "from": {from}, "to": {to}}.Encode()
	}
	for query, want := range map[string][][]int64{
		"":                                       {{p3.ID, f.ID}, {p3.ID}},
		fmt.Sprintf("?deviceId=%d", mine.ID):     {{p3.ID}, {p3.ID}},
		fmt.Sprintf("?deviceId=%d", empty.ID):    {{}, {}},
		fmt.Sprintf("?id=%d&id=%d", p1.ID, f.ID): {{p1.ID, f.ID}, {p1.ID}},
		"?id=999":                                {{}, {}},
		between(mine.ID, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"):                                {{p1.ID, p2.ID, p3.ID}, {p1.ID, p2.ID, p3.ID}},
		between(mine.ID, "2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00.000Z"):                        {{p2.ID}, {p2.ID}},
		between(mine.ID, "2026-03-01T10:00:00.001000Z", "2026-03-01T11:00:00.000000Z"):                  {{p3.ID}, {p3.ID}},
		between(mine.ID, "2026-03-01T11:00:00.000+01:00", "2026-03-01T12:30:00+02:00"):                  {{p2.ID}, {p2.ID}},
		fmt.Sprintf("?deviceId=%d&from=2026-03-01T10:00:00+00:00&to=2026-03-01T10:30:00+0000", mine.ID): {{p2.ID}, {p2.ID}},
		fmt.Sprintf("?deviceId=%d", foreign.ID):                                                         {{f.ID}, nil},
		"?deviceId=999":                                                                                 {nil, nil},
		between(foreign.ID, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"):                             {{f.ID}, nil},
		between(999, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"):                                    {nil, nil},
	} {
		for i, who := range []*client{admin, c} {
			if want[i] == nil {
				who.want(404, "GET", "/api/positions"+query, nil)
				continue
			}
			got := ids(t, who.want(200, "GET", "/api/positions"+query, nil))
			slices.Sort(got)
			slices.Sort(want[i])
			if !slices.Equal(got, want[i]) {
				t.Errorf("%d asks %s: %v, want %v", i, query, got, want[i])
			}
		}
	}
	for _, query := range []string{
		"?id=x", "?deviceId=x", "?deviceId=-1", "?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z", "?deviceId=1&from=2026-03-01T00:00:00Z",
		between(mine.ID, "yesterday", "2026-03-02T00:00:00Z"), between(mine.ID, "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"),
		between(mine.ID, "0001-01-01T00:00:00Z", "2026-03-01T00:00:00Z"), between(mine.ID, "2026-03-01", "2026-03-02"),
	} {
		c.want(400, "GET", "/api/positions"+query, nil)
	}
}

// history is a store whose devices have a long history, which breaks off with
// an error after some positions.
type history struct {
	storage.Store
	breakAt int
}

var errBroken = errors.New("disk on fire")

func (h *history) PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	for i := range limit {
		if i == h.breakAt {
			return errBroken
		}
		if err := each(&data.Position{ID: int64(i + 1), DeviceID: deviceID, FixTime: from}); err != nil {
			return err
		}
	}
	return nil
}

func TestLongHistory(t *testing.T) {
	h := &history{breakAt: -1}
	e := newEnvWith(t, func(s storage.Store) storage.Store { h.Store = s; return h })
	u := e.user("ann", false)
	d := e.device("d", u)
	c := e.client().signIn(u)
	path := fmt.Sprintf("/api/positions?deviceId=%d&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z", d.ID)
	if got := ids(t, c.want(200, "GET", path, nil)); len(got) != maxPositions || got[0] != 1 || got[maxPositions-1] != maxPositions {
		t.Errorf("%d positions", len(got))
	}
	h.breakAt = 0
	if body := c.want(500, "GET", path, nil); strings.Contains(body, "fire") {
		t.Errorf("told the client: %s", body)
	}
	// Half a list must not look like a whole one, compressed or not.
	h.breakAt = 1000
	for _, encoding := range []string{"identity", "gzip", "br", "zstd"} {
		a, err := c.try("GET", path, nil, "Accept-Encoding", encoding)
		if err == nil {
			t.Errorf("%s: a broken list of %d bytes came as a whole answer", encoding, len(a.body))
		}
	}
}

// A client that stops reading must not hold a request for ever; that the
// deadline moves with the list is what positionStream is for.
func TestStreamClientGone(t *testing.T) {
	w := &goneWriter{header: http.Header{}}
	s := newPositionStream(newStream(w, slog.New(slog.DiscardHandler)))
	var err error
	for range 10_000 {
		if err = s.add(&data.Position{}); err != nil {
			break
		}
	}
	if !errors.Is(err, errClientGone) || w.writes != 1 {
		t.Fatalf("after %d writes: %v", w.writes, err)
	}
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // a panic value
			t.Error("the connection was not cut")
		}
	}()
	_ = s.finish(err)
}

type goneWriter struct {
	header http.Header
	writes int
}

func (w *goneWriter) Header() http.Header { return w.header }
func (w *goneWriter) WriteHeader(int)     {}
func (w *goneWriter) Write([]byte) (int, error) {
	w.writes++
	return 0, io.ErrClosedPipe
}
