package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

var concurrencyTests = []contractTest{
	{"ParallelSameBatch", parallelSameBatch},
	{"ParallelBatchesInAnyOrder", parallelBatchesInAnyOrder},
	{"ParallelInsertAndDeleteDevice", parallelInsertAndDeleteDevice},
	{"ParallelFirstUser", parallelFirstUser},
	{"ParallelTelegramCode", parallelTelegramCode},
	{"ParallelUnknownDevices", parallelUnknownDevices},
}

// parallel calls work n times at once.
func parallel(t testing.TB, n int, work func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	begin := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-begin
			errs[i] = work(i)
		})
	}
	close(begin)
	done.Wait()
	ok(t, errors.Join(errs...))
}

func parallelSameBatch(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	var batch []data.Position
	for i := range 5 {
		d := newDevice(t, s, fmt.Sprint(i))
		for n := range 30 {
			batch = append(batch, newPosition(d.ID, n))
		}
	}
	given := make([]atomic.Int64, len(batch))
	parallel(t, 8, func(int) error {
		mine := append([]data.Position(nil), batch...)
		err := s.InsertPositions(ctx, mine, fingerprints(mine), nil)
		for i := range mine {
			if mine[i].ID != 0 {
				given[i].Add(1)
			}
		}
		return err
	})
	for i := range given {
		if n := given[i].Load(); n != 1 {
			t.Errorf("position %d was stored %d times", i, n)
		}
	}
	for _, p := range latest(t, s, nil) {
		equal(t, "positions of the device", len(history(t, s, p.DeviceID)), 30)
		equal(t, "newest", p.FixTime, at(29))
	}
}

func parallelBatchesInAnyOrder(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	const devices, batches = 300, 12
	var all [devices]int64
	for i := range all {
		all[i] = newDevice(t, s, fmt.Sprint(i)).ID
	}
	parallel(t, batches, func(n int) error {
		var batch []data.Position
		seen := make(map[int64]time.Time)
		for _, i := range rand.Perm(devices) { // in another order each, so locks may meet
			batch = append(batch, newPosition(all[i], n))
			seen[all[i]] = at(500 + n)
		}
		return errors.Join(s.InsertPositions(ctx, batch, fingerprints(batch), nil), s.TouchDevices(ctx, seen))
	})
	for i := 0; i < devices; i += 10 {
		id := all[i]
		have := history(t, s, id)
		equal(t, "positions of the device", len(have), batches)
		d := device(t, s, id)
		equal(t, "newest", d.PositionID, have[batches-1].ID)
		equal(t, "last update", d.LastUpdate, at(500+batches-1))
	}
}

func parallelInsertAndDeleteDevice(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	for round := range 5 {
		d, stays := newDevice(t, s, fmt.Sprint("gone", round)), newDevice(t, s, fmt.Sprint("stays", round))
		parallel(t, 6, func(n int) error {
			if n == 3 {
				return s.DeleteDevice(ctx, d.ID)
			}
			batch := []data.Position{newPosition(d.ID, n), newPosition(stays.ID, n)}
			return s.InsertPositions(ctx, batch, fingerprints(batch), nil)
		})
		equal(t, "positions that outlive their device", len(history(t, s, d.ID)), 0)
		equal(t, "positions of the other", len(history(t, s, stays.ID)), 5)
	}
}

func parallelFirstUser(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	for range 10 {
		var winner, lost atomic.Int64
		parallel(t, 8, func(i int) error {
			u := data.User{Email: fmt.Sprint(i, "@example.org")}
			switch err := s.CreateFirstUser(ctx, &u); {
			case err == nil:
				winner.Store(u.ID)
			case errors.Is(err, data.ErrConflict):
				lost.Add(1)
			default:
				return err
			}
			return nil
		})
		equal(t, "lost", lost.Load(), int64(7))
		equal(t, "users", get(t, func() (int, error) { return s.CountUsers(ctx) }), 1)
		ok(t, s.DeleteUser(ctx, winner.Load()))
	}
}

func parallelTelegramCode(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	ok(t, s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: hash(1), UserID: u.ID, ExpiresAt: at(100)}))
	var won atomic.Int32
	parallel(t, 8, func(i int) error {
		_, err := s.UseTelegramCode(ctx, hash(1), data.TelegramAccount{TelegramID: int64(i + 1)}, at(0))
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, data.ErrNotFound) {
			return err
		}
		return nil
	})
	equal(t, "used", won.Load(), int32(1))
	accounts := get(t, func() ([]data.TelegramAccount, error) { return s.TelegramAccounts(ctx, u.ID) })
	equal(t, "accounts", len(accounts), 1)
}

func parallelUnknownDevices(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	const writers, rounds, strangers = 6, 3, 150
	parallel(t, writers, func(n int) error {
		for range rounds {
			var seen []data.UnknownDevice
			for _, i := range rand.Perm(strangers) { // all see these, and each as many of its own
				seen = append(seen, data.UnknownDevice{UniqueID: fmt.Sprint(i), Protocol: "teltonika", FirstSeen: at(9), LastSeen: at(9), Count: 1})
				seen = append(seen, data.UnknownDevice{UniqueID: fmt.Sprint(n, "/", i), Protocol: "gt06", FirstSeen: at(n), LastSeen: at(n), Count: 1})
			}
			if err := s.RecordUnknownDevices(ctx, seen); err != nil {
				return err
			}
		}
		return nil
	})
	list := unknownList(t, s)
	equal(t, "kept", len(list), storage.MaxUnknownDevices)
	for _, u := range list[:strangers] {
		if u.Protocol != "teltonika" || u.Count != writers*rounds {
			t.Errorf("%+v: protocol or count is wrong", u)
		}
	}
}

var lifeTests = []contractTest{
	{"Ping", func(t *testing.T, s storage.Store) { ok(t, s.Ping(testContext(t))) }},
	{"ContextCancelled", contextCancelled},
	{"ContextPassed", contextPassed},
	{"Closed", closed},
}

func testCancelled(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	return ctx, cancel
}

func contextCancelled(t *testing.T, s storage.Store) {
	d, u := newDevice(t, s, "a"), newUser(t, s, "a@example.org")
	ctx, cancel := testCancelled(t)
	defer cancel()
	for name, err := range everyMethod(ctx, s, d.ID, u.ID) {
		wantError(t, name, err, context.Canceled)
		if errors.Is(err, data.ErrUnavailable) {
			t.Errorf("%s: the caller gave up, and the error blames the database: %v", name, err)
		}
	}
	equal(t, "device", device(t, s, d.ID), *d)
	equal(t, "user", userByID(t, s, u.ID), *u)
}

func contextPassed(t *testing.T, s storage.Store) {
	d, u := newDevice(t, s, "a"), newUser(t, s, "a@example.org")
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	for name, err := range everyMethod(ctx, s, d.ID, u.ID) {
		wantError(t, name, err, context.DeadlineExceeded)
		wantError(t, name, err, data.ErrUnavailable)
	}
	equal(t, "device", device(t, s, d.ID), *d)
}

func closed(t *testing.T, s storage.Store) {
	d, u := newDevice(t, s, "a"), newUser(t, s, "a@example.org")
	ok(t, s.Close())
	for name, err := range everyMethod(testContext(t), s, d.ID, u.ID) {
		wantError(t, name, err, data.ErrUnavailable)
	}
	ok(t, s.Close()) // twice is no error
}

// everyMethod calls each method that asks the database, with arguments that
// would succeed, and returns their errors.
func everyMethod(ctx context.Context, s storage.Store, deviceID, userID int64) map[string]error {
	errs := make(map[string]error)
	result := func(name string) func(any, error) {
		return func(_ any, err error) { errs[name] = err }
	}
	batch := []data.Position{newPosition(deviceID, 1)}
	each := func(*data.Position) error { return nil }
	ses := data.Session{TokenHash: hash(1), UserID: userID, ExpiresAt: at(1)}

	errs["Ping"] = s.Ping(ctx)
	errs["CreateDevice"] = s.CreateDevice(ctx, &data.Device{UniqueID: "new"})
	errs["UpdateDevice"] = s.UpdateDevice(ctx, &data.Device{ID: deviceID, UniqueID: "new"})
	errs["TouchDevices"] = s.TouchDevices(ctx, map[int64]time.Time{deviceID: at(1)})
	result("Device")(s.Device(ctx, deviceID))
	result("DeviceByUniqueID")(s.DeviceByUniqueID(ctx, "a"))
	result("ListDevices")(s.ListDevices(ctx, storage.DeviceFilter{}))
	errs["InsertPositions"] = s.InsertPositions(ctx, batch, fingerprints(batch), nil)
	result("PositionsByID")(s.PositionsByID(ctx, []int64{store.ID(deviceID, 1)}))
	result("LatestPositions")(s.LatestPositions(ctx, nil))
	errs["PositionsBetween"] = s.PositionsBetween(ctx, deviceID, at(0), at(1), 1, each)
	result("PositionBefore")(s.PositionBefore(ctx, deviceID, at(2)))
	errs["DeletePositions"] = s.DeletePositions(ctx, deviceID, at(0), at(1))
	errs["RecordUnknownDevices"] = s.RecordUnknownDevices(ctx, []data.UnknownDevice{{UniqueID: "a"}})
	result("ListUnknownDevices")(s.ListUnknownDevices(ctx))
	errs["ForgetUnknownDevice"] = s.ForgetUnknownDevice(ctx, "a")
	errs["CreateUser"] = s.CreateUser(ctx, &data.User{Email: "new"})
	errs["CreateFirstUser"] = s.CreateFirstUser(ctx, &data.User{Email: "new"})
	errs["UpdateUser"] = s.UpdateUser(ctx, &data.User{ID: userID, Email: "new"})
	result("User")(s.User(ctx, userID))
	result("UserByEmail")(s.UserByEmail(ctx, "a@example.org"))
	result("ListUsers")(s.ListUsers(ctx))
	result("CountUsers")(s.CountUsers(ctx))
	errs["CreateSession"] = s.CreateSession(ctx, ses)
	result("Session")(s.Session(ctx, ses.TokenHash, at(0)))
	errs["ExtendSession"] = s.ExtendSession(ctx, ses.TokenHash, at(2))
	errs["DeleteSession"] = s.DeleteSession(ctx, ses.TokenHash)
	errs["DeleteUserSessions"] = s.DeleteUserSessions(ctx, userID, ses.TokenHash)
	errs["DeleteExpiredSessions"] = s.DeleteExpiredSessions(ctx, at(0))
	group := &data.Group{Name: "g"}
	errs["CreateObject"] = s.CreateObject(ctx, group)
	errs["UpdateObject"] = s.UpdateObject(ctx, group)
	errs["DeleteObject"] = s.DeleteObject(ctx, data.GroupKind, 1)
	result("Documents")(s.Documents(ctx, storage.ObjectFilter{Kind: data.GroupKind}))
	errs["AddLinks"] = s.AddLinks(ctx, data.UserDevice(userID, deviceID))
	errs["RemoveLinks"] = s.RemoveLinks(ctx, data.UserDevice(userID, deviceID))
	result("ListLinks")(s.ListLinks(ctx, storage.LinkFilter{}))
	result("LinkedIDs")(s.LinkedIDs(ctx, data.UserKind, []int64{userID}))
	result("GroupedDeviceIDs")(s.GroupedDeviceIDs(ctx, []int64{1}))
	errs["PutMedia"] = s.PutMedia(ctx, &data.Media{DeviceID: deviceID, Name: "x", Content: []byte("x")})
	result("Media")(s.Media(ctx, deviceID, "x"))
	result("Server")(s.Server(ctx))
	errs["UpdateServer"] = s.UpdateServer(ctx, &data.Server{})
	errs["CreateTelegramCode"] = s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: hash(1), UserID: userID})
	result("UseTelegramCode")(s.UseTelegramCode(ctx, hash(1), data.TelegramAccount{}, at(0)))
	result("UserByTelegramID")(s.UserByTelegramID(ctx, 1))
	result("TelegramAccounts")(s.TelegramAccounts(ctx, userID))
	errs["UnlinkTelegram"] = s.UnlinkTelegram(ctx, 1)
	result("TelegramOffset")(s.TelegramOffset(ctx, 1))
	errs["SetTelegramOffset"] = s.SetTelegramOffset(ctx, 1, 1)
	errs["DeleteDevice"] = s.DeleteDevice(ctx, deviceID)
	errs["DeleteUser"] = s.DeleteUser(ctx, userID)
	return errs
}
