package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectShares = `SELECT id, user_id, name, token, token_hash, created_at, expires_at, arrived_at, opened, opened_at, view FROM shares`

func scanShare(r pgx.CollectableRow) (sh data.Share, err error) {
	var created, expires, arrived, opened int64
	var hash []byte
	var view string
	err = r.Scan(&sh.ID, &sh.UserID, &sh.Name, &sh.Token, &hash, &created, &expires, &arrived, &sh.Opened, &opened, &view)
	if err != nil {
		return sh, err
	}
	copy(sh.TokenHash[:], hash)
	sh.CreatedAt, sh.ExpiresAt, sh.ArrivedAt, sh.OpenedAt = row.Time(created), row.Time(expires), row.Time(arrived), row.Time(opened)
	return sh, row.DecodeShareView(view, &sh.ShareView)
}

// CreateShare implements storage.Shares.
func (s *Store) CreateShare(ctx context.Context, sh *data.Share) error {
	const doing = "create share"
	view, err := row.EncodeShareView(&sh.ShareView)
	if err == nil {
		err = row.CheckShare(sh)
	}
	if err != nil {
		return s.fail(doing, err)
	}
	sh.ID, err = one(ctx, s, doing, scanID, `INSERT INTO shares (user_id, name, token, token_hash, created_at, expires_at, arrived_at, opened_at, view)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, sh.UserID, sh.Name, sh.Token, sh.TokenHash[:],
		row.Millis(sh.CreatedAt), row.Millis(sh.ExpiresAt), row.Millis(sh.ArrivedAt), row.Millis(time.Time{}), view)
	return err
}

// UpdateShare implements storage.Shares.
func (s *Store) UpdateShare(ctx context.Context, sh *data.Share) error {
	const doing = "update share"
	view, err := row.EncodeShareView(&sh.ShareView)
	if err == nil {
		err = row.CheckShare(sh)
	}
	if err != nil {
		return s.fail(doing, err)
	}
	return s.change(ctx, doing, `UPDATE shares SET name = $1, expires_at = $2, arrived_at = $3, view = $4 WHERE id = $5`,
		sh.Name, row.Millis(sh.ExpiresAt), row.Millis(sh.ArrivedAt), view, sh.ID)
}

// DeleteShare implements storage.Shares.
func (s *Store) DeleteShare(ctx context.Context, id int64) error {
	return s.change(ctx, "delete share", `DELETE FROM shares WHERE id = $1`, id)
}

// Share implements storage.Shares.
func (s *Store) Share(ctx context.Context, id int64) (data.Share, error) {
	return one(ctx, s, "find share", scanShare, selectShares+` WHERE id = $1`, id)
}

// ShareByToken implements storage.Shares.
func (s *Store) ShareByToken(ctx context.Context, tokenHash [32]byte) (data.Share, error) {
	return one(ctx, s, "find share by token", scanShare, selectShares+` WHERE token_hash = $1`, tokenHash[:])
}

// ListShares implements storage.Shares.
func (s *Store) ListShares(ctx context.Context, userID int64) ([]data.Share, error) {
	if userID == 0 {
		return list(ctx, s, "list shares", scanShare, selectShares+` ORDER BY id`)
	}
	return list(ctx, s, "list shares", scanShare, selectShares+` WHERE user_id = $1 ORDER BY id`, userID)
}

// CountShareOpened implements storage.Shares.
func (s *Store) CountShareOpened(ctx context.Context, id int64, at time.Time) error {
	_, err := s.exec(ctx, "count share", `UPDATE shares SET opened = opened + 1, opened_at = $1 WHERE id = $2 AND opened_at <= $3`,
		row.Millis(at), id, row.Millis(at.Add(-time.Minute)))
	return err
}

// EndShare implements storage.Shares.
func (s *Store) EndShare(ctx context.Context, id int64, at time.Time) error {
	_, err := s.exec(ctx, "end share", `UPDATE shares SET arrived_at = $1 WHERE id = $2 AND arrived_at = $3`,
		row.Millis(at), id, row.Millis(time.Time{}))
	return err
}

// DeleteEndedShares implements storage.Shares.
func (s *Store) DeleteEndedShares(ctx context.Context, before time.Time) error {
	never := row.Millis(time.Time{})
	_, err := s.exec(ctx, "delete ended shares", `DELETE FROM shares WHERE (expires_at > $1 AND expires_at < $2) OR (arrived_at > $1 AND arrived_at < $2)`,
		never, row.Millis(before))
	return err
}
