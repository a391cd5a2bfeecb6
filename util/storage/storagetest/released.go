package storagetest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	store "github.com/waymark-gps/waymark/util/storage/history"
)

// Released tests a store that was opened on the dump of an older release
// (testdata/schema_v*.sql of the back ends, which all hold these rows) and so
// brought up to date: everything is there, though positions have new ids, and
// it can be worked with.
func Released(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	then := base.Add(-9 * time.Second)
	ada := data.User{ID: 1, Name: "Ada", Email: "ada@example.org", PasswordHash: "$argon2id$v=19$m=1,t=1,p=1$AAAA$BBBB", Administrator: true, DeviceLimit: data.NoLimit}
	lukasz := data.User{ID: 2, Name: "Łukasz", Email: "lukasz@example.org", Disabled: true, DeviceLimit: data.NoLimit, ExpiresAt: base, Attributes: map[string]any{"theme": "dark"}}
	truck := data.Device{
		ID: 1, Name: "Truck Ä", UniqueID: "860000000000001", Phone: "+49", Model: "GT06N", Contact: "c", Category: "truck",
		Disabled: true, ExpiresAt: base, LastUpdate: at(1), PositionID: store.ID(1, 2), Attributes: map[string]any{"speedLimit": 50.5},
	}
	silent := data.Device{ID: 2, Name: "silent", UniqueID: "2"}
	first := data.Position{
		ID: store.ID(1, 1), DeviceID: 1, Protocol: "gt06", ServerTime: at(-8), DeviceTime: then, FixTime: then, Valid: true,
		Latitude: 52.5, Longitude: 13.4, AltitudeM: 34, SpeedKnots: 20.5, CourseDeg: 90, AccuracyM: 5,
		Network: &data.Network{CellTowers: []data.CellTower{{RadioType: "lte", MCC: 262, MNC: 1, LAC: 3, CellID: 7}}},
	}
	first.Attributes.SetBool("ignition", true)
	first.Attributes.SetInt("sat", 9)
	second := data.Position{
		ID: store.ID(1, 2), DeviceID: 1, Protocol: "gt06", ServerTime: at(1), DeviceTime: base, FixTime: base, Outdated: true,
		Latitude: -52.5, Longitude: -13.4,
	}

	equal(t, "users", get(t, func() ([]data.User, error) { return s.ListUsers(ctx) }), []data.User{ada, lukasz})
	equal(t, "devices", get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, storage.DeviceFilter{}) }), []data.Device{truck, silent})
	found := get(t, func() ([]data.Device, error) { return s.ListDevices(ctx, storage.DeviceFilter{Keyword: "TRUCK Ä"}) })
	equal(t, "by keyword", deviceIDs(found), []int64{1})
	equal(t, "positions", history(t, s, 1), []data.Position{first, second})
	equal(t, "latest", latest(t, s, nil), []data.Position{second})
	equal(t, "strangers", unknownList(t, s), []data.UnknownDevice{{
		UniqueID: "4209951296", Protocol: "h02", Address: "192.0.2.7:40001", FirstSeen: at(-8), LastSeen: base, Count: 12, LastFrame: []byte("*HQ,"),
	}})
	token, code := [32]byte{}, [32]byte{}
	for i := range token {
		token[i], code[i] = 1, 2
	}
	equal(t, "session", get(t, func() (data.Session, error) { return s.Session(ctx, token, then) }),
		data.Session{TokenHash: token, UserID: 1, CreatedAt: at(-8), ExpiresAt: base})
	equal(t, "links", linked(t, s, data.UserKind, 2)[data.DeviceKind], []int64{1})
	equal(t, "telegram account", get(t, func() ([]data.TelegramAccount, error) { return s.TelegramAccounts(ctx, 1) }),
		[]data.TelegramAccount{{TelegramID: 1 << 40, UserID: 1, Name: "Ada", LinkedAt: base}})
	account := data.TelegramAccount{TelegramID: 5, LinkedAt: base}
	equal(t, "telegram code", get(t, func() (data.User, error) { return s.UseTelegramCode(ctx, code, account, then) }), lukasz)
	equal(t, "telegram offset", get(t, func() (int64, error) { return s.TelegramOffset(ctx, 12) }), int64(34))

	again := second
	ok(t, s.InsertPositions(ctx, []data.Position{again}, []uint64{1}, nil))
	added := insert(t, s, newPosition(1, 60))
	equal(t, "positions, one repeated and one new", positionIDs(history(t, s, 1)), []int64{store.ID(1, 1), store.ID(1, 2), added[0].ID})
	equal(t, "position id", device(t, s, 1).PositionID, added[0].ID)
	if u := newUser(t, s, "new@example.org"); u.ID <= 2 {
		t.Errorf("a new user has id %d", u.ID)
	}
}
