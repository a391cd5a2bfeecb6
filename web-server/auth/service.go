package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/waymark-gps/waymark/data"
)

const (
	// SessionLife is how long a session lives without being used.
	SessionLife = 30 * 24 * time.Hour
	// extendAfter is how much of its life a session loses before a request
	// writes a new end: at most one write a day and session.
	extendAfter = 24 * time.Hour
	tokenBytes  = 32

	// maxEmail is the longest e-mail address there can be (RFC 5321, 4.5.3.1).
	maxEmail = 254

	// basicLife and basicEntries bound the memory of passwords that were right:
	// programs send theirs with every request.
	basicLife    = 5 * time.Minute
	basicEntries = 1024
)

var noTime time.Time

// ErrUnauthenticated says that the credentials are wrong or missing. It says
// the same for an account that does not exist, is disabled or has expired.
var ErrUnauthenticated = errors.New("wrong e-mail or password")

// TooSoonError says that there were too many wrong passwords.
type TooSoonError struct{ Wait time.Duration }

func (e TooSoonError) Error() string {
	return fmt.Sprintf("too many attempts to sign in, try again in %d seconds", e.Seconds())
}

// Seconds is Wait in whole seconds, at least 1.
func (e TooSoonError) Seconds() int { return max(1, int((e.Wait+time.Second-1)/time.Second)) }

// Store is what auth keeps its things in.
type Store interface {
	LinkStore
	User(ctx context.Context, id int64) (data.User, error)
	UserByEmail(ctx context.Context, email string) (data.User, error)
	CreateSession(ctx context.Context, s data.Session) error
	Session(ctx context.Context, tokenHash [32]byte, now time.Time) (data.Session, error)
	ExtendSession(ctx context.Context, tokenHash [32]byte, expiresAt time.Time) error
	DeleteSession(ctx context.Context, tokenHash [32]byte) error
}

// Service signs people in and out.
type Service struct {
	store    Store
	now      func() time.Time
	hasher   *hasher
	throttle *throttle

	// basic remembers passwords that were right, as keyed hashes.
	basicKey [32]byte
	basicMu  sync.Mutex
	basic    map[[32]byte]time.Time
}

// New makes a Service. Hashing costs p.
func New(store Store, p Params, now func() time.Time) *Service {
	s := &Service{store: store, now: now, hasher: newHasher(p), throttle: newThrottle(now), basic: make(map[[32]byte]time.Time)}
	rand.Read(s.basicKey[:])
	return s
}

// Hash makes the stored form of a password (argon2id, PHC string).
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	return s.hasher.hash(ctx, password)
}

// Viewer says what a user may see.
func (s *Service) Viewer(ctx context.Context, u data.User) (Viewer, error) {
	return NewViewer(ctx, s.store, u)
}

// CheckLogin returns the account of an e-mail and its password. Errors:
// ErrUnauthenticated, TooSoonError, or that of a part that does not answer.
func (s *Service) CheckLogin(ctx context.Context, email, password string, from netip.Addr) (data.User, error) {
	email, err := NormalEmail(email)
	if err != nil {
		email = "" // no such account; throttled and answered like any other
	}
	if wait := s.throttle.try(email, from); wait > 0 {
		return data.User{}, TooSoonError{wait}
	}
	u, err := s.store.UserByEmail(ctx, email)
	found := err == nil
	if err != nil && !errors.Is(err, data.ErrNotFound) {
		s.throttle.takeBack(email, from)
		return data.User{}, fmt.Errorf("find account: %w", err)
	}
	phc := u.PasswordHash
	if !found || phc == "" {
		found, phc = false, s.hasher.decoy
	}
	right, err := s.hasher.verify(ctx, phc, password)
	if errors.Is(err, data.ErrInvalid) { // a hash nobody can read: no password is right
		found = false
		right, err = s.hasher.verify(ctx, s.hasher.decoy, password)
	}
	if err != nil {
		s.throttle.takeBack(email, from)
		return data.User{}, err
	}
	if !right || !found || !u.Active(s.now()) {
		return data.User{}, ErrUnauthenticated
	}
	s.throttle.succeeded(email, from)
	return u, nil
}

// CheckBasic is CheckLogin for programs that send the password with every
// request: what was right is remembered for a few minutes, until the account
// or its password changes.
func (s *Service) CheckBasic(ctx context.Context, email, password string, from netip.Addr) (data.User, error) {
	normal, err := NormalEmail(email)
	if err != nil {
		normal = ""
	}
	if u, err := s.store.UserByEmail(ctx, normal); err == nil && u.Active(s.now()) && s.remembered(&u, password) {
		return u, nil
	}
	u, err := s.CheckLogin(ctx, email, password, from)
	if err == nil {
		s.remember(&u, password)
	}
	return u, err
}

func (s *Service) basicHash(u *data.User, password string) (sum [32]byte) {
	mac := hmac.New(sha256.New, s.basicKey[:])
	fmt.Fprintf(mac, "%d\x00%s\x00%s", u.ID, u.PasswordHash, password)
	mac.Sum(sum[:0])
	return sum
}

func (s *Service) remembered(u *data.User, password string) bool {
	sum, now := s.basicHash(u, password), s.now()
	s.basicMu.Lock()
	defer s.basicMu.Unlock()
	return now.Before(s.basic[sum])
}

func (s *Service) remember(u *data.User, password string) {
	sum, now := s.basicHash(u, password), s.now()
	s.basicMu.Lock()
	defer s.basicMu.Unlock()
	if len(s.basic) >= basicEntries {
		clear(s.basic) // rare, and costs each program one hash
	}
	s.basic[sum] = now.Add(basicLife)
}

// SignIn begins a session and returns its token, which goes into the cookie.
func (s *Service) SignIn(ctx context.Context, userID int64) (token string, err error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token = base64.RawURLEncoding.EncodeToString(raw)
	now := s.now().UTC()
	err = s.store.CreateSession(ctx, data.Session{
		TokenHash: HashToken(token), UserID: userID, CreatedAt: now, ExpiresAt: now.Add(SessionLife),
	})
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	return token, nil
}

// Resume returns the account of a session, or ErrUnauthenticated. It moves the
// session's end; extended says so, and that the cookie should be renewed.
func (s *Service) Resume(ctx context.Context, tokenHash [32]byte) (u data.User, extended bool, err error) {
	now := s.now().UTC()
	session, err := s.store.Session(ctx, tokenHash, now)
	if err != nil {
		return data.User{}, false, unauthenticated("find session", err)
	}
	if u, err = s.store.User(ctx, session.UserID); err != nil {
		return data.User{}, false, unauthenticated("find account of session", err)
	}
	if !u.Active(now) {
		return data.User{}, false, ErrUnauthenticated
	}
	if end := now.Add(SessionLife); end.Sub(session.ExpiresAt) >= extendAfter {
		if err := s.store.ExtendSession(ctx, tokenHash, end); err != nil {
			return data.User{}, false, unauthenticated("extend session", err)
		}
		extended = true
	}
	return u, extended, nil
}

// SignOut ends a session; ending one that is gone is no error.
func (s *Service) SignOut(ctx context.Context, tokenHash [32]byte) error {
	if err := s.store.DeleteSession(ctx, tokenHash); err != nil && !errors.Is(err, data.ErrNotFound) {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// HashToken is what is stored of a session token. The token is random, so a
// plain hash is enough.
func HashToken(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// NormalEmail is an e-mail as it is stored and compared: trimmed, lower case.
func NormalEmail(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	switch {
	case email == "":
		return "", fmt.Errorf("%w: the e-mail is missing", data.ErrInvalid)
	case len(email) > maxEmail:
		return "", fmt.Errorf("%w: the e-mail is longer than %d bytes", data.ErrInvalid, maxEmail)
	case strings.ContainsFunc(email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "", fmt.Errorf("%w: the e-mail has a blank or control character in it", data.ErrInvalid)
	}
	return email, nil
}

func unauthenticated(what string, err error) error {
	if errors.Is(err, data.ErrNotFound) {
		return ErrUnauthenticated
	}
	return fmt.Errorf("%s: %w", what, err)
}
