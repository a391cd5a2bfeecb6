package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

func recorded(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestDevices(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	made := c.want(200, "POST", "/api/devices", map[string]any{
		"name": " Van ", "uniqueId": "860001", "phone": "+31", "model": "GT06", "category": "van", "attributes": map[string]any{"decoder.model": "x"},
	})
	var d map[string]any
	if err := json.Unmarshal([]byte(made), &d); err != nil {
		t.Fatal(err)
	}
	id := int64(d["id"].(float64))
	path := fmt.Sprintf("/api/devices/%d", id)
	if d["name"] != "Van" || d["status"] != "unknown" || d["contact"] != nil {
		t.Errorf("made %s", made)
	}
	if got := c.want(200, "GET", path, nil); got != made {
		t.Errorf("read back %s", got)
	}
	if seen := e.bus.seen[len(e.bus.seen)-1]; seen != (data.DeviceChange{ID: id, UniqueID: "860001"}) {
		t.Errorf("announced %+v", seen)
	}
	if body := c.want(400, "POST", "/api/devices", map[string]any{"name": "x", "uniqueId": "860001"}); !strings.Contains(body, "860001") {
		t.Errorf("taken: %s", body)
	}
	// The whole object comes back, computed fields included; null empties.
	d["name"], d["uniqueId"], d["phone"], d["status"] = "Bus", "860002", nil, "online"
	changed := c.want(200, "PUT", path, d)
	for _, part := range []string{`"name":"Bus"`, `"uniqueId":"860002"`, `"phone":null`, `"model":"GT06"`, `"status":"unknown"`, `"decoder.model":"x"`} {
		if !strings.Contains(changed, part) {
			t.Errorf("after the change %s lacks %s", changed, part)
		}
	}
	if seen := e.bus.seen[len(e.bus.seen)-1]; seen != (data.DeviceChange{ID: id, UniqueID: "860002", OldUniqueID: "860001"}) {
		t.Errorf("announced %+v", seen)
	}
	if got := c.want(200, "PUT", path, `{"disabled":true,"attributes":null}`); !strings.Contains(got, `"disabled":true`) || !strings.Contains(got, `"name":"Bus"`) || !strings.Contains(got, `"attributes":{}`) {
		t.Errorf("a part of the object: %s", got)
	}
	c.want(400, "PUT", path, map[string]any{"id": id + 1, "name": "x"})
	for _, p := range []string{"/api/devices/999", "/api/devices/0", "/api/devices/-1", "/api/devices/x", "/api/devices/99999999999999999999"} {
		c.want(404, "GET", p, nil)
		admin.want(404, "GET", p, nil)
	}
	admin.want(204, "DELETE", path, nil)
	if seen := e.bus.seen[len(e.bus.seen)-1]; !seen.Removed || seen.ID != id {
		t.Errorf("announced %+v", seen)
	}
	c.want(404, "GET", path, nil)
	c.want(404, "DELETE", path, nil)
}

func TestDeviceLists(t *testing.T) {
	e := newEnv(t)
	root, ann, bob := e.user("root", true), e.user("ann", false), e.user("bob", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	a1, a2, b1, free := e.device("alpha", ann), e.device("Beta", ann), e.device("gamma", bob), e.device("delta")
	all := []int64{a2.ID, a1.ID, free.ID, b1.ID} // by name; which case goes first is the store's
	for query, want := range map[string][][]int64{
		"":                              {all, {a2.ID, a1.ID}},
		"?all=true":                     {all, {a2.ID, a1.ID}},
		"?userId=" + fmt.Sprint(ann.ID): {{a2.ID, a1.ID}, {a2.ID, a1.ID}},
		"?userId=" + fmt.Sprint(bob.ID): {{b1.ID}, nil},
		fmt.Sprintf("?id=%d&id=%d", a1.ID, b1.ID):         {{a1.ID, b1.ID}, {a1.ID}},
		"?uniqueId=id-alpha&uniqueId=id-gamma":            {{a1.ID, b1.ID}, {a1.ID}},
		"?keyword=ETA":                                    {{a2.ID}, {a2.ID}},
		"?keyword=id-g":                                   {{b1.ID}, {}},
		"?id=999":                                         {{}, {}},
		"?excludeAttributes=true&groupId=0&keyword=alpha": {{a1.ID}, {a1.ID}},
	} {
		got := ids(t, admin.want(200, "GET", "/api/devices"+query, nil))
		slices.Sort(got)
		slices.Sort(want[0])
		if !slices.Equal(got, want[0]) {
			t.Errorf("administrator %s: %v, want %v", query, got, want[0])
		}
		if want[1] == nil {
			c.want(404, "GET", "/api/devices"+query, nil)
			continue
		}
		got = ids(t, c.want(200, "GET", "/api/devices"+query, nil))
		slices.Sort(got)
		slices.Sort(want[1])
		if !slices.Equal(got, want[1]) {
			t.Errorf("ann %s: %v, want %v", query, got, want[1])
		}
	}
	first := ids(t, admin.want(200, "GET", "/api/devices?limit=3", nil))
	rest := ids(t, admin.want(200, "GET", "/api/devices?limit=3&offset=3", nil))
	whole := ids(t, admin.want(200, "GET", "/api/devices", nil))
	if !slices.Equal(append(first, rest...), whole) || len(first) != 3 {
		t.Errorf("pages %v and %v of %v", first, rest, whole)
	}
	for _, query := range []string{"?id=x", "?limit=-1", "?offset=x", "?userId=x", "?all=maybe", "?id=1&uniqueId=x", "?id=%zz", "?" + strings.Repeat("id=1&", maxQueryIDs+1)} {
		c.want(400, "GET", "/api/devices"+query, nil)
	}
}

// crowd is a store with a large fleet in front of it: storing one takes the
// disk longer than listing it takes us.
type crowd struct {
	storage.Store
	devices []data.Device
}

func (c *crowd) ListDevices(context.Context, storage.DeviceFilter) ([]data.Device, error) {
	return c.devices, nil
}

func TestTenThousandDevices(t *testing.T) {
	fleet := &crowd{}
	for i := range int64(10_000) {
		fleet.devices = append(fleet.devices, data.Device{ID: i + 1, Name: fmt.Sprintf("Truck %05d", i), UniqueID: fmt.Sprint(860000000000000 + i)})
	}
	e := newEnvWith(t, func(s storage.Store) storage.Store { fleet.Store = s; return fleet })
	c := e.client().signIn(e.user("ann", false))
	if got := ids(t, c.want(200, "GET", "/api/devices", nil)); len(got) != len(fleet.devices) || got[9999] != 10_000 {
		t.Fatalf("%d devices", len(got))
	}
	zipped := c.do("GET", "/api/devices", nil, "Accept-Encoding", "gzip")
	plain := c.do("GET", "/api/devices", nil, "Accept-Encoding", "identity")
	if zipped.header.Get("Content-Encoding") != "gzip" || len(zipped.body)*4 > len(plain.body) {
		t.Errorf("compressed to %d of %d bytes", len(zipped.body), len(plain.body))
	}
	if small := c.do("GET", "/api/session", nil, "Accept-Encoding", "gzip"); small.header.Get("Content-Encoding") != "" {
		t.Error("a small answer is compressed")
	}
}

func TestPermissions(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	d := e.device("d")
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	link := permit(ann.ID, d.ID)
	path := fmt.Sprintf("/api/devices/%d", d.ID)
	c.want(404, "GET", path, nil)
	c.want(403, "POST", "/api/permissions", link)
	admin.want(204, "POST", "/api/permissions", link)
	admin.want(204, "POST", "/api/permissions", link)
	c.want(200, "GET", path, nil)
	c.want(403, "DELETE", "/api/permissions", link)
	admin.want(204, "DELETE", "/api/permissions", link)
	admin.want(204, "DELETE", "/api/permissions", link)
	c.want(404, "GET", path, nil)
	admin.want(404, "POST", "/api/permissions", permit(ann.ID, 999))
	admin.want(404, "POST", "/api/permissions", permit(999, d.ID))
	for _, body := range []string{`{}`, `{"userId":1}`, `{"groupId":1,"deviceId":2}`, `{"deviceId":2,"userId":1}`, `{"userId":1,"deviceId":2,"x":3}`, `{"userId":"one","deviceId":2}`, `{"userId":0,"deviceId":2}`, `[]`, `null`} {
		admin.want(400, "POST", "/api/permissions", body)
	}
	if body := admin.want(400, "POST", "/api/permissions", `{"userId":1,"horseId":2}`); !strings.Contains(body, `{"userId":1,"deviceId":2}`) {
		t.Errorf("the text does not say what to send: %s", body)
	}
}

func TestUnknownDevices(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	see := func(ids ...string) {
		for _, id := range ids {
			if err := e.store.RecordUnknownDevices(t.Context(), []data.UnknownDevice{{UniqueID: id, Protocol: "gt06", FirstSeen: e.clock(), LastSeen: e.clock(), Count: 1}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	see("860001", "a/b c%", "860002")
	for _, try := range [][2]string{{"GET", "/api/unknown-devices"}, {"POST", "/api/unknown-devices/register"}, {"DELETE", "/api/unknown-devices/860001"}} {
		c.want(403, try[0], try[1], nil)
		e.client().want(401, try[0], try[1], nil)
	}
	made := admin.want(200, "POST", "/api/unknown-devices/register", map[string]any{"uniqueId": "860001", "protocol": "gt06", "name": "Van"})
	if !strings.Contains(made, `"name":"Van","uniqueId":"860001"`) {
		t.Errorf("registered %s", made)
	}
	if seen := e.bus.seen[len(e.bus.seen)-1]; seen.UniqueID != "860001" {
		t.Errorf("announced %+v", seen)
	}
	admin.want(400, "POST", "/api/unknown-devices/register", map[string]any{"uniqueId": "860001"})
	admin.want(400, "POST", "/api/unknown-devices/register", map[string]any{"name": "x"})
	admin.want(204, "DELETE", "/api/unknown-devices/"+url.PathEscape("a/b c%"), nil)
	if body := admin.want(200, "GET", "/api/unknown-devices", nil); strings.Contains(body, "860001") || strings.Contains(body, "a/b") || !strings.Contains(body, "860002") {
		t.Errorf("left: %s", body)
	}
}

func TestTelegram(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	c := e.client().signIn(u)
	if body := c.want(409, "POST", "/api/telegram/link", nil); !strings.Contains(body, "bot") {
		t.Errorf("without a bot: %s", body)
	}
	e.bot = "waymark_bot"
	var invite struct{ URL, Code, ExpiresAt string }
	if err := json.Unmarshal([]byte(c.want(200, "POST", "/api/telegram/link", nil)), &invite); err != nil {
		t.Fatal(err)
	}
	if invite.URL != "https://t.me/waymark_bot?start="+invite.Code || invite.ExpiresAt != "2026-03-01T12:10:00.000+00:00" {
		t.Errorf("invite %+v", invite)
	}
	owner, err := e.store.UseTelegramCode(t.Context(), codeHash(invite.Code), data.TelegramAccount{TelegramID: 7, Name: "Ann T", LinkedAt: e.clock()}, e.clock())
	if err != nil || owner.ID != u.ID {
		t.Fatalf("the code belongs to %d: %v", owner.ID, err)
	}
	if got := c.want(200, "GET", "/api/telegram/link", nil); got != `{"connected":true,"name":"Ann T"}` {
		t.Errorf("linked: %s", got)
	}
	c.want(204, "DELETE", "/api/telegram/link", nil)
	if got := c.want(200, "GET", "/api/telegram/link", nil); got != `{"connected":false,"name":""}` {
		t.Errorf("unlinked: %s", got)
	}
	if strings.Contains(e.logged(), invite.Code) {
		t.Error("the code is in the log")
	}
}

// TestSecretsAreForEditors: who may look at a device and not change it does not
// read what lets one speak as it.
func TestSecretsAreForEditors(t *testing.T) {
	e := newEnv(t)
	u, looker, guard := e.user("ann", false), e.user("bob", false), e.user("eve", false)
	d := e.device("d", u, looker, guard)
	d.Attributes = map[string]any{
		"ingest.token": "hush-1", "devicePassword": "hush-2", "decoder.password": "hush-3", "decoder.secret": "hush-4", "colour": "red",
	}
	if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	looker.DeviceReadonly, guard.Readonly = true, true
	for _, u := range []*data.User{&looker, &guard} {
		if err := e.store.UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/api/devices", fmt.Sprintf("/api/devices/%d", d.ID)} {
		if got := e.client().signIn(u).want(200, "GET", path, nil); strings.Count(got, "hush-") != 4 {
			t.Errorf("who may change it is told %s", got)
		}
		for _, u := range []data.User{looker, guard} {
			if got := e.client().signIn(u).want(200, "GET", path, nil); strings.Contains(got, "hush-") || !strings.Contains(got, `"colour":"red"`) {
				t.Errorf("%s is told %s", u.Name, got)
			}
		}
	}
}
