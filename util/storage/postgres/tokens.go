package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectTokens = `SELECT id, user_id, name, hash, prefix, scope, created_at, expires_at, used_at FROM tokens`

func scanToken(r pgx.CollectableRow) (t data.Token, err error) {
	var created, expires, used int64
	var hash []byte
	err = r.Scan(&t.ID, &t.UserID, &t.Name, &hash, &t.Prefix, &t.Scope, &created, &expires, &used)
	copy(t.Hash[:], hash)
	t.CreatedAt, t.ExpiresAt, t.LastUsedAt = row.Time(created), row.Time(expires), row.Time(used)
	return t, err
}

// never is how the zero time is kept.
var never = row.Millis(time.Time{})

// CreateToken implements storage.Credentials.
func (s *Store) CreateToken(ctx context.Context, t *data.Token) error {
	const doing = "create token"
	if err := row.CheckToken(t); err != nil {
		return s.fail(doing, err)
	}
	id, err := one(ctx, s, doing, scanID, `INSERT INTO tokens (user_id, name, hash, prefix, scope, created_at, expires_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		t.UserID, t.Name, t.Hash[:], t.Prefix, string(t.Scope), row.Millis(t.CreatedAt), row.Millis(t.ExpiresAt), row.Millis(t.LastUsedAt))
	if err != nil {
		return err
	}
	t.ID = id
	return nil
}

// Token implements storage.Credentials.
func (s *Store) Token(ctx context.Context, id int64, now time.Time) (data.Token, error) {
	return one(ctx, s, "find token", scanToken, selectTokens+` WHERE id = $1 AND (expires_at = $2 OR expires_at > $3)`, id, never, row.Millis(now))
}

// TokenByHash implements storage.Credentials.
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte, now time.Time) (data.Token, error) {
	return one(ctx, s, "find token", scanToken, selectTokens+` WHERE hash = $1 AND (expires_at = $2 OR expires_at > $3)`, hash[:], never, row.Millis(now))
}

// ListTokens implements storage.Credentials.
func (s *Store) ListTokens(ctx context.Context, userID int64) ([]data.Token, error) {
	return list(ctx, s, "list tokens", scanToken, selectTokens+` WHERE user_id = $1 ORDER BY id`, userID)
}

// TouchToken implements storage.Credentials.
func (s *Store) TouchToken(ctx context.Context, id int64, at time.Time) error {
	_, err := s.exec(ctx, "touch token", `UPDATE tokens SET used_at = greatest(used_at, $1) WHERE id = $2`, row.Millis(at), id)
	return err
}

// DeleteToken implements storage.Credentials.
func (s *Store) DeleteToken(ctx context.Context, userID, id int64) error {
	return s.change(ctx, "delete token", `DELETE FROM tokens WHERE user_id = $1 AND id = $2`, userID, id)
}
