package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	maxShares       = 1000
	maxShareDevices = 200
	maxHidden       = 20
	// The longest trail is a month, the longest delay a day.
	maxTrailHours   = 31 * 24
	maxDelayMinutes = 24 * 60
	// A square smaller than a fix is accurate hides nothing.
	minBlurM, maxBlurM = 10, 100_000
	// keepEndedShares is how long a share that has ended is listed.
	keepEndedShares = 30 * 24 * time.Hour
	// Circles are 1 m to 1,000 km around.
	minRadiusM, maxRadiusM = 1, 1_000_000

	// shareKind is what the audit calls a share.
	shareKind data.ObjectKind = "share"
)

// shareRoutes are those of the owners of shares.
func (s *Server) shareRoutes(r chi.Router) {
	r.Post("/share/device", s.handle(s.postShareDevice))
	r.Post("/share/group", s.handle(s.postShareGroup))
	r.Post("/devices/share", s.handle(s.postShareDevice)) // older clients
	r.Get("/shares", s.handle(s.getShares))
	r.Post("/shares", s.handle(s.postShare))
	r.Get("/shares/{id}", s.handle(s.getShare))
	r.Put("/shares/{id}", s.handle(s.putShare))
	r.Delete("/shares/{id}", s.handle(s.deleteShare))
}

// shareBody is what clients send of a share. A field left out stays as it is.
type shareBody struct {
	Name           *string `json:"name"`
	ExpirationTime *string `json:"expirationTime"`
	data.ShareView
}

// shareAnswer is a share as its owner sees it. Only the owner gets the token;
// the link is the path of the page.
type shareAnswer struct {
	ID             int64         `json:"id"`
	UserID         int64         `json:"userId"`
	Name           string        `json:"name"`
	Token          data.Text     `json:"token"`
	Link           data.Text     `json:"link"`
	Active         bool          `json:"active"`
	CreatedTime    jsonTime      `json:"createdTime"`
	ExpirationTime jsonTime      `json:"expirationTime"`
	ArrivedTime    jsonTime      `json:"arrivedTime"`
	Opened         int64         `json:"opened"`
	OpenedTime     jsonTime      `json:"openedTime"`
	DeviceIDs      []int64       `json:"deviceIds"`
	GroupID        int64         `json:"groupId"`
	Arrival        *data.Circle  `json:"arrival"`
	TrailHours     int64         `json:"trailHours"`
	DelayMinutes   int64         `json:"delayMinutes"`
	Blur           data.Decimal  `json:"blur"`
	Hidden         []data.Circle `json:"hidden"`
}

func (s *Server) appendShare(b []byte, v *access.Viewer, sh *data.Share) []byte {
	a := shareAnswer{
		ID: sh.ID, UserID: sh.UserID, Name: sh.Name, Active: sh.Active(s.deps.Now()), CreatedTime: jsonTime(sh.CreatedAt),
		ExpirationTime: jsonTime(sh.ExpiresAt), ArrivedTime: jsonTime(sh.ArrivedAt), Opened: sh.Opened, OpenedTime: jsonTime(sh.OpenedAt),
		DeviceIDs: append([]int64{}, sh.DeviceIDs...), GroupID: sh.GroupID, Arrival: sh.Arrival, TrailHours: sh.TrailHours,
		DelayMinutes: sh.DelayMinutes, Blur: data.Decimal(sh.BlurM), Hidden: append([]data.Circle{}, sh.Hidden...),
	}
	if sh.UserID == v.User.ID {
		a.Token, a.Link = data.Text(sh.Token), data.Text("/?token="+sh.Token)
	}
	j, err := json.Marshal(a)
	if err != nil {
		panic(err) // what is stored came from JSON, and so goes back to it
	}
	return append(b, j...)
}

// getShares lists the sender's shares by id: ?limit ?offset; administrators may
// ask for ?all=true.
func (s *Server) getShares(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	all, err := q.flag("all")
	if err != nil {
		return err
	}
	page, err := q.page()
	if err != nil {
		return err
	}
	v := viewerOf(r)
	owner := v.User.ID
	if all && v.Administrator() {
		owner = 0
	}
	list, err := s.deps.Store.ListShares(r.Context(), owner)
	if err != nil {
		return fmt.Errorf("list shares: %w", err)
	}
	list = cut(list, page)
	return writeJSON(w, appendList(nil, len(list), func(b []byte, i int) []byte { return s.appendShare(b, v, &list[i]) }))
}

// visibleShare is the share of the address, for its owner and administrators.
func (s *Server) visibleShare(r *http.Request) (data.Share, error) {
	id, err := pathID(r)
	if err != nil {
		return data.Share{}, err
	}
	sh, err := s.deps.Store.Share(r.Context(), id)
	if err != nil {
		return sh, hidden(err)
	}
	if v := viewerOf(r); sh.UserID != v.User.ID && !v.Administrator() {
		return data.Share{}, errNoSuchObject
	}
	return sh, nil
}

func (s *Server) getShare(w http.ResponseWriter, r *http.Request) error {
	sh, err := s.visibleShare(r)
	if err != nil {
		return err
	}
	return writeJSON(w, s.appendShare(nil, viewerOf(r), &sh))
}

func (s *Server) postShare(w http.ResponseWriter, r *http.Request) error {
	sh := data.Share{UserID: viewerOf(r).User.ID}
	if err := readShare(r, &sh); err != nil {
		return err
	}
	if err := s.createShare(r, &sh); err != nil {
		return err
	}
	return writeJSON(w, s.appendShare(nil, viewerOf(r), &sh))
}

// putShare changes a share. One that has ended by arrival goes on if it gets
// another place to end at, or none.
func (s *Server) putShare(w http.ResponseWriter, r *http.Request) error {
	sh, err := s.visibleShare(r)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	if sh.UserID != v.User.ID {
		return fmt.Errorf("%w: only its owner may change a share; you may delete it", data.ErrDenied)
	}
	old := sh.Arrival
	sh.Hidden, sh.DeviceIDs = slices.Clone(sh.Hidden), slices.Clone(sh.DeviceIDs)
	if old != nil {
		place := *old // what is read goes over a copy
		sh.Arrival = &place
	}
	if err := readShare(r, &sh); err != nil {
		return err
	}
	if err := s.mayShare(r, v, &sh); err != nil {
		return err
	}
	if (old == nil) != (sh.Arrival == nil) || old != nil && *old != *sh.Arrival {
		sh.ArrivedAt = time.Time{}
	}
	if err := s.deps.Store.UpdateShare(r.Context(), &sh); err != nil {
		return hidden(err)
	}
	s.shareChanged(r, &sh, actionUpdate)
	return writeJSON(w, s.appendShare(nil, v, &sh))
}

// deleteShare ends a share at once, for those too who are looking at it.
func (s *Server) deleteShare(w http.ResponseWriter, r *http.Request) error {
	sh, err := s.visibleShare(r)
	if err != nil {
		return err
	}
	if v := viewerOf(r); v.Readonly() {
		return v.MayEdit(shareKind)
	}
	if err := s.deps.Store.DeleteShare(r.Context(), sh.ID); err != nil {
		return hidden(err)
	}
	s.shareChanged(r, &sh, actionDelete)
	return writeNothing(w)
}

// shareChanged has open live channels of a share look again.
func (s *Server) shareChanged(r *http.Request, sh *data.Share, action string) {
	s.shares.Forget(sh.ID)
	s.userChanged(r, data.UserChange{ID: -sh.ID})
	s.record(r, action, shareKind, sh.ID, map[string]any{"name": sh.Name})
}

func (s *Server) createShare(r *http.Request, sh *data.Share) error {
	if err := s.mayShare(r, viewerOf(r), sh); err != nil {
		return err
	}
	have, err := s.deps.Store.ListShares(r.Context(), sh.UserID)
	if err != nil {
		return fmt.Errorf("list shares: %w", err)
	}
	if len(have) >= maxShares {
		return invalid("you have %d shares; delete some first", len(have))
	}
	sh.Token = auth.NewShareToken()
	sh.TokenHash, sh.CreatedAt = auth.HashToken(sh.Token), s.deps.Now().UTC()
	if err := s.deps.Store.CreateShare(r.Context(), sh); err != nil {
		return fmt.Errorf("create share: %w", err)
	}
	s.record(r, actionCreate, shareKind, sh.ID, map[string]any{"name": sh.Name, "deviceIds": sh.DeviceIDs, "groupId": sh.GroupID})
	return nil
}

// mayShare tells whether somebody may show to others what a share shows.
func (s *Server) mayShare(r *http.Request, v *access.Viewer, sh *data.Share) error {
	if err := v.MayEdit(shareKind); err != nil {
		return err
	}
	if !sh.ExpiresAt.IsZero() && !s.deps.Now().Before(sh.ExpiresAt) {
		return invalid("expirationTime is over already")
	}
	if sh.GroupID != 0 {
		if !v.Sees(data.GroupKind, sh.GroupID) {
			return errNoSuchObject
		}
		_, err := storage.FindObject[data.Group](r.Context(), s.deps.Store, sh.GroupID)
		return hidden(err)
	}
	for _, id := range sh.DeviceIDs {
		if !v.CanSee(id) {
			return errNoSuchObject
		}
		if _, err := s.deps.Store.Device(r.Context(), id); err != nil {
			return hidden(err)
		}
	}
	return nil
}

// readShare reads the body over sh and checks what can be checked without
// knowing who asks.
func readShare(r *http.Request, sh *data.Share) error {
	expires := timeText(sh.ExpiresAt)
	body := shareBody{Name: &sh.Name, ExpirationTime: &expires, ShareView: sh.ShareView}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	var err error
	if sh.Name, err = text("the name", body.Name, maxName); err != nil {
		return err
	}
	if sh.ExpiresAt, err = optionalTime("expirationTime", body.ExpirationTime); err != nil {
		return err
	}
	sh.ShareView = body.ShareView
	return checkShareView(&sh.ShareView)
}

func checkShareView(v *data.ShareView) error {
	slices.Sort(v.DeviceIDs)
	v.DeviceIDs = slices.Compact(v.DeviceIDs)
	switch {
	case (len(v.DeviceIDs) == 0) == (v.GroupID == 0):
		return invalid("say what is shared: deviceIds or a groupId")
	case len(v.DeviceIDs) > maxShareDevices:
		return invalid("at most %d devices can be shared at once; share a group", maxShareDevices)
	case v.TrailHours < 0 || v.TrailHours > maxTrailHours:
		return invalid("trailHours must be 0 to %d", maxTrailHours)
	case v.DelayMinutes < 0 || v.DelayMinutes > maxDelayMinutes:
		return invalid("delayMinutes must be 0 to %d", maxDelayMinutes)
	case v.BlurM != 0 && (v.BlurM < minBlurM || v.BlurM > maxBlurM):
		return invalid("blur must be 0, or %d to %d metres", minBlurM, maxBlurM)
	case len(v.Hidden) > maxHidden:
		return invalid("at most %d places can be hidden", maxHidden)
	case v.Arrival != nil && len(v.DeviceIDs) != 1:
		return invalid("only a share of one device can end on its arrival")
	}
	for i := range v.Hidden {
		if err := checkCircle("hidden", &v.Hidden[i]); err != nil {
			return err
		}
	}
	if v.Arrival != nil {
		return checkCircle("arrival", v.Arrival)
	}
	return nil
}

func checkCircle(field string, c *data.Circle) error {
	if math.Abs(c.Latitude) > 90 || math.Abs(c.Longitude) > 180 || c.RadiusM < minRadiusM || c.RadiusM > maxRadiusM {
		return invalid("%s must be a latitude, a longitude and a radius of %d to %d metres", field, minRadiusM, maxRadiusM)
	}
	return nil
}

// postShareDevice and postShareGroup share one thing until a time, with its last
// position only, and answer the token as text.
func (s *Server) postShareDevice(w http.ResponseWriter, r *http.Request) error {
	return s.quickShare(w, r, "deviceId", func(v *data.ShareView, id int64) { v.DeviceIDs = []int64{id} })
}

func (s *Server) postShareGroup(w http.ResponseWriter, r *http.Request) error {
	return s.quickShare(w, r, "groupId", func(v *data.ShareView, id int64) { v.GroupID = id })
}

func (s *Server) quickShare(w http.ResponseWriter, r *http.Request, key string, set func(*data.ShareView, int64)) error {
	if err := r.ParseForm(); err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("send the form fields %s and expiration", key)
	}
	id, err := strconv.ParseInt(r.PostForm.Get(key), 10, 64)
	if err != nil || id <= 0 {
		return invalid("%s must be a number above 0", key)
	}
	expires, ok, err := query{r.PostForm}.time("expiration")
	if err != nil {
		return err
	}
	if !ok {
		return invalid("expiration is missing: a time like 2024-10-01T07:53:12.000Z")
	}
	sh := data.Share{UserID: viewerOf(r).User.ID, ExpiresAt: expires}
	set(&sh.ShareView, id)
	if err := s.createShare(r, &sh); err != nil {
		return err
	}
	writeText(w, http.StatusOK, sh.Token)
	return nil
}
