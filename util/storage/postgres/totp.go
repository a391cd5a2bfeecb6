package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// SetTOTP implements storage.Credentials.
func (s *Store) SetTOTP(ctx context.Context, t data.TOTP, recovery [][32]byte) error {
	return s.write(ctx, "set second factor", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO totp (user_id, key, last_step, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id) DO UPDATE SET key = excluded.key, last_step = excluded.last_step, created_at = excluded.created_at`,
			t.UserID, t.Key, t.LastStep, row.Millis(t.CreatedAt))
		if err != nil {
			return err
		}
		return setRecoveryCodes(ctx, tx, t.UserID, recovery)
	})
}

// SetRecoveryCodes implements storage.Credentials.
func (s *Store) SetRecoveryCodes(ctx context.Context, userID int64, recovery [][32]byte) error {
	return s.write(ctx, "set recovery codes", func(ctx context.Context, tx pgx.Tx) error {
		if err := mustChange(ctx, tx, `UPDATE totp SET key = key WHERE user_id = $1`, userID); err != nil {
			return err
		}
		return setRecoveryCodes(ctx, tx, userID, recovery)
	})
}

func setRecoveryCodes(ctx context.Context, tx pgx.Tx, userID int64, recovery [][32]byte) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, hash := range recovery {
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)`, userID, hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// TOTP implements storage.Credentials.
func (s *Store) TOTP(ctx context.Context, userID int64) (data.TOTP, error) {
	return one(ctx, s, "find second factor", func(r pgx.CollectableRow) (t data.TOTP, err error) {
		var created int64
		err = r.Scan(&t.UserID, &t.Key, &t.LastStep, &created, &t.RecoveryCodes)
		t.CreatedAt = row.Time(created)
		return t, err
	}, `SELECT user_id, key, last_step, created_at, (SELECT count(*) FROM recovery_codes AS c WHERE c.user_id = totp.user_id)
		FROM totp WHERE user_id = $1`, userID)
}

// UseTOTPStep implements storage.Credentials.
func (s *Store) UseTOTPStep(ctx context.Context, userID, step int64) error {
	const doing = "use code"
	n, err := s.exec(ctx, doing, `UPDATE totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2`, userID, step)
	if err == nil && n == 0 {
		err = s.fail(doing, data.ErrConflict)
	}
	return err
}

// UseRecoveryCode implements storage.Credentials.
func (s *Store) UseRecoveryCode(ctx context.Context, userID int64, hash [32]byte) error {
	return s.change(ctx, "use recovery code", `DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2`, userID, hash[:])
}

// DeleteTOTP implements storage.Credentials.
func (s *Store) DeleteTOTP(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "delete second factor", `DELETE FROM totp WHERE user_id = $1`, userID)
	return err
}
