package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// CreateTelegramCode implements storage.Telegram.
func (s *Store) CreateTelegramCode(ctx context.Context, c data.TelegramCode) error {
	_, err := s.exec(ctx, "create telegram code", `INSERT INTO telegram_codes (user_id, code_hash, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET code_hash = excluded.code_hash, expires_at = excluded.expires_at`,
		c.UserID, c.CodeHash[:], row.Millis(c.ExpiresAt))
	return err
}

// UseTelegramCode implements storage.Telegram. Of two at the same time one
// deletes the code; the other waits for it and finds none.
func (s *Store) UseTelegramCode(ctx context.Context, codeHash [32]byte, a data.TelegramAccount, now time.Time) (u data.User, err error) {
	const doing = "use telegram code"
	if err := row.CheckTelegramAccount(&a); err != nil {
		return u, s.fail(doing, err)
	}
	err = s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		var userID int64
		err := tx.QueryRow(ctx, `DELETE FROM telegram_codes WHERE code_hash = $1 AND expires_at > $2 RETURNING user_id`,
			codeHash[:], row.Millis(now)).Scan(&userID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO telegram_accounts (telegram_id, user_id, name, linked_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (telegram_id) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, linked_at = excluded.linked_at`,
			a.TelegramID, userID, a.Name, row.Millis(a.LinkedAt))
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectUsers+` WHERE u.id = $1`, userID)
		if err != nil {
			return err
		}
		u, err = pgx.CollectExactlyOneRow(rows, scanUser)
		return err
	})
	return u, err
}

// UserByTelegramID implements storage.Telegram.
func (s *Store) UserByTelegramID(ctx context.Context, telegramID int64) (data.User, error) {
	return one(ctx, s, "find user by telegram id", scanUser,
		selectUsers+` JOIN telegram_accounts AS t ON t.user_id = u.id WHERE t.telegram_id = $1`, telegramID)
}

// TelegramAccounts implements storage.Telegram.
func (s *Store) TelegramAccounts(ctx context.Context, userID int64) ([]data.TelegramAccount, error) {
	return list(ctx, s, "list telegram accounts", func(r pgx.CollectableRow) (a data.TelegramAccount, err error) {
		var linked int64
		err = r.Scan(&a.TelegramID, &a.UserID, &a.Name, &linked)
		a.LinkedAt = row.Time(linked)
		return a, err
	}, `SELECT telegram_id, user_id, name, linked_at FROM telegram_accounts WHERE user_id = $1 ORDER BY telegram_id`, userID)
}

// UnlinkTelegram implements storage.Telegram.
func (s *Store) UnlinkTelegram(ctx context.Context, telegramID int64) error {
	_, err := s.exec(ctx, "unlink telegram account", `DELETE FROM telegram_accounts WHERE telegram_id = $1`, telegramID)
	return err
}

// TelegramOffset implements storage.Telegram.
func (s *Store) TelegramOffset(ctx context.Context, botID int64) (int64, error) {
	next, err := one(ctx, s, "read telegram offset", scanID, `SELECT next_update FROM telegram_offsets WHERE bot_id = $1`, botID)
	if errors.Is(err, data.ErrNotFound) {
		return 0, nil
	}
	return next, err
}

// SetTelegramOffset implements storage.Telegram.
func (s *Store) SetTelegramOffset(ctx context.Context, botID, offset int64) error {
	_, err := s.exec(ctx, "store telegram offset", `INSERT INTO telegram_offsets (bot_id, next_update) VALUES ($1, $2)
		ON CONFLICT (bot_id) DO UPDATE SET next_update = excluded.next_update`, botID, offset)
	return err
}
