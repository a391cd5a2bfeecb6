package tracking

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// TestFriends asks a real store, before and after links change.
func TestFriends(t *testing.T) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	user := func(name string, disabled bool) int64 {
		u := data.User{Name: name, Email: name + "@example.org", Disabled: disabled}
		must(store.CreateUser(ctx, &u))
		return u.ID
	}
	group := func(name string, in int64) int64 {
		g := data.Group{Name: name, GroupID: in}
		must(store.CreateObject(ctx, &g))
		return g.ID
	}
	device := func(name string, in int64) int64 {
		d := data.Device{Name: name, UniqueID: name, GroupID: in}
		must(store.CreateDevice(ctx, &d))
		p := []data.Position{{DeviceID: d.ID, Protocol: "x", ServerTime: base, DeviceTime: base, FixTime: base, Valid: true, Latitude: 1}}
		must(store.InsertPositions(ctx, p, []uint64{p[0].Fingerprint()}, nil))
		return d.ID
	}
	ann, ben, gone := user("ann", false), user("ben", false), user("gone", true)
	outer := group("outer", 0)
	inner := group("inner", outer)
	own, car, boat, secret, grouped := device("own", 0), device("car", 0), device("boat", 0), device("secret", 0), device("grouped", inner)
	must(store.AddLinks(ctx,
		data.UserDevice(ann, own), data.UserDevice(ann, car),
		data.UserDevice(ben, boat), data.Link{Owner: data.UserKind, OwnerID: ben, Property: data.GroupKind, PropertyID: outer},
		data.UserDevice(gone, own), data.UserDevice(gone, secret), data.UserDevice(gone, boat),
	))

	f := NewFriends(store, cache.NewLast(store, 100, time.Now), time.Now)
	check := func(of int64, want ...string) {
		t.Helper()
		list, err := f.Friends(ctx, of)
		must(err)
		var have []string
		for _, friend := range list {
			have = append(have, friend.UniqueID)
		}
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("friends of %d: %v, want %v", of, have, want)
		}
	}
	check(own, "car")
	check(car, "own")
	check(boat, "grouped")
	check(grouped, "boat")
	check(secret)
	check(9999)

	must(store.AddLinks(ctx, data.UserDevice(ben, own)))
	check(own, "boat", "car", "grouped")
	check(grouped, "boat", "own")
	must(store.RemoveLinks(ctx, data.UserDevice(ben, own)))
	check(own, "car")

	devices, err := store.ListDevices(ctx, storage.DeviceFilter{IDs: []int64{car}})
	must(err)
	devices[0].Disabled = true
	must(store.UpdateDevice(ctx, &devices[0]))
	check(own)
}
