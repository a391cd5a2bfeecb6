package storagetest

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var objectTests = []contractTest{
	{"ObjectKeepsEverything", objectKeepsEverything},
	{"ObjectMissing", objectMissing},
	{"ObjectOrderAndPages", objectOrderAndPages},
	{"GroupCircles", groupCircles},
	{"ObjectDelete", objectDelete},
	{"Media", media},
	{"ServerSettings", serverSettings},
	{"UserLogin", userLogin},
}

func newGroup(t testing.TB, s storage.Store, name string, parent int64) *data.Group {
	t.Helper()
	g := &data.Group{Name: name, GroupID: parent}
	ok(t, s.CreateObject(testContext(t), g))
	return g
}

func object[T any, P interface {
	*T
	data.Object
}](t testing.TB, s storage.Store, id int64) T {
	t.Helper()
	return get(t, func() (T, error) { return storage.FindObject[T, P](testContext(t), s, id) })
}

// same stores an object, reads it again, changes nothing and reads it again.
func same[T any, P interface {
	*T
	data.Object
}](t *testing.T, s storage.Store, o T) T {
	t.Helper()
	ok(t, s.CreateObject(testContext(t), P(&o)))
	equal(t, "stored", object[T, P](t, s, *P(&o).Fields().ID), o)
	ok(t, s.UpdateObject(testContext(t), P(&o)))
	equal(t, "stored again", object[T, P](t, s, *P(&o).Fields().ID), o)
	return o
}

func objectKeepsEverything(t *testing.T, s storage.Store) {
	free := data.Free{"color": "#f00", "a": 1.5, "list": []any{"\x00", nil}}
	g := same(t, s, data.Group{Name: "Łódź 🚚", Attributes: free})
	same(t, s, data.Group{Name: "", GroupID: g.ID})
	same(t, s, data.Geofence{Name: "a", Description: "b", Area: "CIRCLE (1 2, 3)", CalendarID: 4, Attributes: free})
	same(t, s, data.Notification{Type: "alarm", Description: "d", Always: true, Notificators: "web", CalendarID: 5, CommandID: 6, Attributes: free})
	same(t, s, data.Calendar{Name: "c", Data: []byte{0, 1, 0xff}, Attributes: free})
	same(t, s, data.ComputedAttribute{Description: "d", Attribute: "a", Expression: "speed * 2", Type: "number", Priority: -3})
	same(t, s, data.Driver{Name: "n", UniqueID: "u", Attributes: free})
	same(t, s, data.Maintenance{Name: "m", Type: "hours", Start: 1e12, Period: 0.5, Attributes: free})
	same(t, s, data.Order{UniqueID: "7", Description: "d", FromAddress: "f", ToAddress: "t", Attributes: free})
	same(t, s, data.ScheduledReport{Type: "trips", Description: "d", CalendarID: 9, Attributes: free})
	c := same(t, s, data.SavedCommand{Type: "custom", Description: "Wo? 🧭", TextChannel: true, Attributes: data.Attributes{{Key: "data", Value: data.String("WHERE#")}}})
	same(t, s, data.SavedCommand{Type: "custom"})

	c.Description, c.Attributes = "", nil
	ok(t, s.UpdateObject(testContext(t), &c))
	equal(t, "changed", object[data.SavedCommand](t, s, c.ID), c)
	wantError(t, "name that is no text", s.CreateObject(testContext(t), &data.Group{Name: "\xff"}), data.ErrInvalid)
	wantError(t, "what JSON cannot say", s.CreateObject(testContext(t), &data.Group{Attributes: data.Free{"f": func() {}}}), data.ErrInvalid)
}

func objectMissing(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	g := newGroup(t, s, "g", 0)
	// An id of another kind is none of this.
	_, err := storage.FindObject[data.Driver](ctx, s, g.ID)
	wantError(t, "another kind", err, data.ErrNotFound)
	wantError(t, "update of another kind", s.UpdateObject(ctx, &data.Driver{ID: g.ID, Name: "x"}), data.ErrNotFound)
	wantError(t, "delete of another kind", s.DeleteObject(ctx, data.DriverKind, g.ID), data.ErrNotFound)
	wantError(t, "update", s.UpdateObject(ctx, &data.Group{ID: 77}), data.ErrNotFound)
	wantError(t, "delete", s.DeleteObject(ctx, data.GroupKind, 77), data.ErrNotFound)
	equal(t, "untouched", object[data.Group](t, s, g.ID), *g)
	ok(t, s.DeleteObject(ctx, data.GroupKind, g.ID))
	if again := newGroup(t, s, "g", 0); again.ID <= g.ID {
		t.Errorf("the id %d was given again: %d", g.ID, again.ID)
	}
}

func objectOrderAndPages(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	var id []int64
	for _, name := range []string{"b", "a", "Ähre", "a"} {
		id = append(id, newGroup(t, s, name, 0).ID)
	}
	ok(t, s.CreateObject(ctx, &data.Driver{Name: "a"}))
	list := func(f storage.ObjectFilter) (ids []int64) {
		t.Helper()
		for _, g := range get(t, func() ([]data.Group, error) { return storage.ListObjects[data.Group](ctx, s, f) }) {
			ids = append(ids, g.ID)
		}
		return ids
	}
	want := []int64{id[1], id[3], id[0], id[2]}
	equal(t, "all", list(storage.ObjectFilter{}), want)
	equal(t, "a page", list(storage.ObjectFilter{Limit: 2, Offset: 1}), want[1:3])
	equal(t, "all but two", list(storage.ObjectFilter{Offset: 2}), want[2:])
	equal(t, "by ids", list(storage.ObjectFilter{IDs: []int64{id[0], id[1], 77}}), []int64{id[1], id[0]})
	equal(t, "by no ids", list(storage.ObjectFilter{IDs: []int64{}}), []int64(nil))
	equal(t, "by keyword", list(storage.ObjectFilter{Keyword: "äH"}), id[2:3])
	equal(t, "by what is no text", list(storage.ObjectFilter{Keyword: "\xff"}), []int64(nil))
}

func groupCircles(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	top := newGroup(t, s, "top", 0)
	middle := newGroup(t, s, "middle", top.ID)
	bottom := newGroup(t, s, "bottom", middle.ID)
	for _, parent := range []*data.Group{top, middle, bottom} {
		moved := *top
		moved.GroupID = parent.ID
		wantError(t, "into "+parent.Name, s.UpdateObject(ctx, &moved), data.ErrInvalid)
	}
	equal(t, "the top", object[data.Group](t, s, top.ID), *top)
	bottom.GroupID = top.ID
	ok(t, s.UpdateObject(ctx, bottom))
	equal(t, "the bottom", object[data.Group](t, s, bottom.ID), *bottom)
}

func objectDelete(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, d := newUser(t, s, "u@example.org"), newDevice(t, s, "d")
	g, calendar, command := newGroup(t, s, "g", 0), &data.Calendar{Name: "c"}, &data.SavedCommand{Type: "custom"}
	ok(t, s.CreateObject(ctx, calendar))
	ok(t, s.CreateObject(ctx, command))
	below := newGroup(t, s, "below", g.ID)
	n := &data.Notification{Type: "alarm", CalendarID: calendar.ID, CommandID: command.ID}
	ok(t, s.CreateObject(ctx, n))
	d.GroupID, d.CalendarID = g.ID, calendar.ID
	ok(t, s.UpdateDevice(ctx, d))
	ok(t, s.AddLinks(ctx,
		data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.GroupKind, PropertyID: g.ID},
		data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.CalendarKind, PropertyID: calendar.ID},
		data.Link{Owner: data.GroupKind, OwnerID: g.ID, Property: data.NotificationKind, PropertyID: n.ID},
		data.Link{Owner: data.DeviceKind, OwnerID: d.ID, Property: data.CommandKind, PropertyID: command.ID},
		data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.NotificationKind, PropertyID: n.ID},
	))
	ok(t, s.DeleteObject(ctx, data.GroupKind, g.ID))
	ok(t, s.DeleteObject(ctx, data.CalendarKind, calendar.ID))
	ok(t, s.DeleteObject(ctx, data.CommandKind, command.ID))
	equal(t, "links left", get(t, func() ([]data.Link, error) { return s.ListLinks(ctx, storage.LinkFilter{}) }),
		[]data.Link{{Owner: data.UserKind, OwnerID: u.ID, Property: data.NotificationKind, PropertyID: n.ID}})
	below.GroupID, d.GroupID, d.CalendarID, n.CalendarID, n.CommandID = 0, 0, 0, 0, 0
	equal(t, "the group below", object[data.Group](t, s, below.ID), *below)
	equal(t, "the device", device(t, s, d.ID), *d)
	equal(t, "the notification", object[data.Notification](t, s, n.ID), *n)
}

func media(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "d")
	m := data.Media{DeviceID: d.ID, Name: "device.png", Type: "image/png", Content: []byte{0x89, 0, 0xff}}
	ok(t, s.PutMedia(ctx, &m))
	find := func() data.Media { return get(t, func() (data.Media, error) { return s.Media(ctx, d.ID, m.Name) }) }
	equal(t, "stored", find(), m)
	m.Type, m.Content = "image/jpeg", []byte("new")
	ok(t, s.PutMedia(ctx, &m))
	equal(t, "replaced", find(), m)
	_, err := s.Media(ctx, d.ID, "other\x00\xff")
	wantError(t, "no such file", err, data.ErrNotFound)
	wantError(t, "of no device", s.PutMedia(ctx, &data.Media{DeviceID: 77, Name: "x", Content: m.Content}), data.ErrNotFound)
	wantError(t, "without a name", s.PutMedia(ctx, &data.Media{DeviceID: d.ID, Content: m.Content}), data.ErrInvalid)
	wantError(t, "empty", s.PutMedia(ctx, &data.Media{DeviceID: d.ID, Name: "x"}), data.ErrInvalid)

	other := newDevice(t, s, "other")
	names := []string{"20260301-120000-1.jpg", "20260301-120001-2.jpg", "20260302-000000-0.amr"}
	for _, id := range []int64{d.ID, other.ID} {
		for _, name := range names {
			ok(t, s.PutMedia(ctx, &data.Media{DeviceID: id, Name: name, Type: "image/jpeg", Content: make([]byte, 10)}))
		}
	}
	left := func(id int64) (n int) {
		for _, name := range names {
			if _, err := s.Media(ctx, id, name); err == nil {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		files int
		bytes int64
		left  int
	}{{3, 30, 3}, {3, 29, 2}, {1, 30, 1}, {1, 9, 0}} {
		ok(t, s.TrimMedia(ctx, d.ID, c.files, c.bytes))
		equal(t, "files left", left(d.ID), c.left)
		if _, err := s.Media(ctx, d.ID, names[2]); (err == nil) != (c.left > 0) {
			t.Errorf("with %d left, the newest: %v", c.left, err)
		}
	}
	equal(t, "files of another device", left(other.ID), 3)
	find() // the picture that people have chosen stays
}

func serverSettings(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	read := func() data.Server { return get(t, func() (data.Server, error) { return s.Server(ctx) }) }
	equal(t, "at first", read(), data.Server{})
	want := data.Server{Registration: true, Announcement: "hello", Latitude: 1.5, Zoom: 3, Attributes: data.Free{"a": "b"}}
	ok(t, s.UpdateServer(ctx, &want))
	equal(t, "stored", read(), want)
	want.Registration = false
	ok(t, s.UpdateServer(ctx, &want))
	equal(t, "changed", read(), want)
}

func userLogin(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a := &data.User{Email: "a@example.org", Login: "Ann"}
	ok(t, s.CreateUser(ctx, a))
	by := func(name string) int64 {
		t.Helper()
		return get(t, func() (data.User, error) { return s.UserByEmail(ctx, name) }).ID
	}
	equal(t, "by login", by("aNN"), a.ID)
	equal(t, "by e-mail", by("A@example.org"), a.ID)
	wantError(t, "a login that is taken", s.CreateUser(ctx, &data.User{Email: "b@example.org", Login: "ANN"}), data.ErrConflict)
	b := &data.User{Email: "ann"} // an e-mail that is somebody's login
	ok(t, s.CreateUser(ctx, b))
	equal(t, "the e-mail counts first", by("ann"), b.ID)
	ok(t, s.CreateUser(ctx, &data.User{Email: "c@example.org"})) // no login is no login of somebody
	_, err := s.UserByEmail(ctx, "")
	wantError(t, "no name", err, data.ErrNotFound)
}
