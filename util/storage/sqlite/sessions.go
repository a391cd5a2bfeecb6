package sqlite

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// CreateSession implements storage.Sessions.
func (s *Store) CreateSession(ctx context.Context, ses data.Session) error {
	_, err := s.exec(ctx, "create session", `INSERT INTO sessions (token_hash, user_id, token_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
		ses.TokenHash[:], ses.UserID, row.OptionalID(ses.TokenID), row.Millis(ses.CreatedAt), row.Millis(ses.ExpiresAt))
	return err
}

// Session implements storage.Sessions.
func (s *Store) Session(ctx context.Context, tokenHash [32]byte, now time.Time) (data.Session, error) {
	return one(ctx, s, "find session", func(r scanner) (data.Session, error) {
		ses := data.Session{TokenHash: tokenHash}
		var created, expires int64
		var tokenID *int64
		err := r.Scan(&ses.UserID, &tokenID, &created, &expires)
		ses.TokenID, ses.CreatedAt, ses.ExpiresAt = row.ID(tokenID), row.Time(created), row.Time(expires)
		return ses, err
	}, `SELECT user_id, token_id, created_at, expires_at FROM sessions WHERE token_hash = ? AND expires_at > ?`,
		tokenHash[:], row.Millis(now))
}

// ExtendSession implements storage.Sessions.
func (s *Store) ExtendSession(ctx context.Context, tokenHash [32]byte, expiresAt time.Time) error {
	return s.change(ctx, "extend session", `UPDATE sessions SET expires_at = ? WHERE token_hash = ?`, row.Millis(expiresAt), tokenHash[:])
}

// DeleteSession implements storage.Sessions.
func (s *Store) DeleteSession(ctx context.Context, tokenHash [32]byte) error {
	_, err := s.exec(ctx, "delete session", `DELETE FROM sessions WHERE token_hash = ?`, tokenHash[:])
	return err
}

// DeleteUserSessions implements storage.Sessions.
func (s *Store) DeleteUserSessions(ctx context.Context, userID int64, keep [32]byte) error {
	_, err := s.exec(ctx, "delete sessions of user", `DELETE FROM sessions WHERE user_id = ? AND token_hash <> ?`, userID, keep[:])
	return err
}

// DeleteExpiredSessions implements storage.Sessions.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, "delete expired sessions", `DELETE FROM sessions WHERE expires_at <= ?`, row.Millis(now))
	return err
}
