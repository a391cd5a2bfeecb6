package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// ResetLife is how long the mail about a forgotten password is good.
	ResetLife    = time.Hour
	resetPurpose = "reset"
)

// BeginReset makes the secret with which the owner of an e-mail may set a new
// password, once. ok is false where there is nobody to send it to, or where
// mails were sent enough: who asks must not learn which.
func (s *Service) BeginReset(ctx context.Context, email string) (u data.User, secret string, ok bool, err error) {
	if email, err = NormalEmail(email); err != nil {
		return u, "", false, err
	}
	u, err = s.store.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, data.ErrNotFound):
		return u, "", false, nil
	case err != nil:
		return u, "", false, fmt.Errorf("find account: %w", err)
	case !u.Active(s.now()), s.mails.take(u.ID) > 0:
		return u, "", false, nil
	}
	secret = newSecret()
	err = s.store.CreateTicket(ctx, data.Ticket{
		Hash: HashToken(secret), Purpose: resetPurpose, UserID: u.ID, ExpiresAt: s.now().Add(ResetLife),
	})
	if err != nil {
		return u, "", false, fmt.Errorf("store password reset: %w", err)
	}
	return u, secret, true, nil
}

// UseReset takes the secret of a mail and returns its account with the new
// password, for the caller to store and to end its sessions. A password that is
// refused does not use the secret up.
func (s *Service) UseReset(ctx context.Context, secret, password string, from netip.Addr) (u data.User, err error) {
	if err := s.Start(from); err != nil {
		return u, err
	}
	hash, err := s.Hash(ctx, password)
	if err != nil {
		return u, err
	}
	t, err := s.store.UseTicket(ctx, resetPurpose, HashToken(secret), s.now())
	if errors.Is(err, data.ErrNotFound) {
		return u, fmt.Errorf("%w: the link of the mail was used before or is older than an hour; ask for another mail", data.ErrInvalid)
	}
	if err != nil {
		return u, fmt.Errorf("use password reset: %w", err)
	}
	if u, err = s.store.User(ctx, t.UserID); err != nil {
		return u, unauthenticated("find account of password reset", err)
	}
	if !u.Active(s.now()) {
		return u, ErrUnauthenticated
	}
	if err := s.store.DeleteUserTickets(ctx, u.ID, resetPurpose); err != nil {
		return u, fmt.Errorf("end other password resets: %w", err)
	}
	u.PasswordHash = hash
	return u, nil
}
