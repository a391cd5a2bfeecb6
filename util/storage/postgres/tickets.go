package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// CreateTicket implements storage.Credentials. Tickets above the bound that
// others have in hand are left to them: they take or remove them.
func (s *Store) CreateTicket(ctx context.Context, t data.Ticket) error {
	return s.write(ctx, "create ticket", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO tickets (hash, purpose, user_id, body, expires_at) VALUES ($1, $2, $3, $4, $5)`,
			t.Hash[:], t.Purpose, row.OptionalID(t.UserID), row.Body(t.Body), row.Millis(t.ExpiresAt))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `WITH surplus AS MATERIALIZED (
				SELECT hash FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE purpose = $1 ORDER BY expires_at DESC OFFSET $2)
				FOR UPDATE SKIP LOCKED)
			DELETE FROM tickets WHERE hash IN (SELECT hash FROM surplus)`, t.Purpose, storage.MaxTickets)
		return err
	})
}

// UseTicket implements storage.Credentials.
func (s *Store) UseTicket(ctx context.Context, purpose string, hash [32]byte, now time.Time) (data.Ticket, error) {
	t := data.Ticket{Hash: hash, Purpose: purpose}
	err := s.write(ctx, "use ticket", func(ctx context.Context, tx pgx.Tx) error {
		var userID *int64
		var expires int64
		err := tx.QueryRow(ctx, `DELETE FROM tickets WHERE hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id, body, expires_at`,
			hash[:], purpose, row.Millis(now)).Scan(&userID, &t.Body, &expires)
		t.UserID, t.ExpiresAt = row.ID(userID), row.Time(expires)
		return err
	})
	return t, err
}

// DeleteUserTickets implements storage.Credentials.
func (s *Store) DeleteUserTickets(ctx context.Context, userID int64, purpose string) error {
	_, err := s.exec(ctx, "delete tickets of user", `DELETE FROM tickets WHERE user_id = $1 AND purpose = $2`, userID, purpose)
	return err
}

// DeleteExpiredTickets implements storage.Credentials.
func (s *Store) DeleteExpiredTickets(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, "delete expired tickets", `DELETE FROM tickets WHERE expires_at <= $1`, row.Millis(now))
	return err
}

// LinkIdentity implements storage.Credentials.
func (s *Store) LinkIdentity(ctx context.Context, issuer, subject string, userID int64) error {
	const doing = "link identity"
	if err := row.CheckIdentity(issuer, subject); err != nil {
		return s.fail(doing, err)
	}
	_, err := s.exec(ctx, doing, `INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)
		ON CONFLICT (issuer, subject) DO UPDATE SET user_id = excluded.user_id`, issuer, subject, userID)
	return err
}

// UserByIdentity implements storage.Credentials.
func (s *Store) UserByIdentity(ctx context.Context, issuer, subject string) (data.User, error) {
	const doing = "find user by identity"
	if row.CheckIdentity(issuer, subject) != nil {
		return data.User{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanUser, selectUsers+` JOIN identities AS i ON i.user_id = u.id WHERE i.issuer = $1 AND i.subject = $2`, issuer, subject)
}
