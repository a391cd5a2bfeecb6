package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// TestIsolation makes random users, devices and links, lets everybody walk
// every address with every id, and follows every socket: nothing of others can
// be read, written or counted, and what is refused looks the same as what does
// not exist.
func TestIsolation(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) { isolation(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

// tenant is a user with what they may see.
type tenant struct {
	data.User
	*client
	devices []data.Device
}

func (u *tenant) sees(deviceID int64) bool {
	return slices.ContainsFunc(u.devices, func(d data.Device) bool { return d.ID == deviceID })
}

func isolation(t *testing.T, random *rand.Rand) {
	e := newEnv(t)
	var tenants []*tenant
	for i := range 4 {
		u := e.user(fmt.Sprintf("tenant%d", i), false)
		tenants = append(tenants, &tenant{User: u, client: e.client().signIn(u)})
	}
	e.user("root", true)
	var devices []data.Device
	var positions []data.Position
	owner := map[int64]int64{} // position to device
	for i := range 12 {
		d := e.device(fmt.Sprintf("unit-%c", 'a'+i))
		devices = append(devices, d)
		for range 2 {
			p := e.position(d.ID, -time.Duration(random.IntN(10_000))*time.Second)
			positions = append(positions, p)
			owner[p.ID] = d.ID
		}
		for _, u := range tenants {
			if random.IntN(3) == 0 {
				if err := e.store.AddLinks(t.Context(), data.UserDevice(u.ID, d.ID)); err != nil {
					t.Fatal(err)
				}
				u.devices = append(u.devices, d)
			}
		}
	}
	const nobody = 987654
	for _, u := range tenants {
		u.walkDevices(t, devices, tenants)
		u.walkPositions(t, devices, positions, owner)
		u.walkUsers(t, tenants, nobody)
		u.walkAdmin(t, devices)
	}
	follow(t, e, tenants, devices)
	for _, d := range devices { // nobody wrote anything
		if now, err := e.store.Device(t.Context(), d.ID); err != nil || now.Name != d.Name || now.UniqueID != d.UniqueID {
			t.Errorf("device %d is now %q %q, %v", d.ID, now.Name, now.UniqueID, err)
		}
	}
	for _, u := range tenants {
		if now, err := e.store.User(t.Context(), u.ID); err != nil || now.Name != u.Name || now.Email != u.Email || now.Administrator {
			t.Errorf("user %d is now %q, %v", u.ID, now.Name, err)
		}
	}
}

// sameRefusal checks that foreign things and things that do not exist are
// refused with the same words.
func (u *tenant) sameRefusal(t *testing.T, method, format string, foreign, missing int64, body any) {
	t.Helper()
	a, b := u.do(method, fmt.Sprintf(format, foreign), body), u.do(method, fmt.Sprintf(format, missing), body)
	if a.code != b.code || a.body != b.body || a.code != 404 {
		t.Errorf("%s "+format+": %d %q, a missing one %d %q", method, foreign, a.code, a.body, b.code, b.body)
	}
}

func (u *tenant) onlyOwn(t *testing.T, path string, got []int64, all bool) {
	t.Helper()
	for _, id := range got {
		if !u.sees(id) {
			t.Errorf("%s: %s shows device %d", u.Name, path, id)
		}
	}
	if all && len(got) != len(u.devices) {
		t.Errorf("%s: %s shows %d devices, want %d", u.Name, path, len(got), len(u.devices))
	}
}

func (u *tenant) walkDevices(t *testing.T, devices []data.Device, tenants []*tenant) {
	lists := map[string]bool{
		"": true, "?all=true": true, "?keyword=unit": true, "?limit=1": false, "?offset=1&limit=100": false,
		"?userId=" + fmt.Sprint(u.ID): true, "?userId=0": true, "?all=true&userId=0&keyword=id-": true,
	}
	byID, byUnique := url.Values{}, url.Values{}
	for _, d := range devices {
		byID.Add("id", fmt.Sprint(d.ID))
		byUnique.Add("uniqueId", d.UniqueID)
	}
	lists["?"+byID.Encode()], lists["?"+byUnique.Encode()] = true, true
	for query, all := range lists {
		path := "/api/devices" + query
		u.onlyOwn(t, path, ids(t, u.want(200, "GET", path, nil)), all)
	}
	for _, other := range tenants {
		if other != u {
			u.sameRefusal(t, "GET", "/api/devices?userId=%d", other.ID, 987654, nil)
		}
	}
	for _, d := range devices {
		if u.sees(d.ID) {
			u.want(200, "GET", fmt.Sprintf("/api/devices/%d", d.ID), nil)
			continue
		}
		u.sameRefusal(t, "GET", "/api/devices/%d", d.ID, 987654, nil)
		u.sameRefusal(t, "PUT", "/api/devices/%d", d.ID, 987654, map[string]any{"name": "mine now"})
		u.sameRefusal(t, "DELETE", "/api/devices/%d", d.ID, 987654, nil)
	}
}

func (u *tenant) walkPositions(t *testing.T, devices []data.Device, positions []data.Position, owner map[int64]int64) {
	byID := url.Values{}
	own := 0
	for _, p := range positions {
		byID.Add("id", fmt.Sprint(p.ID))
		if u.sees(p.DeviceID) {
			own++
		}
	}
	for path, want := range map[string]int{"/api/positions": len(u.devices), "/api/positions?" + byID.Encode(): own} {
		got := ids(t, u.want(200, "GET", path, nil))
		for _, id := range got {
			if !u.sees(owner[id]) {
				t.Errorf("%s: %s shows position %d", u.Name, path, id)
			}
		}
		if len(got) != want {
			t.Errorf("%s: %s shows %d positions, want %d", u.Name, path, len(got), want)
		}
	}
	for _, d := range devices {
		for _, format := range []string{"/api/positions?deviceId=%d", "/api/positions?deviceId=%d&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"} {
			if u.sees(d.ID) {
				for _, id := range ids(t, u.want(200, "GET", fmt.Sprintf(format, d.ID), nil)) {
					if owner[id] != d.ID {
						t.Errorf("position %d is not of device %d", id, d.ID)
					}
				}
				continue
			}
			u.sameRefusal(t, "GET", format, d.ID, 987654, nil)
		}
	}
}

func (u *tenant) walkUsers(t *testing.T, tenants []*tenant, nobody int64) {
	if got := ids(t, u.want(200, "GET", "/api/users", nil)); !slices.Equal(got, []int64{u.ID}) {
		t.Errorf("%s sees users %v", u.Name, got)
	}
	for _, other := range tenants {
		if other == u {
			continue
		}
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			u.sameRefusal(t, method, "/api/users/%d", other.ID, nobody, map[string]any{"name": "x"})
		}
	}
}

func (u *tenant) walkAdmin(t *testing.T, devices []data.Device) {
	u.want(403, "GET", "/api/unknown-devices", nil)
	u.want(403, "POST", "/api/unknown-devices/register", map[string]any{"uniqueId": "new"})
	u.want(403, "DELETE", "/api/unknown-devices/x", nil)
	for _, d := range devices {
		u.want(403, "POST", "/api/permissions", permit(u.ID, d.ID))
		u.want(403, "DELETE", "/api/permissions", permit(u.ID, d.ID))
	}
}

// follow opens a socket of everybody, lets every device report, change and get
// a last word, and looks at every message.
func follow(t *testing.T, e *env, tenants []*tenant, devices []data.Device) {
	sockets := map[*tenant]*socket{}
	for _, u := range tenants {
		sockets[u] = u.open()
	}
	e.advance(time.Minute)
	var batch []data.Position
	for _, d := range devices {
		batch = append(batch, e.position(d.ID, 0))
	}
	e.bus.publishLive(batch...)
	for _, d := range devices {
		_ = e.bus.PublishDevice(data.DeviceChange{ID: d.ID})
	}
	// A last device, which everybody may see, marks the end.
	end := e.device("the-end")
	for _, u := range tenants {
		if err := e.store.AddLinks(t.Context(), data.UserDevice(u.ID, end.ID)); err != nil {
			t.Fatal(err)
		}
		u.devices = append(u.devices, end)
		_ = e.bus.PublishUser(data.UserChange{ID: u.ID})
	}
	_ = e.bus.PublishDevice(data.DeviceChange{ID: end.ID})
	for u, s := range sockets {
		shown := map[int64]bool{}
		for m := s.first; ; m = s.read() {
			var in struct {
				Positions []struct{ DeviceID int64 }
				Devices   []struct{ ID int64 }
			}
			if err := json.Unmarshal([]byte(m), &in); err != nil {
				t.Fatal(err)
			}
			for _, p := range in.Positions {
				u.onlyOwn(t, "socket", []int64{p.DeviceID}, false)
				shown[p.DeviceID] = true
			}
			for _, d := range in.Devices {
				u.onlyOwn(t, "socket", []int64{d.ID}, false)
			}
			if strings.Contains(m, "the-end") {
				break
			}
		}
		if len(shown) != len(u.devices)-1 {
			t.Errorf("%s: the socket showed positions of %d devices, want %d", u.Name, len(shown), len(u.devices)-1)
		}
	}
}
