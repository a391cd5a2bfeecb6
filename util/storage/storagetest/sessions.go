package storagetest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var sessionTests = []contractTest{
	{"Session", session},
	{"SessionExtend", sessionExtend},
	{"SessionsOfUser", sessionsOfUser},
	{"SessionsTidy", sessionsTidy},
}

// hash is a token hash like no other.
func hash(n int) [32]byte { return [32]byte{byte(n), byte(n >> 8), 0xff, 31: 1} }

func session(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	want := data.Session{TokenHash: hash(1), UserID: u.ID, CreatedAt: at(0), ExpiresAt: at(100)}
	ok(t, s.CreateSession(ctx, want))
	equal(t, "session", get(t, func() (data.Session, error) { return s.Session(ctx, hash(1), at(99)) }), want)
	_, err := s.Session(ctx, hash(1), at(100))
	wantError(t, "expired", err, data.ErrNotFound)
	_, err = s.Session(ctx, hash(2), at(0))
	wantError(t, "unknown", err, data.ErrNotFound)
	wantError(t, "the same token", s.CreateSession(ctx, want), data.ErrConflict)
	wantError(t, "no such user", s.CreateSession(ctx, data.Session{TokenHash: hash(3), UserID: 77}), data.ErrNotFound)
	ok(t, s.DeleteSession(ctx, hash(1)))
	_, err = s.Session(ctx, hash(1), at(0))
	wantError(t, "deleted", err, data.ErrNotFound)
	ok(t, s.DeleteSession(ctx, hash(1))) // signing out twice is no error
}

func sessionExtend(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	want := data.Session{TokenHash: hash(1), UserID: u.ID, CreatedAt: at(0), ExpiresAt: at(100)}
	ok(t, s.CreateSession(ctx, want))
	ok(t, s.ExtendSession(ctx, hash(1), at(200)))
	want.ExpiresAt = at(200)
	equal(t, "extended", get(t, func() (data.Session, error) { return s.Session(ctx, hash(1), at(150)) }), want)
	ok(t, s.DeleteSession(ctx, hash(1)))
	wantError(t, "deleted", s.ExtendSession(ctx, hash(1), at(300)), data.ErrNotFound)
	_, err := s.Session(ctx, hash(1), at(0))
	wantError(t, "brought back", err, data.ErrNotFound)
}

func sessionsOfUser(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	create := func(n int, userID int64) {
		ok(t, s.CreateSession(ctx, data.Session{TokenHash: hash(n), UserID: userID, ExpiresAt: at(100)}))
	}
	valid := func() (all []int) {
		for n := range 4 {
			if _, err := s.Session(ctx, hash(n), at(0)); err == nil {
				all = append(all, n)
			}
		}
		return all
	}
	create(0, u.ID)
	create(1, u.ID)
	create(2, u.ID)
	create(3, other.ID)
	ok(t, s.DeleteUserSessions(ctx, u.ID, hash(1)))
	equal(t, "one kept", valid(), []int{1, 3})
	ok(t, s.DeleteUserSessions(ctx, u.ID, hash(3))) // another user's
	equal(t, "none of this user kept", valid(), []int{3})
	create(0, u.ID)
	ok(t, s.DeleteUserSessions(ctx, u.ID, [32]byte{}))
	equal(t, "none kept", valid(), []int{3})
}

func sessionsTidy(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	for n := range 3 {
		ok(t, s.CreateSession(ctx, data.Session{TokenHash: hash(n), UserID: u.ID, ExpiresAt: at(n)}))
	}
	ok(t, s.DeleteExpiredSessions(ctx, at(1)))
	for n, want := range []bool{false, false, true} {
		_, err := s.Session(ctx, hash(n), time.Time{})
		equal(t, "still there", err == nil, want)
	}
}
