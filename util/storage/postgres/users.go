package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectUsers = `SELECT u.id, u.name, u.email, u.password_hash, u.administrator, u.disabled, u.expires_at, u.attributes,
	u.readonly, u.device_readonly, u.limit_commands, u.login, u.device_limit, u.user_limit, u.profile
	FROM users AS u`

func scanUser(r pgx.CollectableRow) (u data.User, err error) {
	var expires int64
	var free, profile string
	err = r.Scan(&u.ID, &u.Name, &u.Email, &u.PasswordHash, &u.Administrator, &u.Disabled, &expires, &free,
		&u.Readonly, &u.DeviceReadonly, &u.LimitCommands, &u.Login, &u.DeviceLimit, &u.UserLimit, &profile)
	if err != nil {
		return u, err
	}
	u.ExpiresAt = row.Time(expires)
	if err := row.DecodeJSON("profile", profile, &u.Profile); err != nil {
		return u, err
	}
	u.Attributes, err = row.DecodeFree(free)
	return u, err
}

const insertUser = `INSERT INTO users (name, email, password_hash, administrator, disabled, expires_at, attributes,
	readonly, device_readonly, limit_commands, login, device_limit, user_limit, profile)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id`

// userArgs are what insertUser binds.
func userArgs(u *data.User) ([]any, error) {
	if err := row.CheckUser(u); err != nil {
		return nil, err
	}
	free, err := row.EncodeFree(u.Attributes)
	if err != nil {
		return nil, err
	}
	profile, err := row.EncodeProfile(&u.Profile)
	return []any{
		u.Name, row.Email(u.Email), u.PasswordHash, u.Administrator, u.Disabled, row.Millis(u.ExpiresAt), free,
		u.Readonly, u.DeviceReadonly, u.LimitCommands, row.Email(u.Login), u.DeviceLimit, u.UserLimit, profile,
	}, err
}

// CreateUser implements storage.Users.
func (s *Store) CreateUser(ctx context.Context, u *data.User) error {
	const doing = "create user"
	args, err := userArgs(u)
	if err != nil {
		return s.fail(doing, err)
	}
	id, err := one(ctx, s, doing, scanID, insertUser, args...)
	if err != nil {
		return err
	}
	u.ID = id
	return nil
}

// CreateFirstUser implements storage.Users. The lock keeps every other insert
// out until the transaction ends.
func (s *Store) CreateFirstUser(ctx context.Context, u *data.User) error {
	const doing = "create the first user"
	args, err := userArgs(u)
	if err != nil {
		return s.fail(doing, err)
	}
	var id int64
	err = s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		var some bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users)`).Scan(&some); err != nil {
			return err
		}
		if some {
			return data.ErrConflict
		}
		return tx.QueryRow(ctx, insertUser, args...).Scan(&id)
	})
	if err != nil {
		return err
	}
	u.ID = id
	return nil
}

// UpdateUser implements storage.Users.
func (s *Store) UpdateUser(ctx context.Context, u *data.User) error {
	const doing = "update user"
	args, err := userArgs(u)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.change(ctx, doing, `UPDATE users SET name = $1, email = $2, password_hash = $3, administrator = $4,
		disabled = $5, expires_at = $6, attributes = $7, readonly = $8, device_readonly = $9, limit_commands = $10,
		login = $11, device_limit = $12, user_limit = $13, profile = $14 WHERE id = $15`, append(args, u.ID)...)
}

// DeleteUser implements storage.Users.
func (s *Store) DeleteUser(ctx context.Context, id int64) error {
	return s.write(ctx, "delete user", func(ctx context.Context, tx pgx.Tx) error {
		if err := mustChange(ctx, tx, `DELETE FROM users WHERE id = $1`, id); err != nil {
			return err
		}
		return forget(ctx, tx, data.UserKind, id)
	})
}

// User implements storage.Users.
func (s *Store) User(ctx context.Context, id int64) (data.User, error) {
	return one(ctx, s, "find user", scanUser, selectUsers+` WHERE u.id = $1`, id)
}

// UserByEmail implements storage.Users.
func (s *Store) UserByEmail(ctx context.Context, email string) (data.User, error) {
	const doing = "find user by e-mail"
	if !row.IsText(email) || email == "" {
		return data.User{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanUser, selectUsers+` WHERE u.email = $1 OR (u.login = $1 AND u.login <> '') ORDER BY u.email = $1 DESC LIMIT 1`, row.Email(email))
}

// ListUsers implements storage.Users.
func (s *Store) ListUsers(ctx context.Context) ([]data.User, error) {
	return list(ctx, s, "list users", scanUser, selectUsers+` ORDER BY u.name, u.id`)
}

// CountUsers implements storage.Users.
func (s *Store) CountUsers(ctx context.Context) (int, error) {
	n, err := one(ctx, s, "count users", scanID, `SELECT count(*) FROM users`)
	return int(n), err
}
