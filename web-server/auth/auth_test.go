package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// cheap keeps the tests fast; the algorithm is the same.
var cheap = Params{MemoryKiB: 64, Passes: 1}

var (
	home     = netip.MustParseAddr("192.0.2.7")
	stranger = netip.MustParseAddr("203.0.113.9")
)

const rightPassword = "correct horse"

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func openStore(t *testing.T) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newService(t *testing.T) (*Service, storage.Store, *clock, data.User) {
	t.Helper()
	store, c := openStore(t), newClock()
	s := New(store, cheap, c.now)
	hash, err := s.Hash(t.Context(), rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	u := data.User{Name: "Ann", Email: "ann@example.org", PasswordHash: hash}
	if err := store.CreateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	return s, store, c, u
}

func TestCheckLogin(t *testing.T) {
	s, store, c, u := newService(t)
	ctx := t.Context()
	if got, err := s.CheckLogin(ctx, " ANN@example.org ", rightPassword, home); err != nil || got.ID != u.ID {
		t.Fatalf("right password: %v, %v", got.ID, err)
	}
	for _, try := range [][2]string{{"ann@example.org", "wrong horse"}, {"bob@example.org", rightPassword}, {"", ""}, {"a b", "c"}, {"ann@example.org", ""}} {
		if _, err := s.CheckLogin(ctx, try[0], try[1], home); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("CheckLogin(%q, %q) = %v", try[0], try[1], err)
		}
	}
	u.ExpiresAt = c.now().Add(time.Hour)
	if err := store.UpdateUser(ctx, &u); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Hour)
	if _, err := s.CheckLogin(ctx, u.Email, rightPassword, home); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("expired account: %v", err)
	}
	u.ExpiresAt, u.PasswordHash = time.Time{}, "$2a$unreadable"
	if err := store.UpdateUser(ctx, &u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckLogin(ctx, u.Email, rightPassword, home); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("unreadable hash: %v", err)
	}
}

func TestCheckBasicRemembers(t *testing.T) {
	s, store, c, u := newService(t)
	ctx := t.Context()
	if _, err := s.CheckBasic(ctx, u.Email, rightPassword, home); err != nil {
		t.Fatal(err)
	}
	// From now on it must not cost a hash: with no place to compute one it works.
	for range cap(s.hasher.queue) {
		s.hasher.queue <- struct{}{}
	}
	if _, err := s.CheckBasic(ctx, u.Email, rightPassword, home); err != nil {
		t.Errorf("remembered: %v", err)
	}
	if _, err := s.CheckBasic(ctx, u.Email, "wrong horse", home); !errors.Is(err, data.ErrUnavailable) {
		t.Errorf("a wrong password was not hashed: %v", err)
	}
	u.PasswordHash = "$argon2id$other"
	if err := store.UpdateUser(ctx, &u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckBasic(ctx, u.Email, rightPassword, home); err == nil {
		t.Error("the old password is remembered after a change")
	}
	for range cap(s.hasher.queue) {
		<-s.hasher.queue
	}
	c.advance(basicLife)
	for i := range 3 * basicEntries {
		s.remember(&u, fmt.Sprint(i))
	}
	if len(s.basic) > basicEntries {
		t.Errorf("%d passwords are remembered", len(s.basic))
	}
}

func TestSession(t *testing.T) {
	s, _, c, u := newService(t)
	ctx := t.Context()
	token, err := s.SignIn(ctx, u.ID)
	if err != nil || len(token) < 43 {
		t.Fatalf("SignIn = %q, %v", token, err)
	}
	hash := HashToken(token)
	resume := func(wantExtended bool) {
		t.Helper()
		got, err := s.Resume(ctx, hash)
		if err != nil || got.User.ID != u.ID || got.Extended != wantExtended {
			t.Fatalf("Resume = %d, extended %v, %v", got.User.ID, got.Extended, err)
		}
	}
	resume(false)
	c.advance(23 * time.Hour)
	resume(false)
	c.advance(time.Hour)
	resume(true)
	resume(false) // one write a day
	// Used once a day it lives for ever, unused it ends after SessionLife.
	for range 60 {
		c.advance(24 * time.Hour)
		resume(true)
	}
	c.advance(SessionLife)
	if _, err := s.Resume(ctx, hash); !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("an unused session lives: %v", err)
	}
	if _, err := s.Resume(ctx, HashToken("guess")); !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("a guessed token: %v", err)
	}
	token, _ = s.SignIn(ctx, u.ID)
	for range 2 {
		if err := s.SignOut(ctx, HashToken(token)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Resume(ctx, HashToken(token)); !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("a session lives after sign-out: %v", err)
	}
}

func TestSessionOfDisabledUser(t *testing.T) {
	s, store, _, u := newService(t)
	token, _ := s.SignIn(t.Context(), u.ID)
	u.Disabled = true
	if err := store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resume(t.Context(), HashToken(token)); !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("Resume = %v", err)
	}
}

func TestEnsureAdministrator(t *testing.T) {
	store, h := openStore(t), newHasher(cheap)
	ctx := t.Context()
	ensure := func(password string) data.User {
		t.Helper()
		if err := ensureAdministrator(ctx, store, h, "Root@Example.org", password); err != nil {
			t.Fatal(err)
		}
		u, err := store.UserByEmail(ctx, "root@example.org")
		if err != nil || !u.Administrator || u.Disabled {
			t.Fatalf("administrator: %+v, %v", u, err)
		}
		return u
	}
	first := ensure(rightPassword)
	if again := ensure(rightPassword); again.PasswordHash != first.PasswordHash || again.ID != first.ID {
		t.Error("the second call wrote something")
	}
	s := New(store, cheap, time.Now)
	token, err := s.SignIn(ctx, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	first.Administrator, first.Disabled = false, true
	if err := store.UpdateUser(ctx, &first); err != nil {
		t.Fatal(err)
	}
	ensure(rightPassword)
	if _, err := s.Resume(ctx, HashToken(token)); err != nil {
		t.Errorf("the session ended though the password is the same: %v", err)
	}
	ensure("another horse")
	if _, err := s.Resume(ctx, HashToken(token)); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the session lives though the password changed: %v", err)
	}
	if n, _ := store.CountUsers(ctx); n != 1 {
		t.Errorf("%d users", n)
	}
	for _, bad := range [][2]string{{"", rightPassword}, {"root@example.org", "short"}} {
		if err := EnsureAdministrator(ctx, store, bad[0], bad[1]); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("EnsureAdministrator(%q, %q) = %v", bad[0], bad[1], err)
		}
	}
}
