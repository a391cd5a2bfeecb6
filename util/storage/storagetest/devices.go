package storagetest

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var deviceTests = []contractTest{
	{"DeviceKeepsEverything", deviceKeepsEverything},
	{"DeviceUniqueID", deviceUniqueID},
	{"DeviceMissing", deviceMissing},
	{"DeviceInvalid", deviceInvalid},
	{"DeviceUpdate", deviceUpdate},
	{"DeviceDelete", deviceDelete},
	{"DeviceIDsAreNotReused", deviceIDsAreNotReused},
	{"DeviceOrderAndPages", deviceOrderAndPages},
	{"DeviceFilters", deviceFilters},
	{"DeviceKeywordInAnyCase", deviceKeyword},
	{"DeviceIdentityOfAnyBytes", deviceIdentityOfAnyBytes},
	{"TouchDevices", touchDevices},
	{"DisconnectDevices", disconnectDevices},
}

func deviceKeepsEverything(t *testing.T, s storage.Store) {
	d := &data.Device{
		Name: "Łódź 🚚 \"7\"", UniqueID: "860000000000001", GroupID: 4, CalendarID: 5, Phone: "+49 30 1", Model: "GT06N",
		Contact: "Σίσυφος", Category: "truck", Disabled: true, ExpiresAt: base.Add(700 * time.Microsecond),
		Attributes: map[string]any{"decoder.model": "x", "speedLimit": 50.5, "on": true, "none": nil, "list": []any{1.0, "a\x00b"}},
	}
	ctx := testContext(t)
	ok(t, s.CreateDevice(ctx, d))
	if d.ID <= 0 {
		t.Fatalf("id is %d", d.ID)
	}
	want := *d
	want.ExpiresAt = base // to the millisecond
	equal(t, "by id", device(t, s, d.ID), want)
	equal(t, "by unique id", get(t, func() (data.Device, error) { return s.DeviceByUniqueID(ctx, d.UniqueID) }), want)
	equal(t, "in the list", get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, storage.DeviceFilter{}) }), []data.Device{want})

	plain := newDevice(t, s, "2")
	equal(t, "a device without anything", device(t, s, plain.ID), *plain)
}

func deviceUniqueID(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	first := newDevice(t, s, "a")
	again := &data.Device{Name: "another", UniqueID: "a"}
	wantError(t, "create", s.CreateDevice(ctx, again), data.ErrConflict)
	equal(t, "id of the device that was refused", again.ID, int64(0))
	newDevice(t, s, "A") // case matters: devices are not people
	second := newDevice(t, s, "b")
	second.UniqueID = "a"
	wantError(t, "update", s.UpdateDevice(ctx, second), data.ErrConflict)
	equal(t, "the one that was there", device(t, s, first.ID), *first)
}

func deviceMissing(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	_, err := s.Device(ctx, 77)
	wantError(t, "by id", err, data.ErrNotFound)
	_, err = s.DeviceByUniqueID(ctx, "77")
	wantError(t, "by unique id", err, data.ErrNotFound)
	wantError(t, "update", s.UpdateDevice(ctx, &data.Device{ID: 77, UniqueID: "77"}), data.ErrNotFound)
	wantError(t, "delete", s.DeleteDevice(ctx, 77), data.ErrNotFound)
}

func deviceInvalid(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	there := newDevice(t, s, "there")
	for what, d := range map[string]data.Device{
		"no unique id":                 {Name: "x"},
		"unique id too long":           {UniqueID: strings.Repeat("x", 4000)},
		"unique id with NUL":           {UniqueID: "a\x00b"},
		"name that is no text":         {UniqueID: "x", Name: "\xff"},
		"attributes that are not JSON": {UniqueID: "x", Attributes: map[string]any{"f": func() {}}},
	} {
		wantError(t, "create: "+what, s.CreateDevice(ctx, &d), data.ErrInvalid)
		d.ID = there.ID
		wantError(t, "update: "+what, s.UpdateDevice(ctx, &d), data.ErrInvalid)
	}
}

func deviceUpdate(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "old")
	p := insert(t, s, newPosition(d.ID, 0))[0]
	changed := data.Device{
		ID: d.ID, Name: "new", UniqueID: "neu", GroupID: 1, CalendarID: 6, Phone: "2", Model: "3", Contact: "4", Category: "5",
		Disabled: true, ExpiresAt: at(9), Attributes: map[string]any{"a": "b"},
		LastUpdate: at(1000), PositionID: 1000, // not what people edit
	}
	ok(t, s.UpdateDevice(ctx, &changed))
	changed.LastUpdate, changed.PositionID = p.ServerTime, p.ID
	equal(t, "after the update", device(t, s, d.ID), changed)
	found := get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, storage.DeviceFilter{Keyword: "neu"}) })
	equal(t, "found by the new unique id", deviceIDs(found), []int64{d.ID})
}

func deviceDelete(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	gone, stays := newDevice(t, s, "gone"), newDevice(t, s, "stays")
	u := newUser(t, s, "u@example.org")
	for _, d := range []*data.Device{gone, stays} {
		ok(t, s.AddLinks(ctx, data.UserDevice(u.ID, d.ID)))
		ok(t, s.PutMedia(ctx, &data.Media{DeviceID: d.ID, Name: "device.png", Type: "image/png", Content: []byte("x")}))
	}
	many := make([]data.Position, 5100) // more than a back end removes at once
	for i := range many {
		many[i] = newPosition(gone.ID, i)
	}
	insert(t, s, many...)
	kept := insert(t, s, newPosition(stays.ID, 0))
	ok(t, s.DeleteDevice(ctx, gone.ID))
	_, err := s.Device(ctx, gone.ID)
	wantError(t, "the device", err, data.ErrNotFound)
	equal(t, "its positions", len(history(t, s, gone.ID)), 0)
	equal(t, "links", linked(t, s, data.UserKind, u.ID), map[data.ObjectKind][]int64{data.DeviceKind: {stays.ID}})
	_, err = s.Media(ctx, gone.ID, "device.png")
	wantError(t, "its media", err, data.ErrNotFound)
	equal(t, "positions of the other", history(t, s, stays.ID), kept)
	newDevice(t, s, "gone") // the unique id is free again
}

func deviceIDsAreNotReused(t *testing.T, s storage.Store) {
	d := newDevice(t, s, "a")
	ok(t, s.DeleteDevice(testContext(t), d.ID))
	if again := newDevice(t, s, "a"); again.ID <= d.ID {
		t.Errorf("the id %d was given again: %d", d.ID, again.ID)
	}
	u := newUser(t, s, "a@example.org")
	ok(t, s.DeleteUser(testContext(t), u.ID))
	if again := newUser(t, s, "a@example.org"); again.ID <= u.ID {
		t.Errorf("the id %d was given again: %d", u.ID, again.ID)
	}
}

func deviceOrderAndPages(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	var want []int64
	for _, name := range []string{"5", "Ähre", "b", "a", "a", "B", "", "🚚"} {
		d := &data.Device{Name: name, UniqueID: strings.Repeat("u", len(want)+1)}
		ok(t, s.CreateDevice(ctx, d))
		want = append(want, d.ID)
	}
	// By the bytes of the name, whatever the language of the server, then by id.
	want = []int64{want[6], want[0], want[5], want[3], want[4], want[2], want[1], want[7]}
	list := func(limit, offset int) []int64 {
		f := storage.DeviceFilter{Limit: limit, Offset: offset}
		return deviceIDs(get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, f) }))
	}
	equal(t, "all", list(0, 0), want)
	equal(t, "the first three", list(3, 0), want[:3])
	equal(t, "the next three", list(3, 3), want[3:6])
	equal(t, "all but two", list(0, 2), want[2:])
	equal(t, "past the end", list(3, 100), []int64(nil))
}

func deviceFilters(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b, c := newDevice(t, s, "a"), newDevice(t, s, "b"), newDevice(t, s, "c")
	b.GroupID, c.GroupID = 7, 8
	ok(t, s.UpdateDevice(ctx, b))
	ok(t, s.UpdateDevice(ctx, c))
	for _, test := range []struct {
		what string
		f    storage.DeviceFilter
		want []int64
	}{
		{"all", storage.DeviceFilter{}, []int64{a.ID, b.ID, c.ID}},
		{"in groups", storage.DeviceFilter{GroupIDs: []int64{8, 7, 9}}, []int64{b.ID, c.ID}},
		{"in no groups", storage.DeviceFilter{GroupIDs: []int64{}}, nil},
		{"by ids", storage.DeviceFilter{IDs: []int64{c.ID, a.ID, a.ID, 77}}, []int64{a.ID, c.ID}},
		{"by no ids", storage.DeviceFilter{IDs: []int64{}}, nil},
		{"by unique ids", storage.DeviceFilter{UniqueIDs: []string{"b", "c", "\xff", "a\x00", `"`}}, []int64{b.ID, c.ID}},
		{"by no unique ids", storage.DeviceFilter{UniqueIDs: []string{}}, nil},
		{"everything at once", storage.DeviceFilter{IDs: []int64{a.ID, b.ID}, UniqueIDs: []string{"b"}, GroupIDs: []int64{7}, Keyword: "DEV", Limit: 5}, []int64{b.ID}},
	} {
		equal(t, test.what, deviceIDs(get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, test.f) })), test.want)
	}
	equal(t, "ids in groups", get(t, func() ([]int64, error) { return s.GroupedDeviceIDs(ctx, []int64{8, 7, 0}) }), []int64{b.ID, c.ID})
	equal(t, "ids in no groups", len(get(t, func() ([]int64, error) { return s.GroupedDeviceIDs(ctx, nil) })), 0)
}

func deviceKeyword(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	truck := &data.Device{Name: "Грузовик ÄÖ 100%", UniqueID: "IMEI-86_1"}
	ok(t, s.CreateDevice(ctx, truck))
	car := &data.Device{Name: "car", UniqueID: "imei-8671"}
	ok(t, s.CreateDevice(ctx, car))
	for keyword, want := range map[string][]int64{
		"ГРУЗ": {truck.ID}, "äö": {truck.ID}, "0%": {truck.ID}, "%": {truck.ID}, "86_": {truck.ID}, "_": {truck.ID},
		"imei": {car.ID, truck.ID}, "CAR": {car.ID}, "nothing": nil, "\xff": nil, "a\x00": nil, `\`: nil, "'": nil,
	} {
		f := storage.DeviceFilter{Keyword: keyword}
		equal(t, keyword, deviceIDs(get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, f) })), want)
	}
}

func deviceIdentityOfAnyBytes(t *testing.T, s storage.Store) {
	for _, id := range []string{"", "\x00", "\xff\xfe", "a\x00b", strings.Repeat("x", 1<<14), "'; DROP TABLE devices; --"} {
		_, err := s.DeviceByUniqueID(testContext(t), id)
		wantError(t, "an identity from the network", err, data.ErrNotFound)
	}
}

func touchDevices(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b, c := newDevice(t, s, "a"), newDevice(t, s, "b"), newDevice(t, s, "c")
	ok(t, s.TouchDevices(ctx, nil))
	ok(t, s.TouchDevices(ctx, map[int64]time.Time{a.ID: at(10), b.ID: at(10).Add(999 * time.Microsecond), 77: at(10)}))
	ok(t, s.TouchDevices(ctx, map[int64]time.Time{a.ID: at(9), b.ID: at(11)}))
	equal(t, "never back", device(t, s, a.ID).LastUpdate, at(10))
	equal(t, "forward", device(t, s, b.ID).LastUpdate, at(11))
	equal(t, "not named", device(t, s, c.ID).LastUpdate, time.Time{})
	_, err := s.Device(ctx, 77)
	wantError(t, "a device that does not exist", err, data.ErrNotFound)
}

func disconnectDevices(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	gone, back, never := newDevice(t, s, "gone"), newDevice(t, s, "back"), newDevice(t, s, "never")
	ok(t, s.TouchDevices(ctx, map[int64]time.Time{gone.ID: at(10), back.ID: at(12)}))
	ok(t, s.DisconnectDevices(ctx, nil))
	ok(t, s.DisconnectDevices(ctx, map[int64]data.Disconnection{
		gone.ID: {Spoke: at(10), At: at(14)}, back.ID: {Spoke: at(10), At: at(14)}, 77: {Spoke: at(10), At: at(14)},
	}))
	equal(t, "gone", device(t, s, gone.ID).DisconnectedAt, at(14))
	equal(t, "spoke again", device(t, s, back.ID).DisconnectedAt, time.Time{})
	ok(t, s.DisconnectDevices(ctx, map[int64]data.Disconnection{gone.ID: {Spoke: at(10), At: at(13)}}))
	equal(t, "never back", device(t, s, gone.ID).DisconnectedAt, at(14))

	ok(t, s.SetSilentAfter(ctx, nil))
	ok(t, s.SetSilentAfter(ctx, map[int64]time.Duration{never.ID: time.Hour, 77: time.Hour}))
	d := device(t, s, never.ID)
	equal(t, "silent after", d.SilentAfter, time.Hour)
	d.Name, d.SilentAfter = "renamed", 0
	ok(t, s.UpdateDevice(ctx, &d))
	equal(t, "no matter of people", device(t, s, never.ID).SilentAfter, time.Hour)
	found, err := s.DeviceByUniqueID(ctx, gone.UniqueID)
	ok(t, err)
	equal(t, "by unique id", found.DisconnectedAt, at(14))
}
