package storagetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var linkTests = []contractTest{
	{"Links", links},
	{"LinksAreAllOrNone", linksAreAllOrNone},
	{"LinkFilters", linkFilters},
	{"LinkOfWhatGoes", linkOfWhatGoes},
}

func linked(t testing.TB, s storage.Store, owner data.ObjectKind, ids ...int64) map[data.ObjectKind][]int64 {
	t.Helper()
	return get(t, func() (map[data.ObjectKind][]int64, error) { return s.LinkedIDs(testContext(t), owner, ids) })
}

func links(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	a, b, g := newDevice(t, s, "a"), newDevice(t, s, "b"), newGroup(t, s, "g", 0)
	managed := data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.ManagedUserKind, PropertyID: other.ID}
	group := data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.GroupKind, PropertyID: g.ID}
	ok(t, s.AddLinks(ctx, data.UserDevice(u.ID, b.ID), data.UserDevice(u.ID, a.ID), data.UserDevice(u.ID, a.ID), managed, group))
	ok(t, s.AddLinks(ctx, data.UserDevice(u.ID, a.ID), data.UserDevice(other.ID, a.ID))) // twice is no error
	want := map[data.ObjectKind][]int64{data.DeviceKind: {a.ID, b.ID}, data.ManagedUserKind: {other.ID}, data.GroupKind: {g.ID}}
	equal(t, "of one", linked(t, s, data.UserKind, u.ID), want)
	equal(t, "of both", linked(t, s, data.UserKind, u.ID, other.ID), want)
	equal(t, "of nobody", len(linked(t, s, data.UserKind)), 0)
	equal(t, "of a group with the same id", len(linked(t, s, data.GroupKind, u.ID)), 0)
	ok(t, s.RemoveLinks(ctx, data.UserDevice(u.ID, a.ID), managed))
	ok(t, s.RemoveLinks(ctx, data.UserDevice(u.ID, a.ID), managed)) // nor is this
	equal(t, "left", linked(t, s, data.UserKind, u.ID), map[data.ObjectKind][]int64{data.DeviceKind: {b.ID}, data.GroupKind: {g.ID}})
	equal(t, "the other's", linked(t, s, data.UserKind, other.ID), map[data.ObjectKind][]int64{data.DeviceKind: {a.ID}})
	ok(t, s.AddLinks(ctx))
	ok(t, s.RemoveLinks(ctx))
}

func linksAreAllOrNone(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, d := newUser(t, s, "a@example.org"), newDevice(t, s, "a")
	g := newGroup(t, s, "g", 0)
	good := data.UserDevice(u.ID, d.ID)
	for what, bad := range map[string]data.Link{
		"no user":      data.UserDevice(77, d.ID),
		"no device":    data.UserDevice(u.ID, 77),
		"another kind": {Owner: data.UserKind, OwnerID: u.ID, Property: data.DriverKind, PropertyID: g.ID},
		"managed user": {Owner: data.UserKind, OwnerID: u.ID, Property: data.ManagedUserKind, PropertyID: 77},
	} {
		wantError(t, what, s.AddLinks(ctx, good, bad), data.ErrNotFound)
	}
	for what, bad := range map[string]data.Link{
		"turned round":   {Owner: data.DeviceKind, OwnerID: d.ID, Property: data.UserKind, PropertyID: u.ID},
		"no such kind":   {Owner: data.UserKind, OwnerID: u.ID, Property: "horse", PropertyID: 1},
		"no such owner":  {Owner: "horse", OwnerID: u.ID, Property: data.DeviceKind, PropertyID: d.ID},
		"group of group": {Owner: data.GroupKind, OwnerID: g.ID, Property: data.GroupKind, PropertyID: g.ID},
	} {
		wantError(t, what, s.AddLinks(ctx, good, bad), data.ErrInvalid)
	}
	equal(t, "nothing was stored", len(linked(t, s, data.UserKind, u.ID)), 0)
}

func linkFilters(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, v := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	f := &data.Geofence{Name: "f"}
	ok(t, s.CreateObject(ctx, f))
	all := []data.Link{
		{Owner: data.DeviceKind, OwnerID: a.ID, Property: data.GeofenceKind, PropertyID: f.ID},
		data.UserDevice(u.ID, a.ID), data.UserDevice(u.ID, b.ID),
		{Owner: data.UserKind, OwnerID: u.ID, Property: data.GeofenceKind, PropertyID: f.ID},
		data.UserDevice(v.ID, b.ID),
	}
	ok(t, s.AddLinks(ctx, all...))
	for _, test := range []struct {
		what string
		f    storage.LinkFilter
		want []data.Link
	}{
		{"all", storage.LinkFilter{}, all},
		{"of users", storage.LinkFilter{Owner: data.UserKind}, all[1:]},
		{"of a user", storage.LinkFilter{Owner: data.UserKind, OwnerIDs: []int64{u.ID}}, all[1:4]},
		{"devices of users", storage.LinkFilter{Owner: data.UserKind, Property: data.DeviceKind}, []data.Link{all[1], all[2], all[4]}},
		{"who sees a device", storage.LinkFilter{Property: data.DeviceKind, PropertyIDs: []int64{b.ID}}, []data.Link{all[2], all[4]}},
		{"of no user", storage.LinkFilter{Owner: data.UserKind, OwnerIDs: []int64{}}, nil},
	} {
		equal(t, test.what, get(t, func() ([]data.Link, error) { return s.ListLinks(ctx, test.f) }), test.want)
	}
}

// linkOfWhatGoes adds links of devices while they are deleted: none is left.
func linkOfWhatGoes(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	var wg sync.WaitGroup
	for i := range 10 {
		d := newDevice(t, s, string(rune('a'+i)))
		wg.Go(func() {
			for range 20 {
				if err := s.AddLinks(ctx, data.UserDevice(u.ID, d.ID)); err != nil && !errors.Is(err, data.ErrNotFound) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if err := s.DeleteDevice(ctx, d.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, "links of devices that are gone", len(linked(t, s, data.UserKind, u.ID)), 0)
}
