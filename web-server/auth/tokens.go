package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// tokenMark begins every personal token, so that people and programs that
	// look for leaked secrets recognise one.
	tokenMark = "wm_"
	// tokenPrefix is how much of a token is kept to recognise it: the mark and 36
	// of its 256 bits.
	tokenPrefix = len(tokenMark) + 6
	// MaxTokens is how many personal tokens an account may have.
	MaxTokens = 100
	// touchAfter is how exactly the last use of a token is kept.
	touchAfter = time.Minute
)

// NewToken makes a personal token of t's owner, name, scope and end. The secret
// is told once, and kept nowhere.
func (s *Service) NewToken(ctx context.Context, t data.Token) (created data.Token, secret string, err error) {
	now := s.now().UTC()
	switch {
	case t.Scope != data.ScopeFull && t.Scope != data.ScopeReadonly:
		return t, "", fmt.Errorf("%w: the scope must be %s or %s", data.ErrInvalid, data.ScopeFull, data.ScopeReadonly)
	case !t.Active(now):
		return t, "", fmt.Errorf("%w: the expiration is in the past", data.ErrInvalid)
	}
	list, err := s.store.ListTokens(ctx, t.UserID)
	if err != nil {
		return t, "", fmt.Errorf("list tokens: %w", err)
	}
	if len(list) >= MaxTokens {
		if list, err = s.dropExpired(ctx, list, now); err != nil {
			return t, "", err
		}
	}
	if len(list) >= MaxTokens {
		return t, "", fmt.Errorf("%w: the account has %d tokens, revoke those that are not needed", data.ErrConflict, len(list))
	}
	secret = tokenMark + newSecret()
	t.Hash, t.Prefix, t.CreatedAt = HashToken(secret), secret[:tokenPrefix], now
	if err := s.store.CreateToken(ctx, &t); err != nil {
		return t, "", fmt.Errorf("create token: %w", err)
	}
	return t, secret, nil
}

// dropExpired removes the expired ones of tokens and returns the others.
func (s *Service) dropExpired(ctx context.Context, tokens []data.Token, now time.Time) (left []data.Token, err error) {
	for _, t := range tokens {
		if t.Active(now) {
			left = append(left, t)
		} else if err := s.store.DeleteToken(ctx, t.UserID, t.ID); err != nil {
			return nil, fmt.Errorf("delete expired token: %w", err)
		}
	}
	return left, nil
}

// CheckToken returns a personal token by its secret, with its owner. Errors:
// ErrUnauthenticated, TooSoonError, or that of a part that does not answer.
func (s *Service) CheckToken(ctx context.Context, secret string) (data.User, data.Token, error) {
	if !strings.HasPrefix(secret, tokenMark) {
		return data.User{}, data.Token{}, ErrUnauthenticated
	}
	now := s.now().UTC()
	t, err := s.store.TokenByHash(ctx, HashToken(secret), now)
	if err != nil {
		return data.User{}, t, unauthenticated("find token", err)
	}
	if err := s.CountRequest(t); err != nil {
		return data.User{}, t, err
	}
	u, err := s.store.User(ctx, t.UserID)
	if err != nil {
		return u, t, unauthenticated("find account of token", err)
	}
	if !u.Active(now) {
		return u, t, ErrUnauthenticated
	}
	if now.Sub(t.LastUsedAt) >= touchAfter {
		if err := s.store.TouchToken(ctx, t.ID, now); err != nil {
			return u, t, fmt.Errorf("note use of token: %w", err)
		}
	}
	return u, t, nil
}

// CountRequest counts a request with a token, or with a session opened with it.
func (s *Service) CountRequest(t data.Token) error {
	if s.requests == nil || t.ID == 0 {
		return nil
	}
	if wait := s.requests.take(t.ID); wait > 0 {
		return TooSoonError{Wait: wait, Of: "requests with this token"}
	}
	return nil
}

// RevokeSecret removes the user's token of this secret; one that is not there,
// or another user's, is data.ErrNotFound.
func (s *Service) RevokeSecret(ctx context.Context, userID int64, secret string) error {
	t, err := s.store.TokenByHash(ctx, HashToken(secret), time.Time{}) // expired ones too
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if t.UserID != userID {
		return fmt.Errorf("revoke token: %w", data.ErrNotFound)
	}
	return s.store.DeleteToken(ctx, userID, t.ID)
}
