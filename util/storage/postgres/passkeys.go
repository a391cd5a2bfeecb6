package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectPasskeys = `SELECT id, user_id, name, credential_id, record, created_at, used_at FROM passkeys`

func scanPasskey(r pgx.CollectableRow) (p data.Passkey, err error) {
	var created, used int64
	err = r.Scan(&p.ID, &p.UserID, &p.Name, &p.CredentialID, &p.Record, &created, &used)
	p.CreatedAt, p.LastUsedAt = row.Time(created), row.Time(used)
	return p, err
}

// CreatePasskey implements storage.Credentials.
func (s *Store) CreatePasskey(ctx context.Context, p *data.Passkey) error {
	const doing = "create passkey"
	if err := row.CheckPasskey(p); err != nil {
		return s.fail(doing, err)
	}
	id, err := one(ctx, s, doing, scanID, `INSERT INTO passkeys (user_id, name, credential_id, record, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		p.UserID, p.Name, p.CredentialID, row.Body(p.Record), row.Millis(p.CreatedAt), row.Millis(p.LastUsedAt))
	if err != nil {
		return err
	}
	p.ID = id
	return nil
}

// ListPasskeys implements storage.Credentials.
func (s *Store) ListPasskeys(ctx context.Context, userID int64) ([]data.Passkey, error) {
	return list(ctx, s, "list passkeys", scanPasskey, selectPasskeys+` WHERE user_id = $1 ORDER BY id`, userID)
}

// PasskeyByCredential implements storage.Credentials.
func (s *Store) PasskeyByCredential(ctx context.Context, credentialID []byte) (data.Passkey, error) {
	return one(ctx, s, "find passkey", scanPasskey, selectPasskeys+` WHERE credential_id = $1`, row.Body(credentialID))
}

// UsePasskey implements storage.Credentials.
func (s *Store) UsePasskey(ctx context.Context, id int64, record []byte, at time.Time) error {
	return s.change(ctx, "use passkey", `UPDATE passkeys SET record = $1, used_at = $2 WHERE id = $3`, row.Body(record), row.Millis(at), id)
}

// DeletePasskey implements storage.Credentials.
func (s *Store) DeletePasskey(ctx context.Context, userID, id int64) error {
	return s.change(ctx, "delete passkey", `DELETE FROM passkeys WHERE user_id = $1 AND id = $2`, userID, id)
}
