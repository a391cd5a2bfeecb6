package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// importedPrefix begins the hash of a password that came with an account from
// another server: PBKDF2-HMAC-SHA1 (RFC 8018, 5.2) as
//
//	$pbkdf2-sha1$i=<iterations>$<salt>$<hash>
//
// in base64 without padding. Nobody else makes such hashes; at the next sign-in
// an argon2id hash takes its place.
const importedPrefix = "$pbkdf2-sha1$"

// maxIterations bounds what a stored hash may ask for.
const maxIterations = 1_000_000

func isImported(hash string) bool { return strings.HasPrefix(hash, importedPrefix) }

// verifyImported is verify for such a hash. It costs an argon2id hash as well,
// so that the answer does not tell which accounts were imported.
func (h *hasher) verifyImported(ctx context.Context, stored, password string) (bool, error) {
	iterations, salt, want, err := decodeImported(stored)
	if err != nil {
		return false, err
	}
	if _, err := h.verify(ctx, h.decoy, password); err != nil {
		return false, err
	}
	if password == "" || len(password) > MaxPassword {
		return false, nil
	}
	have, err := pbkdf2.Key(sha1.New, password, salt, iterations, len(want))
	if err != nil {
		return false, fmt.Errorf("compute password hash: %w", err)
	}
	return subtle.ConstantTimeCompare(have, want) == 1, nil
}

func decodeImported(s string) (iterations int, salt, hash []byte, err error) {
	parts := strings.Split(strings.TrimPrefix(s, importedPrefix), "$")
	bad := fmt.Errorf("read imported password hash: %w", data.ErrInvalid)
	if len(parts) != 3 {
		return 0, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[0], "i=%d", &iterations); err != nil || iterations < 1 || iterations > maxIterations {
		return 0, nil, nil, bad
	}
	if salt, err = phcBase64.DecodeString(parts[1]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return 0, nil, nil, bad
	}
	if hash, err = phcBase64.DecodeString(parts[2]); err != nil || len(hash) < 16 || len(hash) > 64 {
		return 0, nil, nil, bad
	}
	return iterations, salt, hash, nil
}

// renew replaces an imported hash by one of ours, now that the password is known
// to be right. That it cannot be stored keeps nobody out: it is tried again at
// the next sign-in.
func (s *Service) renew(ctx context.Context, u *data.User, password string) {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return
	}
	renewed := *u
	renewed.PasswordHash = hash
	if s.store.UpdateUser(ctx, &renewed) == nil {
		*u = renewed
	}
}
