// Package storagetest is the contract of package storage as tests: what a back
// end must do, whichever it is. A change of the contract begins here.
package storagetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// patience bounds every test; nothing here waits for long unless it hangs.
const patience = 2 * time.Minute

type contractTest struct {
	name string
	run  func(*testing.T, storage.Store)
}

// Run tests a back end. open makes an empty store; Run closes it.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, test := range slices.Concat(deviceTests, positionTests, walkTests, historyTests, findingTests, eventTests, upkeepTests, crashTests,
		retentionTests, modelTests, userTests, sessionTests, accountTests, objectTests, linkTests,
		telegramTests, unknownTests, commandTests, auditTests, shareTests, reportTests, deliveryTests, concurrencyTests, lifeTests) {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { s.Close() })
			test.run(t, s)
		})
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get is for calls that must succeed: get(t)(store.Device(ctx, 1)) does not
// compile in Go, so the call comes as a function.
func get[T any](t testing.TB, call func() (T, error)) T {
	t.Helper()
	v, err := call()
	ok(t, err)
	return v
}

func wantError(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error is %v, want one that is %q", what, err, kind)
	}
}

func equal(t testing.TB, what string, have, want any) {
	t.Helper()
	if !reflect.DeepEqual(have, want) {
		t.Errorf("%s:\nhave %+v\nwant %+v", what, have, want)
	}
}

// base is a moment that tests count from, with a fraction that is kept.
var base = time.Date(2026, 3, 29, 1, 59, 58, 123e6, time.UTC)

// at is base and some seconds.
func at(seconds int) time.Time { return base.Add(time.Duration(seconds) * time.Second) }

func newDevice(t testing.TB, s storage.Store, uniqueID string) *data.Device {
	t.Helper()
	d := &data.Device{Name: "Device " + uniqueID, UniqueID: uniqueID}
	ok(t, s.CreateDevice(testContext(t), d))
	return d
}

func newUser(t testing.TB, s storage.Store, email string) *data.User {
	t.Helper()
	u := &data.User{Name: "User " + email, Email: email, PasswordHash: "$argon2id$v=19$m=1,t=1,p=1$AAAA$BBBB"}
	ok(t, s.CreateUser(testContext(t), u))
	return u
}

// newPosition is a report of a device, made and measured at the same time and
// arrived a second later.
func newPosition(deviceID int64, seconds int) data.Position {
	p := data.Position{
		DeviceID: deviceID, Protocol: "gt06", Valid: true,
		ServerTime: at(seconds + 1), DeviceTime: at(seconds), FixTime: at(seconds),
		Latitude: 52.5 + float64(seconds)/1e5, Longitude: 13.4, SpeedKnots: 20, CourseDeg: 90,
	}
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetInt("sat", 9)
	return p
}

// insert stores positions with the fingerprints they have.
func insert(t testing.TB, s storage.Store, positions ...data.Position) []data.Position {
	t.Helper()
	ok(t, s.InsertPositions(testContext(t), positions, fingerprints(positions), nil))
	return positions
}

func fingerprints(positions []data.Position) []uint64 {
	f := make([]uint64, len(positions))
	for i := range positions {
		f[i] = positions[i].Fingerprint()
	}
	return f
}

// history are all positions of a device.
func history(t testing.TB, s storage.Store, deviceID int64) []data.Position {
	t.Helper()
	var all []data.Position
	ok(t, s.PositionsBetween(testContext(t), deviceID, time.Time{}, at(1e8), 1e6, func(p *data.Position) error {
		all = append(all, *p)
		return nil
	}))
	return all
}

func device(t testing.TB, s storage.Store, id int64) data.Device {
	t.Helper()
	return get(t, func() (data.Device, error) { return s.Device(testContext(t), id) })
}

func latest(t testing.TB, s storage.Store, deviceIDs []int64) []data.Position {
	t.Helper()
	return get(t, func() ([]data.Position, error) { return s.LatestPositions(testContext(t), deviceIDs) })
}

func ids[T any](all []T, id func(*T) int64) []int64 {
	var out []int64
	for i := range all {
		out = append(out, id(&all[i]))
	}
	return out
}

func positionIDs(all []data.Position) []int64 {
	return ids(all, func(p *data.Position) int64 { return p.ID })
}

func deviceIDs(all []data.Device) []int64 {
	return ids(all, func(d *data.Device) int64 { return d.ID })
}
