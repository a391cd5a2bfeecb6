package storagetest

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var userTests = []contractTest{
	{"UserKeepsEverything", userKeepsEverything},
	{"UserEmail", userEmail},
	{"UserMissing", userMissing},
	{"UserInvalid", userInvalid},
	{"UserUpdate", userUpdate},
	{"UserFirst", userFirst},
	{"UserDelete", userDelete},
	{"UserList", userList},
}

func userByID(t testing.TB, s storage.Store, id int64) data.User {
	t.Helper()
	return get(t, func() (data.User, error) { return s.User(testContext(t), id) })
}

func userKeepsEverything(t *testing.T, s storage.Store) {
	u := &data.User{
		Name: "Ünal 🧭", Email: "unal@example.org", PasswordHash: "$argon2id$x", Administrator: true, Disabled: true,
		Readonly: true, DeviceReadonly: true, LimitCommands: true,
		ExpiresAt: at(5), Attributes: map[string]any{"theme": "dark", "zoom": 11.5, "map": map[string]any{"x": []any{true}}},
	}
	ok(t, s.CreateUser(testContext(t), u))
	if u.ID <= 0 {
		t.Fatalf("id is %d", u.ID)
	}
	equal(t, "by id", userByID(t, s, u.ID), *u)
	plain := newUser(t, s, "plain@example.org")
	equal(t, "a user without anything", userByID(t, s, plain.ID), *plain)
}

func userEmail(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := &data.User{Name: "a", Email: "Jürgen.ÄÖ@Example.ORG"}
	ok(t, s.CreateUser(ctx, u))
	for _, email := range []string{"jürgen.äö@example.org", "JÜRGEN.ÄÖ@EXAMPLE.ORG", "Jürgen.ÄÖ@Example.ORG"} {
		found := get(t, func() (data.User, error) { return s.UserByEmail(ctx, email) })
		equal(t, email, found.ID, u.ID)
		equal(t, "kept in lower case", found.Email, "jürgen.äö@example.org")
		again := &data.User{Email: email}
		wantError(t, "create again", s.CreateUser(ctx, again), data.ErrConflict)
		equal(t, "id of the one refused", again.ID, int64(0))
	}
	other := newUser(t, s, "other@example.org")
	other.Email = "JÜRGEN.ÄÖ@example.org"
	wantError(t, "update", s.UpdateUser(ctx, other), data.ErrConflict)
}

func userMissing(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	_, err := s.User(ctx, 77)
	wantError(t, "by id", err, data.ErrNotFound)
	for _, email := range []string{"nobody@example.org", "", "\xff", "a\x00"} {
		_, err = s.UserByEmail(ctx, email)
		wantError(t, "by e-mail", err, data.ErrNotFound)
	}
	wantError(t, "update", s.UpdateUser(ctx, &data.User{ID: 77, Email: "x@example.org"}), data.ErrNotFound)
	wantError(t, "delete", s.DeleteUser(ctx, 77), data.ErrNotFound)
}

func userInvalid(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	for what, u := range map[string]data.User{
		"no e-mail":         {Name: "x"},
		"e-mail with NUL":   {Email: "a\x00"},
		"name that is none": {Email: "a@example.org", Name: "\xff"},
		"attributes":        {Email: "a@example.org", Attributes: map[string]any{"c": make(chan int)}},
	} {
		wantError(t, what, s.CreateUser(ctx, &u), data.ErrInvalid)
		wantError(t, what, s.CreateFirstUser(ctx, &u), data.ErrInvalid)
		wantError(t, what, s.UpdateUser(ctx, &u), data.ErrInvalid)
	}
	equal(t, "users", get(t, func() (int, error) { return s.CountUsers(ctx) }), 0)
}

func userUpdate(t *testing.T, s storage.Store) {
	u := newUser(t, s, "a@example.org")
	changed := data.User{
		ID: u.ID, Name: "new", Email: "b@example.org", PasswordHash: "other", Administrator: true, Disabled: true,
		DeviceReadonly: true, Login: "bee", DeviceLimit: 7, UserLimit: data.NoLimit,
		Profile:   data.Profile{Phone: "+49", DisableReports: true, FixedEmail: true, Temporary: true, Map: "osm", CoordinateFormat: "dd", PoiLayer: "x", Latitude: 1.5, Longitude: -2, Zoom: 9},
		ExpiresAt: at(1), Attributes: map[string]any{"a": 1.0},
	}
	ok(t, s.UpdateUser(testContext(t), &changed))
	equal(t, "after the update", userByID(t, s, u.ID), changed)
}

func userFirst(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	first := &data.User{Name: "first", Email: "first@example.org", Administrator: true}
	ok(t, s.CreateFirstUser(ctx, first))
	equal(t, "the first", userByID(t, s, first.ID), *first)
	second := &data.User{Name: "second", Email: "second@example.org"}
	wantError(t, "the second", s.CreateFirstUser(ctx, second), data.ErrConflict)
	equal(t, "id of the second", second.ID, int64(0))
	equal(t, "users", get(t, func() (int, error) { return s.CountUsers(ctx) }), 1)
}

func userDelete(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	gone, stays := newUser(t, s, "gone@example.org"), newUser(t, s, "stays@example.org")
	d := newDevice(t, s, "a")
	for i, u := range []*data.User{gone, stays} {
		ok(t, s.AddLinks(ctx, data.UserDevice(u.ID, d.ID)))
		ok(t, s.CreateSession(ctx, data.Session{TokenHash: hash(i), UserID: u.ID, ExpiresAt: at(100)}))
		link(t, s, u.ID, int64(1000+i))
		ok(t, s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: hash(50 + i), UserID: u.ID, ExpiresAt: at(100)}))
	}
	ok(t, s.DeleteUser(ctx, gone.ID))
	_, err := s.User(ctx, gone.ID)
	wantError(t, "the user", err, data.ErrNotFound)
	_, err = s.Session(ctx, hash(0), at(0))
	wantError(t, "its session", err, data.ErrNotFound)
	_, err = s.UserByTelegramID(ctx, 1000)
	wantError(t, "its telegram account", err, data.ErrNotFound)
	_, err = s.UseTelegramCode(ctx, hash(50), data.TelegramAccount{TelegramID: 5}, at(0))
	wantError(t, "its code", err, data.ErrNotFound)
	equal(t, "its links", len(linked(t, s, data.UserKind, gone.ID)), 0)
	equal(t, "the device", device(t, s, d.ID), *d)

	get(t, func() (data.Session, error) { return s.Session(ctx, hash(1), at(0)) })
	equal(t, "the other's links", linked(t, s, data.UserKind, stays.ID), map[data.ObjectKind][]int64{data.DeviceKind: {d.ID}})
	equal(t, "the other's account", get(t, func() (data.User, error) { return s.UserByTelegramID(ctx, 1001) }), *stays)
}

func userList(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	equal(t, "at first", get(t, func() (int, error) { return s.CountUsers(ctx) }), 0)
	var want []data.User
	for _, u := range []data.User{{Name: "b", Email: "1"}, {Name: "a", Email: "2"}, {Name: "b", Email: "3"}} {
		ok(t, s.CreateUser(ctx, &u))
		want = append(want, u)
	}
	equal(t, "list", get(t, func() ([]data.User, error) { return s.ListUsers(ctx) }), []data.User{want[1], want[0], want[2]})
	equal(t, "count", get(t, func() (int, error) { return s.CountUsers(ctx) }), 3)
}
