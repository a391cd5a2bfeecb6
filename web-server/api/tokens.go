package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
)

const (
	// defaultTokenLife is that of a token made by a form without an expiration.
	defaultTokenLife = 7 * 24 * time.Hour
	maxTokenName     = 128
	actionRevoke     = "revoke"
	tokenKind        = data.ObjectKind("token")
)

// accountRoutes are about how the sender of a request proves who they are.
func (s *Server) accountRoutes(r chi.Router) {
	r.Post("/session/token", s.handle(s.postSessionToken))
	r.Post("/session/token/revoke", s.handle(s.revokeSessionToken))
	r.Get("/tokens", s.handle(s.getTokens))
	r.Post("/tokens", s.handle(s.postToken))
	r.Delete("/tokens/{id}", s.handle(s.deleteToken))
	r.Post("/users/totp", s.handle(s.postTOTPKey))
	r.Get("/totp", s.handle(s.getTOTP))
	r.Post("/totp", s.handle(s.postTOTP))
	r.Delete("/totp", s.handle(s.deleteTOTP))
	r.Post("/totp/recovery", s.handle(s.postRecoveryCodes))
	r.Delete("/users/{id}/totp", s.handle(s.deleteUserTOTP))
	r.Get("/passkeys", s.handle(s.getPasskeys))
	r.Post("/passkeys/options", s.handle(s.postPasskeyOptions))
	r.Post("/passkeys", s.handle(s.postPasskey))
	r.Delete("/passkeys/{id}", s.handle(s.deletePasskey))
}

// tokenAnswer is the API's object of a personal token. Token, the secret, is in
// the answer that makes it and in no other.
type tokenAnswer struct {
	ID             int64      `json:"id"`
	UserID         int64      `json:"userId"`
	Name           string     `json:"name"`
	Prefix         string     `json:"prefix"`
	Scope          data.Scope `json:"scope"`
	CreatedTime    jsonTime   `json:"createdTime"`
	ExpirationTime jsonTime   `json:"expirationTime"`
	LastUsedTime   jsonTime   `json:"lastUsedTime"`
	Token          string     `json:"token,omitempty"`
}

func answerToken(t *data.Token, secret string) tokenAnswer {
	return tokenAnswer{
		ID: t.ID, UserID: t.UserID, Name: t.Name, Prefix: t.Prefix, Scope: t.Scope, CreatedTime: jsonTime(t.CreatedAt),
		ExpirationTime: jsonTime(t.ExpiresAt), LastUsedTime: jsonTime(t.LastUsedAt), Token: secret,
	}
}

func writeObject(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return writeJSON(w, b)
}

// tokenOwner is whose tokens a request is about: the sender's, or of ?userId
// for administrators.
func tokenOwner(r *http.Request) (int64, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return 0, err
	}
	id, err := q.number("userId")
	own := identityOf(r).user.ID
	switch {
	case err != nil:
		return 0, err
	case id == 0 || id == own:
		return own, nil
	case !viewerOf(r).Administrator():
		return 0, errNoSuchObject
	}
	return id, nil
}

// getTokens lists tokens by id: ?userId ?limit ?offset.
func (s *Server) getTokens(w http.ResponseWriter, r *http.Request) error {
	owner, err := tokenOwner(r)
	if err != nil {
		return err
	}
	page, err := readPage(r)
	if err != nil {
		return err
	}
	list, err := s.deps.Store.ListTokens(r.Context(), owner)
	if err != nil {
		return fmt.Errorf("list tokens: %w", err)
	}
	list = cut(list, page)
	out := make([]tokenAnswer, len(list))
	for i := range list {
		out[i] = answerToken(&list[i], "")
	}
	return writeObject(w, out)
}

// postToken makes a token: {name, scope, expirationTime}. Without a scope it is
// full, without a time it has no end.
func (s *Server) postToken(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name           *string    `json:"name"`
		Scope          data.Scope `json:"scope"`
		ExpirationTime *string    `json:"expirationTime"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	name, err := text("the name", body.Name, maxTokenName)
	if err != nil {
		return err
	}
	if name == "" {
		return invalid("the name is missing; say what the token is for")
	}
	expires, err := optionalTime("expirationTime", body.ExpirationTime)
	if err != nil {
		return err
	}
	if body.Scope == "" {
		body.Scope = data.ScopeFull
	}
	t, secret, err := s.newToken(r, name, body.Scope, expires)
	if err != nil {
		return err
	}
	return writeObject(w, answerToken(&t, secret))
}

// postSessionToken makes a full token that ends at the form field expiration,
// and answers it as text.
func (s *Server) postSessionToken(w http.ResponseWriter, r *http.Request) error {
	f, err := form(r)
	if err != nil {
		return err
	}
	expiration := f.Get("expiration")
	expires, err := optionalTime("expiration", &expiration)
	if err != nil {
		return err
	}
	if expires.IsZero() {
		if expires = s.deps.Now().Add(defaultTokenLife); outlives(identityOf(r).token, expires) {
			expires = identityOf(r).token.ExpiresAt
		}
	}
	// Nobody names these; the program says what it is.
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	name, err := text("the name", &agent, maxTokenName)
	if err != nil || name == "" {
		name = "program"
	}
	_, secret, err := s.newToken(r, name, data.ScopeFull, expires)
	if err != nil {
		return err
	}
	writeText(w, http.StatusOK, secret)
	return nil
}

func outlives(t data.Token, end time.Time) bool {
	return t.ID != 0 && !t.ExpiresAt.IsZero() && (end.IsZero() || end.After(t.ExpiresAt))
}

func (s *Server) newToken(r *http.Request, name string, scope data.Scope, expires time.Time) (t data.Token, secret string, err error) {
	id := identityOf(r)
	if outlives(id.token, expires) {
		return t, "", fmt.Errorf("%w: a token made with a token cannot outlive it; sign in with the password", data.ErrDenied)
	}
	t, secret, err = s.auth.NewToken(r.Context(), data.Token{UserID: id.user.ID, Name: name, Scope: scope, ExpiresAt: expires})
	if err != nil {
		return t, "", err
	}
	s.record(r, actionCreate, tokenKind, t.ID, map[string]any{"name": t.Name, "prefix": t.Prefix, "scope": string(t.Scope)})
	return t, secret, nil
}

// revokeSessionToken ends the token of the form field token.
func (s *Server) revokeSessionToken(w http.ResponseWriter, r *http.Request) error {
	f, err := form(r)
	if err != nil {
		return err
	}
	id := identityOf(r).user.ID
	if err := s.auth.RevokeSecret(r.Context(), id, f.Get("token")); err != nil {
		return hidden(err)
	}
	s.record(r, actionRevoke, tokenKind, 0, nil)
	s.userChanged(r, data.UserChange{ID: id, SignedOut: true})
	return writeNothing(w)
}

func (s *Server) deleteToken(w http.ResponseWriter, r *http.Request) error {
	owner, err := tokenOwner(r)
	if err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.deps.Store.DeleteToken(r.Context(), owner, id); err != nil {
		return hidden(err)
	}
	s.record(r, actionRevoke, tokenKind, id, map[string]any{"userId": owner})
	s.userChanged(r, data.UserChange{ID: owner, SignedOut: true})
	return writeNothing(w)
}

// tokenInQuery takes ?token for the header: sockets of browsers have none.
func tokenInQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secret := r.URL.Query().Get("token"); secret != "" {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		next.ServeHTTP(w, r)
	})
}
