package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// damagedStore has a history of so many positions with something unreadable
// among them.
type damagedStore struct {
	storage.Store
	positions int
}

func (s *damagedStore) PositionsBetween(_ context.Context, deviceID int64, from, _ time.Time, limit int, each func(*data.Position) error) error {
	for i := range min(limit, s.positions) {
		p := data.Position{ID: int64(i + 1), DeviceID: deviceID, Protocol: "osmand", FixTime: from.Add(time.Duration(i) * time.Second), Latitude: 1, Longitude: 2}
		if err := each(&p); err != nil {
			return err
		}
	}
	return fmt.Errorf("device %d, month 2026-03: %w", deviceID, block.ErrCorrupt)
}

// What can be read of a damaged history arrives whole, the answer does not
// pass for a whole one, and the log says where the damage is.
func TestDamagedHistory(t *testing.T) {
	store := &damagedStore{}
	e := newEnvWith(t, func(s storage.Store) storage.Store { store.Store = s; return store })
	u := e.user("ann", false)
	d := e.device("d", u)
	c := e.client().signIn(u)
	paths := []string{"/api/positions" + span(d.ID)}
	for _, f := range formats.All {
		paths = append(paths, "/api/positions/"+f.Name+span(d.ID))
	}
	for _, store.positions = range []int{3, 5000} { // in one and in many parts
		for _, path := range paths {
			whole := map[string]string{}
			for _, encoding := range []string{"identity", "gzip", "br", "zstd"} {
				logged := strings.Count(e.logged(), "answer cut off")
				a, err := c.try("GET", path, nil, "Accept-Encoding", encoding)
				if !errors.Is(err, io.ErrUnexpectedEOF) || a.code != http.StatusOK {
					t.Errorf("%s, %s, %d positions: %d, %v", path, encoding, store.positions, a.code, err)
				}
				if whole[encoding], err = plain(&a); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatal(err)
				}
				if strings.Count(e.logged(), "answer cut off") != logged+1 {
					t.Errorf("%s, %s: not logged once", path, encoding)
				}
			}
			for encoding, body := range whole {
				if body != whole["identity"] {
					t.Errorf("%s, %d positions: %d bytes, %d in %s", path, store.positions, len(whole["identity"]), len(body), encoding)
				}
			}
			if strings.Contains(path, "jsonl") && strings.Count(whole["identity"], "\n") != store.positions {
				t.Errorf("%d of %d positions", strings.Count(whole["identity"], "\n"), store.positions)
			}
			if strings.HasPrefix(path, "/api/positions?") && strings.Count(whole["identity"], `"deviceId"`) != store.positions {
				t.Errorf("%d of %d positions", strings.Count(whole["identity"], `"deviceId"`), store.positions)
			}
		}
	}
	if !strings.Contains(e.logged(), "month 2026-03") {
		t.Error("the log does not say where the damage is")
	}
	// Without anything to send there is an answer that says so, and a track is
	// drawn whole or not at all.
	store.positions = 0
	for _, path := range append(paths, "/api/positions/track"+span(d.ID)) {
		if a := c.do("GET", path, nil); a.code != 500 || a.header.Get("Content-Disposition") != "" || !strings.Contains(a.body, "log") {
			t.Errorf("%s with nothing to read: %d %s", path, a.code, a.body)
		}
	}
}
