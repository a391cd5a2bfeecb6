package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// CreateSession implements storage.Sessions.
func (s *Store) CreateSession(ctx context.Context, ses data.Session) error {
	_, err := s.exec(ctx, "create session", `INSERT INTO sessions (token_hash, user_id, token_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		ses.TokenHash[:], ses.UserID, row.OptionalID(ses.TokenID), row.Millis(ses.CreatedAt), row.Millis(ses.ExpiresAt))
	return err
}

// Session implements storage.Sessions.
func (s *Store) Session(ctx context.Context, tokenHash [32]byte, now time.Time) (data.Session, error) {
	return one(ctx, s, "find session", func(r pgx.CollectableRow) (data.Session, error) {
		ses := data.Session{TokenHash: tokenHash}
		var created, expires int64
		var tokenID *int64
		err := r.Scan(&ses.UserID, &tokenID, &created, &expires)
		ses.TokenID, ses.CreatedAt, ses.ExpiresAt = row.ID(tokenID), row.Time(created), row.Time(expires)
		return ses, err
	}, `SELECT user_id, token_id, created_at, expires_at FROM sessions WHERE token_hash = $1 AND expires_at > $2`,
		tokenHash[:], row.Millis(now))
}

// ExtendSession implements storage.Sessions.
func (s *Store) ExtendSession(ctx context.Context, tokenHash [32]byte, expiresAt time.Time) error {
	return s.change(ctx, "extend session", `UPDATE sessions SET expires_at = $1 WHERE token_hash = $2`, row.Millis(expiresAt), tokenHash[:])
}

// DeleteSession implements storage.Sessions.
func (s *Store) DeleteSession(ctx context.Context, tokenHash [32]byte) error {
	_, err := s.exec(ctx, "delete session", `DELETE FROM sessions WHERE token_hash = $1`, tokenHash[:])
	return err
}

// DeleteUserSessions implements storage.Sessions.
func (s *Store) DeleteUserSessions(ctx context.Context, userID int64, keep [32]byte) error {
	_, err := s.exec(ctx, "delete sessions of user", `DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2`, userID, keep[:])
	return err
}

// DeleteExpiredSessions implements storage.Sessions.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, "delete expired sessions", `DELETE FROM sessions WHERE expires_at <= $1`, row.Millis(now))
	return err
}
