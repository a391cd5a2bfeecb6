package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/waymark-gps/waymark/data"
)

const (
	// Every authenticator app knows these values, and some know no others (RFC
	// 6238, sections 4 and 5.2).
	totpStep   = 30 * time.Second
	totpDigits = otp.DigitsSix
	// totpSkew is how many steps the clock of a phone may be off.
	totpSkew = 1
	// totpKeyBytes is what RFC 4226, section 4, R6 recommends.
	totpKeyBytes = 20
	maxTOTPKey   = 128

	recoveryCodes = 10
	// recoveryBytes are written in 16 characters.
	recoveryBytes = 10
)

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTPKey makes a key for an authenticator app, in base32. Nothing is kept:
// the person brings it back with a code, see EnableTOTP.
func NewTOTPKey() string {
	raw := make([]byte, totpKeyBytes)
	rand.Read(raw)
	return keyEncoding.EncodeToString(raw)
}

// EnableTOTP gives an account a second factor, or a new one, once a code proves
// that the app has the key. It returns the recovery codes, each of which stands
// in for one code; they are kept nowhere.
func (s *Service) EnableTOTP(ctx context.Context, userID int64, key, code string) (recovery []string, err error) {
	key = strings.TrimRight(strings.ToUpper(strings.ReplaceAll(key, " ", "")), "=")
	raw, err := keyEncoding.DecodeString(key)
	if err != nil || len(raw) < 10 || len(key) > maxTOTPKey {
		return nil, fmt.Errorf("%w: the key is not one that was given out here", data.ErrInvalid)
	}
	if wait := s.codes.take(userID); wait > 0 {
		return nil, TooSoonError{Wait: wait, Of: "wrong codes"}
	}
	now := s.now().UTC()
	step, right, err := matchStep(key, code, now)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, fmt.Errorf("%w: the code is wrong; check that the clock of your phone is right, and send the one that the app shows now", data.ErrInvalid)
	}
	s.codes.takeBack(userID)
	recovery, hashes := newRecoveryCodes()
	if err := s.store.SetTOTP(ctx, data.TOTP{UserID: userID, Key: key, LastStep: step, CreatedAt: now}, hashes); err != nil {
		return nil, fmt.Errorf("store second factor: %w", err)
	}
	return recovery, nil
}

// CheckCode asks for a code of the second factor before it is changed; an
// account without one needs none. Errors as of CheckLogin.
func (s *Service) CheckCode(ctx context.Context, userID int64, code string) error {
	return s.secondFactor(ctx, userID, code)
}

// NewRecoveryCodes replaces the recovery codes of an account.
func (s *Service) NewRecoveryCodes(ctx context.Context, userID int64) ([]string, error) {
	codes, hashes := newRecoveryCodes()
	return codes, s.store.SetRecoveryCodes(ctx, userID, hashes)
}

// secondFactor checks the code of an account that has a second factor.
func (s *Service) secondFactor(ctx context.Context, userID int64, code string) error {
	t, err := s.store.TOTP(ctx, userID)
	switch {
	case errors.Is(err, data.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find second factor: %w", err)
	case code == "":
		return ErrCodeNeeded
	}
	if wait := s.codes.take(userID); wait > 0 {
		return TooSoonError{Wait: wait, Of: "wrong codes"}
	}
	if err := s.useCode(ctx, &t, code); err != nil {
		if !errors.Is(err, ErrCodeNeeded) {
			s.codes.takeBack(userID)
		}
		return err
	}
	s.codes.takeBack(userID)
	return nil
}

func (s *Service) useCode(ctx context.Context, t *data.TOTP, code string) error {
	step, right, err := matchStep(t.Key, code, s.now())
	if err != nil {
		return err
	}
	if right {
		err := s.store.UseTOTPStep(ctx, t.UserID, step)
		if errors.Is(err, data.ErrConflict) { // somebody looked over a shoulder
			return ErrCodeNeeded
		}
		return err
	}
	err = s.store.UseRecoveryCode(ctx, t.UserID, hashRecovery(code))
	if errors.Is(err, data.ErrNotFound) {
		return ErrCodeNeeded
	}
	return err
}

// matchStep finds the time step around now that a code belongs to.
func matchStep(key, code string, now time.Time) (step int64, right bool, err error) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	for skew := -totpSkew; skew <= totpSkew; skew++ {
		at := now.Add(time.Duration(skew) * totpStep)
		want, err := totp.GenerateCodeCustom(key, at, totp.ValidateOpts{
			Period: uint(totpStep / time.Second), Digits: totpDigits, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			return 0, false, fmt.Errorf("compute code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 {
			step, right = at.Unix()/int64(totpStep/time.Second), true
		}
	}
	return step, right, nil
}

func newRecoveryCodes() (codes []string, hashes [][32]byte) {
	for range recoveryCodes {
		raw := make([]byte, recoveryBytes)
		rand.Read(raw)
		c := strings.ToLower(keyEncoding.EncodeToString(raw))
		c = c[:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:]
		codes, hashes = append(codes, c), append(hashes, hashRecovery(c))
	}
	return codes, hashes
}

// hashRecovery is what is kept of a recovery code. It has 80 random bits, so a
// plain hash is enough.
func hashRecovery(code string) [32]byte {
	return HashToken(strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code)))
}
