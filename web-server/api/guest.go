package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
	"github.com/waymark-gps/waymark/web-server/live"
)

// reader is what devices and positions are read from for somebody.
type reader interface {
	Device(ctx context.Context, id int64) (data.Device, error)
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
}

// reader is the store, and for a guest the view of the share.
func (s *Server) reader(r *http.Request) reader {
	if o := identityOf(r).shared; o != nil {
		return o.View
	}
	return s.deps.Store
}

// clock is the time at which the sender of a request sees things.
func (s *Server) clock(r *http.Request) time.Time {
	if o := identityOf(r).shared; o != nil {
		return o.View.Now()
	}
	return s.deps.Now()
}

// guestPaths are what a guest may read, below /api. Everything else is refused,
// also what is added later.
var guestPaths = map[string]bool{
	"/session": true, "/server": true, "/socket": true, "/stream": true, "/devices": true, "/positions": true,
	// Existing clients ask for these at start; a guest has none of them.
	"/geofences": true, "/groups": true, "/drivers": true, "/maintenance": true, "/calendars": true,
}

// guestPattern are those of one device, the files of histories, and tiles.
var guestPattern = regexp.MustCompile(`^/(devices/[0-9]+|positions/(track|csv|geojson|gpx|jsonl|kml|kmz)|tiles/[0-9]+/[0-9]+/[0-9]+\.mvt)$`)

func guestMay(r *http.Request) bool {
	path, ok := strings.CutPrefix(r.URL.Path, "/api")
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return guestPaths[path] || guestPattern.MatchString(path)
}

var errGuest = fmt.Errorf("%w: a shared link shows its devices and nothing else", data.ErrDenied)

// shareToken is the token of a share that came with a request: in the header,
// in the address of a live channel, or in the cookie.
func shareToken(r *http.Request) (string, bool) {
	if token, ok := bearer(r); ok {
		return token, auth.IsShareToken(token)
	}
	if r.Header.Get("Authorization") != "" {
		return "", false
	}
	if path := r.URL.Path; path == "/api/socket" || path == "/api/stream" {
		if token := r.URL.Query().Get("token"); token != "" {
			return token, auth.IsShareToken(token)
		}
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", false
	}
	return cookie.Value, auth.IsShareToken(cookie.Value)
}

// byShare is the identity of a guest.
func (s *Server) byShare(r *http.Request, token string) (identity, error) {
	o, err := s.shares.Open(r.Context(), auth.HashToken(token))
	if err != nil {
		return identity{}, err
	}
	if !guestMay(r) {
		return identity{}, errGuest
	}
	return identity{user: o.Viewer.User, viewer: o.Viewer, shared: o}, nil
}

// signInWithShare makes a browser a guest: the link's token becomes its cookie.
func (s *Server) signInWithShare(w http.ResponseWriter, r *http.Request, token string) error {
	if err := sameSite(r); err != nil {
		return err
	}
	id, err := s.byShare(r, token)
	if err != nil {
		return err
	}
	if err := s.endSession(r); err != nil {
		return err
	}
	s.countOpened(r, id.shared)
	setSessionCookie(w, r, token)
	return writeJSON(w, appendUser(nil, &id.user))
}

// countOpened counts that a link was opened. It is not worth an error.
func (s *Server) countOpened(r *http.Request, o *auth.Opened) {
	if err := s.deps.Store.CountShareOpened(r.Context(), o.Share.ID, s.deps.Now()); err != nil {
		s.deps.Log.Warn("count a shared link", "request", requestID(r.Context()), "share", o.Share.ID, "err", err)
	}
}

// serveLive serves a live channel until it ends.
func (s *Server) serveLive(ctx context.Context, conn live.Conn, id identity) error {
	if id.shared == nil {
		return s.hub.Serve(ctx, conn, id.user.ID, s.socketAccess(id))
	}
	hash := id.shared.Share.TokenHash
	return s.hub.ServeView(ctx, conn, id.user.ID, func(ctx context.Context) (access.Viewer, live.View, error) {
		o, err := s.shares.Open(ctx, hash)
		if err != nil {
			return access.Viewer{}, nil, err
		}
		return o.Viewer, o.View, nil
	})
}

// shareKey tells apart the ways in which guests see a history.
func shareKey(r *http.Request) (share int64, masks uint64) {
	o := identityOf(r).shared
	if o == nil {
		return 0, 0
	}
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(o.Share.ShareView) // plain numbers; a hash takes everything
	return o.Share.ID, h.Sum64()
}

// getPublic answers what a link shows, to whoever has it:
//
//	{"name":…,"expirationTime":…,"devices":[…],"positions":[…]}
func (s *Server) getPublic(w http.ResponseWriter, r *http.Request) error {
	o, err := s.shares.Open(r.Context(), auth.HashToken(chi.URLParam(r, "token")))
	if errors.Is(err, auth.ErrUnauthenticated) {
		return fmt.Errorf("%w: this link does not exist, or has ended", data.ErrNotFound)
	}
	if err != nil {
		return err
	}
	devices, err := o.View.ListDevices(r.Context(), storage.DeviceFilter{})
	if err != nil {
		return fmt.Errorf("list shared devices: %w", err)
	}
	last, err := o.View.LatestPositions(r.Context(), nil)
	if err != nil {
		return fmt.Errorf("read shared positions: %w", err)
	}
	s.countOpened(r, o)
	b := append([]byte(nil), `{"name":`...)
	b = data.AppendJSONString(b, o.Share.Name)
	b = append(b, `,"expirationTime":`...)
	b = data.AppendJSONTime(b, o.Share.ExpiresAt)
	b = append(b, `,"devices":`...)
	b = appendList(b, len(devices), func(b []byte, i int) []byte { return devices[i].AppendJSON(b, o.View.Now()) })
	b = append(b, `,"positions":`...)
	b = appendList(b, len(last), func(b []byte, i int) []byte { return last[i].AppendJSON(b) })
	return writeJSON(w, append(b, '}'))
}
