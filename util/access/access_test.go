package access

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

func openStore(t testing.TB) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// world makes things in a store, each called by a letter.
type world struct {
	testing.TB
	storage.Store
	n int
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) user(change func(*data.User)) data.User {
	w.n++
	u := data.User{Name: "u", Email: fmt.Sprint("u", w.n)}
	if change != nil {
		change(&u)
	}
	w.ok(w.CreateUser(w.Context(), &u))
	return u
}

func (w *world) device(group int64) int64 {
	w.n++
	d := data.Device{Name: "d", UniqueID: fmt.Sprint("d", w.n), GroupID: group}
	w.ok(w.CreateDevice(w.Context(), &d))
	return d.ID
}

func (w *world) group(parent int64) int64 {
	g := data.Group{Name: "g", GroupID: parent}
	w.ok(w.CreateObject(w.Context(), &g))
	return g.ID
}

func (w *world) geofence() int64 {
	f := data.Geofence{Name: "f"}
	w.ok(w.CreateObject(w.Context(), &f))
	return f.ID
}

func (w *world) link(owner data.ObjectKind, ownerID int64, property data.ObjectKind, propertyID int64) {
	w.Helper()
	w.ok(w.AddLinks(w.Context(), data.Link{Owner: owner, OwnerID: ownerID, Property: property, PropertyID: propertyID}))
}

func (w *world) viewer(u data.User) Viewer {
	w.Helper()
	v, err := NewViewer(w.Context(), w.Store, u)
	w.ok(err)
	return v
}

func (w *world) mustList() (ids []int64) {
	all, err := w.ListDevices(w.Context(), storage.DeviceFilter{})
	w.ok(err)
	for i := range all {
		ids = append(ids, all[i].ID)
	}
	return ids
}

func TestEffectiveAccess(t *testing.T) {
	w := &world{TB: t, Store: openStore(t)}
	u, other := w.user(nil), w.user(nil)
	top := w.group(0)
	middle := w.group(top)
	bottom := w.group(middle)
	beside := w.group(0)
	direct, deep, outside, lone := w.device(0), w.device(bottom), w.device(beside), w.device(0)
	own, ofGroup, ofDevice, both, foreign := w.geofence(), w.geofence(), w.geofence(), w.geofence(), w.geofence()
	w.link(data.UserKind, u.ID, data.DeviceKind, direct)
	w.link(data.UserKind, u.ID, data.GroupKind, top)
	w.link(data.UserKind, u.ID, data.GeofenceKind, own)
	w.link(data.GroupKind, middle, data.GeofenceKind, ofGroup)
	w.link(data.DeviceKind, deep, data.GeofenceKind, ofDevice)
	w.link(data.DeviceKind, deep, data.GeofenceKind, both)
	w.link(data.UserKind, u.ID, data.GeofenceKind, both)
	w.link(data.DeviceKind, outside, data.GeofenceKind, foreign)
	w.link(data.UserKind, other.ID, data.DeviceKind, outside)
	w.link(data.UserKind, u.ID, data.ManagedUserKind, other.ID)

	v := w.viewer(u)
	if got := v.DeviceIDs(); !slices.Equal(got, []int64{direct, deep}) {
		t.Errorf("devices %v", got)
	}
	for id, want := range map[int64]bool{direct: true, deep: true, outside: false, lone: false, 0: false, -1: false, 1 << 60: false} {
		if v.CanSee(id) != want {
			t.Errorf("CanSee(%d) is %v", id, !want)
		}
	}
	if got := v.IDs(data.GroupKind); !slices.Equal(got, []int64{top, middle, bottom}) {
		t.Errorf("groups %v", got)
	}
	for id, want := range map[int64][2]bool{own: {true, true}, ofGroup: {true, true}, ofDevice: {true, false}, both: {true, true}, foreign: {false, false}} {
		if got := [2]bool{v.Sees(data.GeofenceKind, id), v.Owns(data.GeofenceKind, id)}; got != want {
			t.Errorf("geofence %d is seen, owned %v, want %v", id, got, want)
		}
		if v.Sees(data.DriverKind, id) {
			t.Errorf("a driver with the id of geofence %d", id)
		}
	}
	if !v.CanSeeUser(u.ID) || !v.CanSeeUser(other.ID) || v.CanSeeUser(99) || v.CanSeeUser(0) || !slices.Equal(v.Managed(), []int64{other.ID}) {
		t.Errorf("users %v", v.IDs(data.UserKind))
	}
	if v.LinkedDevices() != 1 {
		t.Errorf("%d devices are linked", v.LinkedDevices())
	}
	if o := w.viewer(other); o.CanSeeUser(u.ID) || !slices.Equal(o.DeviceIDs(), []int64{outside}) || o.IDs(data.GroupKind) == nil {
		t.Error("the managed user sees too much or too little")
	}
	for _, id := range w.mustList() {
		watchers, err := Watchers(t.Context(), w.Store, id)
		for _, who := range []data.User{u, other} {
			if v := w.viewer(who); err != nil || slices.Contains(watchers, who.ID) != v.CanSee(id) {
				t.Errorf("device %d is watched by %v, %v", id, watchers, err)
			}
		}
	}
	none := Viewer{}
	if none.CanSee(1) || none.CanSeeUser(0) || none.DeviceIDs() == nil || none.Owns(data.GeofenceKind, own) || none.Managed() != nil {
		t.Error("the zero Viewer sees something")
	}
	u.Administrator = true
	if a := w.viewer(u); !a.CanSee(lone) || !a.CanSeeUser(77) || a.DeviceIDs() != nil || !a.Owns(data.GeofenceKind, foreign) {
		t.Error("an administrator does not see all")
	}
}

// A circle of groups, which only two writers at the same moment can make, ends.
func TestGroupCircle(t *testing.T) {
	w := &world{TB: t, Store: openStore(t)}
	u := w.user(nil)
	a, b := w.group(0), w.group(0)
	d := w.device(b)
	w.link(data.UserKind, u.ID, data.GroupKind, a)
	circle := circled{w.Store, map[int64]int64{a: b, b: a}}
	v, err := NewViewer(t.Context(), circle, u)
	if err != nil || !v.CanSee(d) || len(v.IDs(data.GroupKind)) != 2 {
		t.Errorf("groups %v, %v", v.IDs(data.GroupKind), err)
	}
}

// circled is a store whose groups have other parents.
type circled struct {
	storage.Store
	parents map[int64]int64
}

func (c circled) Documents(ctx context.Context, f storage.ObjectFilter) ([]data.Document, error) {
	docs, err := c.Store.Documents(ctx, f)
	for i := range docs {
		docs[i].GroupID = c.parents[docs[i].ID]
	}
	return docs, err
}

func TestRestrictions(t *testing.T) {
	w := &world{TB: t, Store: openStore(t)}
	for what, test := range map[string]struct {
		user   func(*data.User)
		server data.Server
		// may edit: a geofence, a device, a command
		want [3]bool
	}{
		"user":                       {nil, data.Server{}, [3]bool{true, true, true}},
		"readonly":                   {func(u *data.User) { u.Readonly = true }, data.Server{}, [3]bool{}},
		"temporary":                  {func(u *data.User) { u.Temporary = true }, data.Server{}, [3]bool{}},
		"readonly server":            {nil, data.Server{Readonly: true}, [3]bool{}},
		"devices readonly":           {func(u *data.User) { u.DeviceReadonly = true }, data.Server{}, [3]bool{true, false, true}},
		"devices readonly by server": {nil, data.Server{DeviceReadonly: true}, [3]bool{true, false, true}},
		"commands limited":           {func(u *data.User) { u.LimitCommands = true }, data.Server{}, [3]bool{true, true, false}},
		"commands limited by server": {nil, data.Server{LimitCommands: true}, [3]bool{true, true, false}},
		"administrator":              {func(u *data.User) { u.Administrator, u.Readonly, u.LimitCommands = true, true, true }, data.Server{Readonly: true}, [3]bool{true, true, true}},
	} {
		w.ok(w.UpdateServer(t.Context(), &test.server))
		v := w.viewer(w.user(test.user))
		var got [3]bool
		for i, kind := range []data.ObjectKind{data.GeofenceKind, data.DeviceKind, data.CommandKind} {
			got[i] = v.MayEdit(kind) == nil
		}
		if got != test.want {
			t.Errorf("%s may edit %v, want %v", what, got, test.want)
		}
	}
}

// asked counts the questions about links.
type asked struct {
	storage.Store
	n int
}

func (a *asked) LinkedIDs(ctx context.Context, owner data.ObjectKind, ids []int64) (map[data.ObjectKind][]int64, error) {
	if owner == data.UserKind {
		a.n++
	}
	return a.Store.LinkedIDs(ctx, owner, ids)
}

func TestServiceForgets(t *testing.T) {
	w := &world{TB: t, Store: openStore(t)}
	now := time.Unix(1e9, 0)
	store := &asked{Store: w.Store}
	s := New(store, func() time.Time { return now })
	u := w.user(nil)
	g := w.group(0)
	first := w.device(g)
	w.link(data.UserKind, u.ID, data.GroupKind, g)
	ask := func(what string, questions int, want ...int64) {
		t.Helper()
		v, err := s.Viewer(t.Context(), u)
		if err != nil || !slices.Equal(v.DeviceIDs(), want) {
			t.Errorf("%s: devices %v, %v, want %v", what, v.DeviceIDs(), err, want)
		}
		if store.n != questions {
			t.Errorf("%s: %d questions, want %d", what, store.n, questions)
		}
	}
	ask("first", 1, first)
	ask("again", 1, first)
	second := w.device(g)
	ask("not told", 1, first)
	s.Changed(data.AccessChange{GroupIDs: []int64{g + 1}, UserIDs: []int64{u.ID + 1}, DeviceIDs: []int64{second}})
	ask("told of something else", 1, first)
	s.Changed(data.AccessChange{GroupIDs: []int64{g}})
	ask("told of the group", 2, first, second)
	w.ok(w.DeleteDevice(t.Context(), first))
	s.Changed(data.AccessChange{DeviceIDs: []int64{first}})
	ask("told of the device", 3, second)
	w.ok(w.RemoveLinks(t.Context(), data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.GroupKind, PropertyID: g}))
	s.Changed(data.AccessChange{UserIDs: []int64{u.ID}})
	ask("told of the user", 4)
	w.link(data.UserKind, u.ID, data.GroupKind, g)
	now = now.Add(life)
	ask("after a while, untold", 5, second)
	w.ok(w.UpdateServer(t.Context(), &data.Server{Readonly: true}))
	s.Changed(data.AccessChange{All: true})
	if v, err := s.Viewer(t.Context(), u); err != nil || !v.Readonly() {
		t.Errorf("the server's settings are not known: %v", err)
	}
}

// slow lets something happen while the store is on its way back.
type slow struct {
	storage.Store
	meanwhile func()
}

func (s *slow) GroupedDeviceIDs(ctx context.Context, ids []int64) ([]int64, error) {
	found, err := s.Store.GroupedDeviceIDs(ctx, ids)
	if f := s.meanwhile; f != nil {
		s.meanwhile = nil
		f()
	}
	return found, err
}

func TestChangeWhileLoading(t *testing.T) {
	w := &world{TB: t, Store: openStore(t)}
	u, g := w.user(nil), w.group(0)
	w.link(data.UserKind, u.ID, data.GroupKind, g)
	store := &slow{Store: w.Store}
	s := New(store, time.Now)
	var added int64
	store.meanwhile = func() {
		added = w.device(g)
		s.Changed(data.AccessChange{GroupIDs: []int64{g}})
	}
	for range 2 {
		if _, err := s.Viewer(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	if v, _ := s.Viewer(t.Context(), u); !v.CanSee(added) {
		t.Error("what was read before the change was kept after it")
	}
}

func TestSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := map[int64]bool{}
		var ids []int64
		span := int64(1) << random.IntN(40)
		for range random.IntN(200) {
			id := random.Int64N(span) + 1
			want[id] = true
			ids = append(ids, id, id)
		}
		s := newSet(ids)
		if len(s.ids) != len(want) {
			t.Fatalf("%d ids, want %d", len(s.ids), len(want))
		}
		for range 400 {
			if id := random.Int64N(span + 2); s.has(id) != want[id] {
				t.Fatalf("has(%d) is %v, span %d", id, !want[id], span)
			}
		}
		for id := range want {
			if !s.has(id) || !s.hasAny([]int64{-1, id}) || s.has(-id) {
				t.Fatalf("%d is lost", id)
			}
		}
	}
}

// bigWorld is 10,000 devices in 100 groups below one, with a geofence each, and
// 1,000 users, who see a hundredth each; boss sees all by the top group and
// clerk by 10,000 links.
func bigWorld(b *testing.B) (w *world, boss, clerk data.User) {
	w = &world{TB: b, Store: openStore(b)}
	boss, clerk = w.user(nil), w.user(nil)
	top := w.group(0)
	w.link(data.UserKind, boss.ID, data.GroupKind, top)
	var groups, devices []int64
	for range 100 {
		groups = append(groups, w.group(top))
	}
	var links []data.Link
	for i := range 10_000 {
		d := w.device(groups[i%100])
		devices = append(devices, d)
		links = append(links, data.UserDevice(clerk.ID, d))
	}
	for i := range 1000 {
		f := w.geofence()
		links = append(links, data.Link{Owner: data.DeviceKind, OwnerID: devices[i], Property: data.GeofenceKind, PropertyID: f})
		u := w.user(nil)
		for j := range 100 {
			links = append(links, data.UserDevice(u.ID, devices[(i*10+j)%len(devices)]))
		}
	}
	w.ok(w.AddLinks(b.Context(), links...))
	return w, boss, clerk
}

func BenchmarkViewer(b *testing.B) {
	w, boss, clerk := bigWorld(b)
	for name, u := range map[string]data.User{"groups": boss, "links": clerk} {
		b.Run("compute/"+name, func(b *testing.B) {
			for b.Loop() {
				if v, err := NewViewer(b.Context(), w.Store, u); err != nil || len(v.DeviceIDs()) != 10_000 {
					b.Fatal(len(v.DeviceIDs()), err)
				}
			}
		})
	}
	s := New(w.Store, time.Now)
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Viewer(b.Context(), clerk); err != nil {
				b.Fatal(err)
			}
		}
	})
	v, _ := s.Viewer(b.Context(), clerk)
	b.Run("check", func(b *testing.B) {
		ids := v.DeviceIDs()
		for i := 0; b.Loop(); i++ {
			if !v.CanSee(ids[i%len(ids)]) {
				b.Fatal("lost")
			}
		}
	})
}
