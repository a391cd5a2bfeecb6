package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// errNoSession tells a client to show its sign-in page.
var errNoSession = fmt.Errorf("%w: not signed in", data.ErrNotFound)

// getSession answers the signed-in user, 404 if there is none.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	id, err := s.identify(w, r)
	if errors.Is(err, auth.ErrUnauthenticated) && r.Header.Get("Authorization") == "" {
		return errNoSession
	}
	if err != nil {
		return err
	}
	return writeJSON(w, appendUser(nil, &id.user))
}

// postSession signs in with the form fields email and password.
func (s *Server) postSession(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("send the form fields email and password")
	}
	u, err := s.auth.CheckLogin(r.Context(), r.PostForm.Get("email"), r.PostForm.Get("password"), remoteAddr(r))
	if err != nil {
		return err
	}
	// Who signs in over a session replaces it.
	if err := s.endSession(r); err != nil {
		return err
	}
	token, err := s.auth.SignIn(r.Context(), u.ID)
	if err != nil {
		return err
	}
	setSessionCookie(w, r, token)
	return writeJSON(w, appendUser(nil, &u))
}

// deleteSession signs out; without a session there is nothing to do.
func (s *Server) deleteSession(w http.ResponseWriter, r *http.Request) error {
	if err := s.endSession(r); err != nil {
		return err
	}
	setSessionCookie(w, r, "")
	return writeNothing(w)
}

// endSession ends the session of the cookie, if any, and with it its sockets.
func (s *Server) endSession(r *http.Request) error {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return nil
	}
	hash := auth.HashToken(cookie.Value)
	session, err := s.deps.Store.Session(r.Context(), hash, s.deps.Now())
	if errors.Is(err, data.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.auth.SignOut(r.Context(), hash); err != nil {
		return err
	}
	s.userChanged(r, data.UserChange{ID: session.UserID, SignedOut: true})
	return nil
}

// userChanged announces a change of an account. Without the bus open sockets
// notice within a minute.
func (s *Server) userChanged(r *http.Request, c data.UserChange) {
	if err := s.deps.Bus.PublishUser(c); err != nil {
		s.deps.Log.Warn("announce change of a user", "request", requestID(r.Context()), "user", c.ID, "err", err)
	}
}

// deviceChanged announces a change of a device. Without the bus the trackers
// and sockets notice within minutes.
func (s *Server) deviceChanged(r *http.Request, c data.DeviceChange) {
	if err := s.deps.Bus.PublishDevice(c); err != nil {
		s.deps.Log.Warn("announce change of a device", "request", requestID(r.Context()), "device", c.ID, "err", err)
	}
}
