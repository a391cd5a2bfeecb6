package storagetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var telegramTests = []contractTest{
	{"TelegramCode", telegramCode},
	{"TelegramAccounts", telegramAccounts},
	{"TelegramOffset", telegramOffset},
}

var unknownTests = []contractTest{
	{"UnknownDevices", unknownDevices},
	{"UnknownDevicesAreBounded", unknownDevicesAreBounded},
	{"UnknownDevicesOfAnyBytes", unknownDevicesOfAnyBytes},
	{"UnknownDevicesTwiceAtOnce", unknownDevicesTwiceAtOnce},
}

// link ties a Telegram account to a user.
func link(t testing.TB, s storage.Store, userID, telegramID int64) {
	t.Helper()
	ctx := testContext(t)
	code := hash(int(telegramID))
	ok(t, s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: code, UserID: userID, ExpiresAt: at(100)}))
	account := data.TelegramAccount{TelegramID: telegramID, Name: fmt.Sprint("tg", telegramID), LinkedAt: at(7)}
	u := get(t, func() (data.User, error) { return s.UseTelegramCode(ctx, code, account, at(0)) })
	equal(t, "user of the code", u.ID, userID)
}

func telegramCode(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	account := data.TelegramAccount{TelegramID: 1 << 40, Name: "Ø 🧭", LinkedAt: at(7)}
	create := func(n int, userID int64) {
		t.Helper()
		ok(t, s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: hash(n), UserID: userID, ExpiresAt: at(100)}))
	}
	refused := func(what string, n, seconds int) {
		t.Helper()
		_, err := s.UseTelegramCode(ctx, hash(n), account, at(seconds))
		wantError(t, what, err, data.ErrNotFound)
	}
	wantError(t, "no such user", s.CreateTelegramCode(ctx, data.TelegramCode{CodeHash: hash(9), UserID: 77}), data.ErrNotFound)
	create(1, u.ID)
	refused("unknown", 2, 0)
	refused("expired", 1, 100)
	create(3, other.ID)
	create(2, u.ID)
	refused("an earlier code of the user", 1, 0)
	bad := account
	bad.Name = "\xff"
	_, err := s.UseTelegramCode(ctx, hash(2), bad, at(0))
	wantError(t, "a name that is no text", err, data.ErrInvalid)
	equal(t, "user", get(t, func() (data.User, error) { return s.UseTelegramCode(ctx, hash(2), account, at(99)) }), *u)
	refused("used", 2, 0)
	get(t, func() (data.User, error) {
		return s.UseTelegramCode(ctx, hash(3), data.TelegramAccount{TelegramID: 2}, at(0))
	})

	account.UserID = u.ID
	have := get(t, func() ([]data.TelegramAccount, error) { return s.TelegramAccounts(ctx, u.ID) })
	equal(t, "account", have, []data.TelegramAccount{account})
}

func telegramAccounts(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	accounts := func(userID int64) (all []int64) {
		for _, a := range get(t, func() ([]data.TelegramAccount, error) { return s.TelegramAccounts(ctx, userID) }) {
			all = append(all, a.TelegramID)
		}
		return all
	}
	link(t, s, u.ID, 12)
	link(t, s, u.ID, 11)
	equal(t, "several accounts of a user", accounts(u.ID), []int64{11, 12})
	link(t, s, other.ID, 11)
	equal(t, "an account has one user", accounts(u.ID), []int64{12})
	equal(t, "the last one", accounts(other.ID), []int64{11})
	equal(t, "user of the account", get(t, func() (data.User, error) { return s.UserByTelegramID(ctx, 11) }), *other)
	ok(t, s.UnlinkTelegram(ctx, 11))
	ok(t, s.UnlinkTelegram(ctx, 11)) // twice is no error
	_, err := s.UserByTelegramID(ctx, 11)
	wantError(t, "unlinked", err, data.ErrNotFound)
	equal(t, "unlinked", accounts(other.ID), []int64(nil))
}

func telegramOffset(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	offset := func(bot int64) int64 {
		return get(t, func() (int64, error) { return s.TelegramOffset(ctx, bot) })
	}
	equal(t, "at first", offset(1), int64(0))
	ok(t, s.SetTelegramOffset(ctx, 1, 1<<40))
	ok(t, s.SetTelegramOffset(ctx, 2, 5))
	ok(t, s.SetTelegramOffset(ctx, 1, 7))
	equal(t, "one bot", offset(1), int64(7))
	equal(t, "another bot", offset(2), int64(5))
}

func unknownList(t testing.TB, s storage.Store) []data.UnknownDevice {
	t.Helper()
	return get(t, func() ([]data.UnknownDevice, error) { return s.ListUnknownDevices(testContext(t)) })
}

func unknownDevices(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	equal(t, "at first", len(unknownList(t, s)), 0)
	ok(t, s.RecordUnknownDevices(ctx, nil))
	a := data.UnknownDevice{UniqueID: "a", Protocol: "gt06", Address: "192.0.2.1:5", FirstSeen: at(1), LastSeen: at(2), Count: 3, LastFrame: []byte{0, 255}}
	a.Frames, a.Preview = [][]byte{{0, 255}, []byte("x")}, []byte(`{"latitude":52.5}`)
	b := data.UnknownDevice{UniqueID: "b", Protocol: "gt06", Address: "[2001:db8::1]:5", FirstSeen: at(1), LastSeen: at(1), Count: 1}
	otherProtocol := data.UnknownDevice{UniqueID: "a", Protocol: "h02", FirstSeen: at(0), LastSeen: at(0), Count: 1}
	ok(t, s.RecordUnknownDevices(ctx, []data.UnknownDevice{b, otherProtocol, a}))
	equal(t, "latest first", unknownList(t, s), []data.UnknownDevice{a, b, otherProtocol})

	b.FirstSeen, b.LastSeen, b.Count, b.Address, b.LastFrame = at(8), at(9), 5, "192.0.2.2:6", []byte("x")
	ok(t, s.RecordUnknownDevices(ctx, []data.UnknownDevice{b}))
	b.FirstSeen, b.Count = at(1), 6
	equal(t, "seen again", unknownList(t, s), []data.UnknownDevice{b, a, otherProtocol})

	nameless := data.UnknownDevice{UniqueID: "192.0.2.9", Address: "192.0.2.9:7", FirstSeen: at(0), LastSeen: at(0), Count: 1, Guesses: []string{"gt06", "topin"}, Frames: [][]byte{{0x78}}}
	ok(t, s.RecordUnknownDevices(ctx, []data.UnknownDevice{nameless}))
	seen := a
	seen.Frames, seen.Preview, seen.Count = nil, nil, 1
	ok(t, s.RecordUnknownDevices(ctx, []data.UnknownDevice{seen}))
	a.Count++
	equal(t, "what it sent first is kept", unknownList(t, s), []data.UnknownDevice{b, a, nameless, otherProtocol})
	ok(t, s.ForgetUnknownDevice(ctx, "192.0.2.9"))

	ok(t, s.ForgetUnknownDevice(ctx, "a"))
	ok(t, s.ForgetUnknownDevice(ctx, "a")) // twice is no error
	equal(t, "forgotten under every protocol", unknownList(t, s), []data.UnknownDevice{b})
}

func unknownDevicesAreBounded(t *testing.T, s storage.Store) {
	const n = storage.MaxUnknownDevices
	var all []data.UnknownDevice
	for i := range n + 50 {
		all = append(all, data.UnknownDevice{UniqueID: fmt.Sprint(i), Protocol: "gt06", FirstSeen: at(i), LastSeen: at(i), Count: 1})
	}
	for _, part := range [][]data.UnknownDevice{all[n:], all[:n], all[:10], all} {
		ok(t, s.RecordUnknownDevices(testContext(t), part))
		list := unknownList(t, s)
		if len(list) > n {
			t.Fatalf("%d unknown devices are kept", len(list))
		}
		equal(t, "the latest stays", list[0].UniqueID, fmt.Sprint(n+49))
	}
	list := unknownList(t, s)
	equal(t, "the oldest kept", list[len(list)-1].UniqueID, "50")
	var scanners []data.UnknownDevice
	for i := range n + 50 {
		scanners = append(scanners, data.UnknownDevice{UniqueID: fmt.Sprint(i), FirstSeen: at(n + i), LastSeen: at(n + i), Count: 1})
	}
	ok(t, s.RecordUnknownDevices(testContext(t), scanners[:n]))
	ok(t, s.RecordUnknownDevices(testContext(t), scanners[n:]))
	equal(t, "they push out no device", len(unknownList(t, s)), n+storage.MaxUnrecognised)
}

func unknownDevicesOfAnyBytes(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	garbage := "\xff\x00'" + strings.Repeat("ü", 1<<13)
	u := data.UnknownDevice{
		UniqueID: garbage, Protocol: "gt06", Address: garbage, FirstSeen: at(0), LastSeen: at(0), Count: 1,
		LastFrame: bytes.Repeat([]byte{0}, 1<<14),
	}
	ok(t, s.RecordUnknownDevices(ctx, []data.UnknownDevice{u}))
	list := unknownList(t, s)
	if len(list) != 1 || len(list[0].UniqueID) > 1024 || len(list[0].LastFrame) != data.MaxUnknownFrame {
		t.Errorf("kept %d bytes of identity and %d of the frame", len(list[0].UniqueID), len(list[0].LastFrame))
	}
	ok(t, s.ForgetUnknownDevice(ctx, garbage)) // by what the device said
	equal(t, "forgotten", len(unknownList(t, s)), 0)
}

func unknownDevicesTwiceAtOnce(t *testing.T, s storage.Store) {
	first := data.UnknownDevice{UniqueID: "a", Protocol: "gt06", Address: "1", FirstSeen: at(1), LastSeen: at(2), Count: 3}
	second := data.UnknownDevice{UniqueID: "a", Protocol: "gt06", Address: "2", FirstSeen: at(3), LastSeen: at(4), Count: 5}
	ok(t, s.RecordUnknownDevices(testContext(t), []data.UnknownDevice{first, second}))
	second.FirstSeen, second.Count = at(1), 8
	equal(t, "added up", unknownList(t, s), []data.UnknownDevice{second})
}
