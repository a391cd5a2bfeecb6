package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	// stateCookie ties a sign-in at the provider to the browser that began it.
	stateCookie = "WAYMARK_OPENID"
	openIDPath  = "/api/session/openid"
)

var errNoOpenID = fmt.Errorf("%w: there is nothing at this address", data.ErrNotFound)

func (s *Server) openIDForced() bool { return s.openID != nil && s.cfg.OIDC.Force }

// getOpenID sends a browser to the provider.
func (s *Server) getOpenID(w http.ResponseWriter, r *http.Request) error {
	if s.openID == nil {
		return errNoOpenID
	}
	address, state, err := s.openID.Begin(r.Context(), remoteAddr(r))
	if err != nil {
		return err
	}
	setStateCookie(w, r, state, auth.OIDCLife)
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// setStateCookie sets or, with a life of 0, removes the cookie. It is Lax: it
// must come along when the provider sends the browser back.
func setStateCookie(w http.ResponseWriter, r *http.Request, state string, life time.Duration) {
	c := &http.Cookie{
		Name: stateCookie, Value: state, Path: openIDPath, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: isSecure(r), MaxAge: int(life / time.Second),
	}
	if life == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// getOpenIDCallback is where the provider sends a browser back to: with a code,
// or with an error.
func (s *Server) getOpenIDCallback(w http.ResponseWriter, r *http.Request) error {
	if s.openID == nil {
		return errNoOpenID
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	state := q.Get("state")
	cookie, err := r.Cookie(stateCookie)
	if err != nil || state == "" || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(state)) != 1 {
		return fmt.Errorf("%w: this browser did not begin the sign-in, or it took too long; begin again", data.ErrDenied)
	}
	setStateCookie(w, r, "", 0)
	if q.Get("error") != "" {
		s.deps.Log.Info("OpenID provider refused", "request", requestID(r.Context()), "err", q.Get("error"))
		return fmt.Errorf("%w: %s did not sign you in", data.ErrDenied, s.cfg.OIDC.Name)
	}
	person, err := s.openID.Finish(r.Context(), state, q.Get("code"))
	if err != nil {
		return err
	}
	u, err := s.accountOf(r, person)
	if err != nil {
		return err
	}
	if !u.Active(s.deps.Now()) {
		return fmt.Errorf("%w: your account is disabled or has expired", data.ErrDenied)
	}
	if err := s.openSession(w, r, &u, data.Token{}, "openid"); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// accountOf finds the account of a person: the one tied to them, else the one
// of their e-mail, else a new one.
func (s *Server) accountOf(r *http.Request, p auth.Person) (data.User, error) {
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	ctx := r.Context()
	u, err := s.deps.Store.UserByIdentity(ctx, p.Issuer, p.Subject)
	if errors.Is(err, data.ErrNotFound) {
		u, err = s.tieAccount(ctx, r, p)
	}
	if err != nil {
		return u, err
	}
	return u, s.mapAdministrator(ctx, r, &u, p.Administrator)
}

func (s *Server) tieAccount(ctx context.Context, r *http.Request, p auth.Person) (u data.User, err error) {
	if p.Email == "" {
		return u, fmt.Errorf("%w: %s does not name a verified e-mail of yours, and no account here is tied to you", data.ErrDenied, s.cfg.OIDC.Name)
	}
	u, err = s.deps.Store.UserByEmail(ctx, p.Email)
	switch {
	case errors.Is(err, data.ErrNotFound), err == nil && u.Email != p.Email: // a login that looks like an e-mail proves nothing
		if u, err = s.newAccount(ctx, r, p); err != nil {
			return u, err
		}
	case err != nil:
		return u, fmt.Errorf("find account: %w", err)
	}
	if err := s.deps.Store.LinkIdentity(ctx, p.Issuer, p.Subject, u.ID); err != nil {
		return u, fmt.Errorf("tie account to %s: %w", s.cfg.OIDC.Name, err)
	}
	s.recordAs(r, u.ID, actionLink, data.UserKind, u.ID, map[string]any{"issuer": p.Issuer, "subject": p.Subject})
	return u, nil
}

// newAccount makes an account without a password.
func (s *Server) newAccount(ctx context.Context, r *http.Request, p auth.Person) (data.User, error) {
	name, err := text("the name", &p.Name, maxUserName)
	if err != nil || name == "" {
		name = p.Email
	}
	u := data.User{Name: name, Email: p.Email, DeviceLimit: data.NoLimit}
	if err := s.deps.Store.CreateUser(ctx, &u); err != nil {
		return u, fmt.Errorf("create account: %w", err)
	}
	s.recordAs(r, u.ID, actionCreate, data.UserKind, u.ID, userFacts(&u))
	return u, nil
}

// mapAdministrator follows the provider's admin group. The last administrator
// stays one: without any nobody could run the server.
func (s *Server) mapAdministrator(ctx context.Context, r *http.Request, u *data.User, administrator *bool) error {
	if administrator == nil || *administrator == u.Administrator {
		return nil
	}
	if u.Administrator {
		if err := s.keepsAdministrator(r, u); errors.Is(err, data.ErrConflict) {
			s.deps.Log.Warn("the last administrator has left the admin group and stays one", "user", u.ID)
			return nil
		} else if err != nil {
			return err
		}
	}
	u.Administrator = *administrator
	if err := s.deps.Store.UpdateUser(ctx, u); err != nil {
		return fmt.Errorf("store rights: %w", err)
	}
	s.accessChanged(r, data.AccessChange{UserIDs: []int64{u.ID}})
	s.userChanged(r, data.UserChange{ID: u.ID})
	facts := userFacts(u)
	facts["administrator"] = u.Administrator
	s.recordAs(r, u.ID, actionUpdate, data.UserKind, u.ID, facts)
	return nil
}
