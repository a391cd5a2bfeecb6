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

// getSession answers the signed-in user, 404 if there is none. With ?token it
// opens a session that may do what the personal token may, and ends with it.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	if secret := r.URL.Query().Get("token"); auth.IsShareToken(secret) {
		return s.signInWithShare(w, r, secret)
	} else if secret != "" {
		return s.signInWithToken(w, r, secret)
	}
	id, err := s.identify(w, r)
	if errors.Is(err, auth.ErrUnauthenticated) && r.Header.Get("Authorization") == "" {
		return errNoSession
	}
	if err != nil {
		return err
	}
	return writeJSON(w, appendUser(nil, &id.user))
}

func (s *Server) signInWithToken(w http.ResponseWriter, r *http.Request, secret string) error {
	if err := sameSite(r); err != nil {
		return err
	}
	id, err := s.byToken(r, secret)
	if err != nil {
		return err
	}
	if err := id.allows(r.Method); err != nil {
		return err
	}
	return s.beginSession(w, r, &id.user, id.token, "token")
}

// beginSession signs u in, with the rights of a token if there is one, in place
// of the session there was, and answers the account. The audit has the way.
func (s *Server) beginSession(w http.ResponseWriter, r *http.Request, u *data.User, t data.Token, way string) error {
	if err := s.openSession(w, r, u, t, way); err != nil {
		return err
	}
	return writeJSON(w, appendUser(nil, u))
}

func (s *Server) openSession(w http.ResponseWriter, r *http.Request, u *data.User, t data.Token, way string) error {
	if err := s.endSession(r); err != nil {
		return err
	}
	secret, err := s.auth.SignInWithToken(r.Context(), u.ID, t)
	if err != nil {
		return err
	}
	facts := userFacts(u)
	facts["way"] = way
	s.recordAs(r, u.ID, actionSignIn, data.UserKind, u.ID, facts)
	setSessionCookie(w, r, secret)
	return nil
}

// mayUsePassword refuses passwords where the OpenID provider is the only way
// in. Administrators keep theirs, lest a provider that is down locks everybody
// out.
func (s *Server) mayUsePassword(u *data.User) error {
	if s.openIDForced() && !u.Administrator {
		return fmt.Errorf("%w: sign in with %s", data.ErrDenied, s.cfg.OIDC.Name)
	}
	return nil
}

// postSession signs in with the form fields email and password, and code where
// the account has a second factor.
func (s *Server) postSession(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("send the form fields email and password")
	}
	f := r.PostForm
	u, err := s.auth.CheckLoginWithCode(r.Context(), f.Get("email"), f.Get("password"), f.Get("code"), remoteAddr(r))
	if err != nil {
		return err
	}
	if err := s.mayUsePassword(&u); err != nil {
		return err
	}
	return s.beginSession(w, r, &u, data.Token{}, "password")
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

// actAs signs an administrator in as somebody else, in place of the session
// there was. The audit has it, under the administrator's name.
func (s *Server) actAs(w http.ResponseWriter, r *http.Request) error {
	if err := sameSite(r); err != nil {
		return err
	}
	// The session may do everything, so the token must.
	id := identityOf(r)
	if err := id.allows(http.MethodPost); err != nil {
		return err
	}
	u, err := s.visibleUser(r)
	if err != nil {
		return err
	}
	if !u.Active(s.deps.Now()) {
		return invalid("the account is disabled or has expired")
	}
	if err := s.audit(r, id.user.ID, actionActAs, data.UserKind, u.ID, userFacts(&u)); err != nil {
		return err
	}
	if err := s.endSession(r); err != nil {
		return err
	}
	secret, err := s.auth.SignInWithToken(r.Context(), u.ID, id.token)
	if err != nil {
		return err
	}
	setSessionCookie(w, r, secret)
	return writeJSON(w, appendUser(nil, &u))
}
