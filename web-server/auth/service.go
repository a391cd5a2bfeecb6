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
	"github.com/waymark-gps/waymark/util/storage"
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

// ErrCodeNeeded says that the password is right, and that the code of the
// account's second factor is missing or wrong.
var ErrCodeNeeded = errors.New("the code of your authenticator app is missing, wrong or was used before; programs sign in with a token")

// TooSoonError says that there was too much of something.
type TooSoonError struct {
	Wait time.Duration
	// Of is what there was too much of; empty for attempts to sign in.
	Of string
}

func (e TooSoonError) Error() string {
	of := e.Of
	if of == "" {
		of = "attempts to sign in"
	}
	return fmt.Sprintf("too many %s, try again in %d seconds", of, e.Seconds())
}

// Seconds is Wait in whole seconds, at least 1.
func (e TooSoonError) Seconds() int { return max(1, int((e.Wait+time.Second-1)/time.Second)) }

// Store is what auth keeps its things in.
type Store interface {
	User(ctx context.Context, id int64) (data.User, error)
	UserByEmail(ctx context.Context, email string) (data.User, error)
	UpdateUser(ctx context.Context, u *data.User) error
	CreateSession(ctx context.Context, s data.Session) error
	Session(ctx context.Context, tokenHash [32]byte, now time.Time) (data.Session, error)
	ExtendSession(ctx context.Context, tokenHash [32]byte, expiresAt time.Time) error
	DeleteSession(ctx context.Context, tokenHash [32]byte) error
	DeleteUserSessions(ctx context.Context, userID int64, keep [32]byte) error
	storage.Credentials
}

// Service signs people in and out.
type Service struct {
	store    Store
	now      func() time.Time
	hasher   *hasher
	throttle *throttle
	// codes, mails and requests bound wrong codes of an account, mails to it, and
	// requests with a token; starts those who begin to sign in by address.
	codes, mails, requests *limit[int64]
	starts                 *limit[netip.Prefix]

	// basic remembers passwords that were right, as keyed hashes.
	basicKey [32]byte
	basicMu  sync.Mutex
	basic    map[[32]byte]time.Time
}

// New makes a Service. Hashing costs p.
func New(store Store, p Params, now func() time.Time) *Service {
	s := &Service{
		store: store, now: now, hasher: newHasher(p), throttle: newThrottle(now), basic: make(map[[32]byte]time.Time),
		codes: newLimit[int64](now, perCode, perCodeDrain), mails: newLimit[int64](now, perMail, perMailDrain),
		starts: newLimit[netip.Prefix](now, perAddress, perAddressDrain),
	}
	s.LimitRequests(0)
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

// CheckLogin returns the account of an e-mail and its password, for those who
// cannot give the code of a second factor. Errors: ErrUnauthenticated,
// ErrCodeNeeded, TooSoonError, or that of a part that does not answer.
func (s *Service) CheckLogin(ctx context.Context, email, password string, from netip.Addr) (data.User, error) {
	return s.CheckLoginWithCode(ctx, email, password, "", from)
}

// CheckLoginWithCode is CheckLogin for those who can: code is one of the
// authenticator app or a recovery code, "" while it is not known that one is
// needed.
func (s *Service) CheckLoginWithCode(ctx context.Context, email, password, code string, from netip.Addr) (data.User, error) {
	email, err := NormalEmail(email)
	if err != nil {
		email = "" // no such account; throttled and answered like any other
	}
	if wait := s.throttle.try(email, from); wait > 0 {
		return data.User{}, TooSoonError{Wait: wait}
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
	if err := s.secondFactor(ctx, u.ID, code); err != nil {
		if code == "" || !errors.Is(err, ErrCodeNeeded) {
			s.throttle.takeBack(email, from)
		}
		return data.User{}, err
	}
	s.throttle.succeeded(email, from)
	if isImported(u.PasswordHash) {
		s.renew(ctx, &u, password)
	}
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
		return u, s.secondFactor(ctx, u.ID, "") // it may be new
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
	return s.begin(ctx, userID, data.Token{})
}

// SignInWithToken begins a session that may do what a personal token may, and
// ends with it; the zero Token is none.
func (s *Service) SignInWithToken(ctx context.Context, userID int64, t data.Token) (token string, err error) {
	return s.begin(ctx, userID, t)
}

func (s *Service) begin(ctx context.Context, userID int64, t data.Token) (token string, err error) {
	token = newSecret()
	now := s.now().UTC()
	err = s.store.CreateSession(ctx, data.Session{
		TokenHash: HashToken(token), UserID: userID, TokenID: t.ID, CreatedAt: now, ExpiresAt: sessionEnd(now, t),
	})
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	return token, nil
}

// sessionEnd is when a session ends that was used now and opened with t, if any.
func sessionEnd(now time.Time, t data.Token) time.Time {
	end := now.Add(SessionLife)
	if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(end) {
		end = t.ExpiresAt
	}
	return end
}

// newSecret is 256 random bits as text.
func newSecret() string {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Resumed is a session that goes on.
type Resumed struct {
	User data.User
	// Token is the personal token it was opened with; the zero Token for none.
	Token data.Token
	// Extended says that its end has moved, and that the cookie should be renewed.
	Extended bool
}

// Resume returns a session by the hash of its token, or ErrUnauthenticated, and
// moves its end.
func (s *Service) Resume(ctx context.Context, tokenHash [32]byte) (Resumed, error) {
	now := s.now().UTC()
	session, err := s.store.Session(ctx, tokenHash, now)
	if err != nil {
		return Resumed{}, unauthenticated("find session", err)
	}
	var res Resumed
	if res.User, err = s.store.User(ctx, session.UserID); err != nil {
		return Resumed{}, unauthenticated("find account of session", err)
	}
	if !res.User.Active(now) {
		return Resumed{}, ErrUnauthenticated
	}
	if session.TokenID != 0 {
		if res.Token, err = s.store.Token(ctx, session.TokenID, now); err != nil {
			return Resumed{}, unauthenticated("find token of session", err)
		}
	}
	if end := sessionEnd(now, res.Token); end.Sub(session.ExpiresAt) >= extendAfter {
		if err := s.store.ExtendSession(ctx, tokenHash, end); err != nil {
			return Resumed{}, unauthenticated("extend session", err)
		}
		res.Extended = true
	}
	return res, nil
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
