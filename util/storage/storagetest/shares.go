package storagetest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var shareTests = []contractTest{
	{"Share", share},
	{"SharesOfUser", sharesOfUser},
	{"ShareCounts", shareCounts},
	{"SharesTidy", sharesTidy},
}

func newShare(userID int64, n int) *data.Share {
	return &data.Share{
		UserID: userID, Name: "Für Oma", Token: "token" + string(rune('a'+n)), TokenHash: hash(n), CreatedAt: at(0), ExpiresAt: at(100),
		ShareView: data.ShareView{
			DeviceIDs: []int64{1, 2}, GroupID: 3, Arrival: &data.Circle{Latitude: 52.5, Longitude: 13.4, RadiusM: 100}, TrailHours: 4,
			DelayMinutes: 5, BlurM: 6.5, Hidden: []data.Circle{{Latitude: -1, Longitude: -2, RadiusM: 3}},
		},
	}
}

func share(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	want := newShare(u.ID, 1)
	ok(t, s.CreateShare(ctx, want))
	equal(t, "by id", get(t, func() (data.Share, error) { return s.Share(ctx, want.ID) }), *want)
	equal(t, "by token", get(t, func() (data.Share, error) { return s.ShareByToken(ctx, hash(1)) }), *want)
	wantError(t, "the same token", s.CreateShare(ctx, newShare(u.ID, 1)), data.ErrConflict)
	wantError(t, "no such user", s.CreateShare(ctx, newShare(77, 2)), data.ErrNotFound)
	want.Name, want.ExpiresAt, want.ArrivedAt, want.ShareView = "", time.Time{}, at(7), data.ShareView{DeviceIDs: []int64{9}}
	ok(t, s.UpdateShare(ctx, want))
	equal(t, "updated", get(t, func() (data.Share, error) { return s.Share(ctx, want.ID) }), *want)
	ok(t, s.DeleteShare(ctx, want.ID))
	_, err := s.ShareByToken(ctx, hash(1))
	wantError(t, "deleted", err, data.ErrNotFound)
	wantError(t, "update deleted", s.UpdateShare(ctx, want), data.ErrNotFound)
	wantError(t, "delete deleted", s.DeleteShare(ctx, want.ID), data.ErrNotFound)
}

func sharesOfUser(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	one, two, other := newShare(a.ID, 1), newShare(a.ID, 2), newShare(b.ID, 3)
	for _, sh := range []*data.Share{one, two, other} {
		ok(t, s.CreateShare(ctx, sh))
	}
	of := func(userID int64) []data.Share {
		return get(t, func() ([]data.Share, error) { return s.ListShares(ctx, userID) })
	}
	equal(t, "of one", of(a.ID), []data.Share{*one, *two})
	equal(t, "of all", of(0), []data.Share{*one, *two, *other})
	ok(t, s.DeleteUser(ctx, a.ID))
	equal(t, "left", of(0), []data.Share{*other})
}

func shareCounts(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	sh := newShare(newUser(t, s, "a@example.org").ID, 1)
	ok(t, s.CreateShare(ctx, sh))
	for _, seconds := range []int{0, 30, 59, 60, 61} {
		ok(t, s.CountShareOpened(ctx, sh.ID, at(seconds)))
	}
	ok(t, s.EndShare(ctx, sh.ID, at(5)))
	ok(t, s.EndShare(ctx, sh.ID, at(9))) // it has ended already
	sh.Opened, sh.OpenedAt, sh.ArrivedAt = 2, at(60), at(5)
	equal(t, "counted", get(t, func() (data.Share, error) { return s.Share(ctx, sh.ID) }), *sh)
}

func sharesTidy(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	for n, ends := range []time.Time{at(10), at(11), {}, {}} {
		sh := newShare(u.ID, n)
		sh.ExpiresAt = ends
		ok(t, s.CreateShare(ctx, sh))
		if n == 3 {
			ok(t, s.EndShare(ctx, sh.ID, at(10)))
		}
	}
	ok(t, s.DeleteEndedShares(ctx, at(11)))
	left := get(t, func() ([]data.Share, error) { return s.ListShares(ctx, 0) })
	equal(t, "left", ids(left, func(sh *data.Share) int64 { return int64(sh.Token[5] - 'a') }), []int64{1, 2})
}
