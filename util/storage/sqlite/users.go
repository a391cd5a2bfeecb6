package sqlite

import (
	"context"
	"database/sql"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectUsers = `SELECT u.id, u.name, u.email, u.password_hash, u.administrator, u.disabled, u.expires_at, u.attributes,
	u.readonly, u.device_readonly, u.limit_commands, u.login, u.device_limit, u.user_limit, u.profile
	FROM users AS u`

func scanUser(r scanner) (u data.User, err error) {
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

// CreateUser implements storage.Users.
func (s *Store) CreateUser(ctx context.Context, u *data.User) error {
	return s.createUser(ctx, "create user", u, ``)
}

// CreateFirstUser implements storage.Users. The statement has the writer for
// itself while it looks and inserts.
func (s *Store) CreateFirstUser(ctx context.Context, u *data.User) error {
	return s.createUser(ctx, "create the first user", u, ` WHERE NOT EXISTS (SELECT 1 FROM users)`)
}

func (s *Store) createUser(ctx context.Context, doing string, u *data.User, where string) error {
	if err := row.CheckUser(u); err != nil {
		return s.fail(doing, err)
	}
	free, err := row.EncodeFree(u.Attributes)
	if err != nil {
		return s.fail(doing, err)
	}
	profile, err := row.EncodeProfile(&u.Profile)
	if err != nil {
		return s.fail(doing, err)
	}
	id, err := s.insert(ctx, doing, `INSERT INTO users
		(name, email, password_hash, administrator, disabled, expires_at, attributes, readonly, device_readonly, limit_commands,
		login, device_limit, user_limit, profile)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`+where,
		u.Name, row.Email(u.Email), u.PasswordHash, u.Administrator, u.Disabled, row.Millis(u.ExpiresAt), free,
		u.Readonly, u.DeviceReadonly, u.LimitCommands, row.Email(u.Login), u.DeviceLimit, u.UserLimit, profile)
	if err != nil {
		return err
	}
	u.ID = id
	return nil
}

// UpdateUser implements storage.Users.
func (s *Store) UpdateUser(ctx context.Context, u *data.User) error {
	const doing = "update user"
	if err := row.CheckUser(u); err != nil {
		return s.fail(doing, err)
	}
	free, err := row.EncodeFree(u.Attributes)
	if err != nil {
		return s.fail(doing, err)
	}
	profile, err := row.EncodeProfile(&u.Profile)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.change(ctx, doing, `UPDATE users SET name = ?, email = ?, password_hash = ?, administrator = ?,
		disabled = ?, expires_at = ?, attributes = ?, readonly = ?, device_readonly = ?, limit_commands = ?,
		login = ?, device_limit = ?, user_limit = ?, profile = ? WHERE id = ?`,
		u.Name, row.Email(u.Email), u.PasswordHash, u.Administrator, u.Disabled, row.Millis(u.ExpiresAt), free,
		u.Readonly, u.DeviceReadonly, u.LimitCommands, row.Email(u.Login), u.DeviceLimit, u.UserLimit, profile, u.ID)
}

// DeleteUser implements storage.Users.
func (s *Store) DeleteUser(ctx context.Context, id int64) error {
	return s.write(ctx, "delete user", func(ctx context.Context, tx *sql.Tx) error {
		if err := mustChange(tx.ExecContext(ctx, `DELETE FROM users WHERE id = ?`, id)); err != nil {
			return err
		}
		return forget(ctx, tx, data.UserKind, id)
	})
}

// User implements storage.Users.
func (s *Store) User(ctx context.Context, id int64) (data.User, error) {
	return one(ctx, s, "find user", scanUser, selectUsers+` WHERE u.id = ?`, id)
}

// UserByEmail implements storage.Users.
func (s *Store) UserByEmail(ctx context.Context, email string) (data.User, error) {
	const doing = "find user by e-mail"
	if !row.IsText(email) || email == "" {
		return data.User{}, s.fail(doing, data.ErrNotFound)
	}
	return one(ctx, s, doing, scanUser, selectUsers+` WHERE u.email = ?1 OR (u.login = ?1 AND u.login <> '') ORDER BY u.email = ?1 DESC LIMIT 1`, row.Email(email))
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
