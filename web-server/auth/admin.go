package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// EnsureAdministrator makes sure that an active administrator with this e-mail
// and password exists. It is safe to call at every start: it writes only what
// differs. A changed password ends the account's sessions. While the setting
// is there it is the truth: a password changed elsewhere is set back.
func EnsureAdministrator(ctx context.Context, store storage.Store, email, password string) error {
	return ensureAdministrator(ctx, store, newHasher(DefaultParams), email, password)
}

func ensureAdministrator(ctx context.Context, store storage.Store, h *hasher, email, password string) error {
	email, err := NormalEmail(email)
	if err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	if err := CheckPassword(password); err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	u, err := store.UserByEmail(ctx, email)
	if errors.Is(err, data.ErrNotFound) {
		return createAdministrator(ctx, store, h, email, password)
	}
	if err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	same, err := h.verify(ctx, u.PasswordHash, password)
	if err != nil && !errors.Is(err, data.ErrInvalid) { // an unreadable hash is replaced
		return fmt.Errorf("administrator: %w", err)
	}
	if same && u.Administrator && !u.Disabled && u.ExpiresAt.IsZero() {
		return nil
	}
	if !same {
		if u.PasswordHash, err = h.hash(ctx, password); err != nil {
			return fmt.Errorf("administrator: %w", err)
		}
	}
	u.Administrator, u.Disabled, u.ExpiresAt = true, false, noTime
	if err := store.UpdateUser(ctx, &u); err != nil {
		return fmt.Errorf("update administrator: %w", err)
	}
	if same {
		return nil
	}
	if err := store.DeleteUserSessions(ctx, u.ID, [32]byte{}); err != nil {
		return fmt.Errorf("end sessions of the administrator: %w", err)
	}
	return nil
}

func createAdministrator(ctx context.Context, store storage.Store, h *hasher, email, password string) error {
	hash, err := h.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	u := data.User{Name: email, Email: email, PasswordHash: hash, Administrator: true, DeviceLimit: data.NoLimit}
	// A second process may do the same at the same time; either is fine.
	if err := store.CreateUser(ctx, &u); err != nil && !errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("create administrator: %w", err)
	}
	return nil
}
