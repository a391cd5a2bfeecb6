package tracking

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/gpslogger"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/overland"
	"github.com/waymark-gps/waymark/tracker/protocol/owntracks"
	"github.com/waymark-gps/waymark/tracker/protocol/phonetrack"
	"github.com/waymark-gps/waymark/tracker/protocol/ulogger"
	"github.com/waymark-gps/waymark/tracker/protocol/webhook"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

// The devices of the tests: jane and john want a token, anna does not.
const (
	jane, john, anna = "owntracks/jane/phone", "owntracks/john/phone", "anna"
	janeID, johnID   = 21, 22
)

// phones starts a tracker with the protocols of phones, HTTP and MQTT.
func phones(t *testing.T, change func(*Config, *rig)) *rig {
	t.Helper()
	token := func(text string) map[string]any { return map[string]any{tokenAttribute: text} }
	r := &rig{
		bus: &fakeBus{},
		store: &fakeStore{devices: map[string]data.Device{
			anna:                  {ID: 11, UniqueID: anna},
			jane:                  {ID: janeID, UniqueID: jane, Name: "Jane", Attributes: token("janes")},
			john:                  {ID: johnID, UniqueID: john, Name: "John", Attributes: token("johns")},
			"van":                 {ID: 23, UniqueID: "van", Attributes: token("vans")},
			"owntracks/eve/phone": {ID: 24, UniqueID: "owntracks/eve/phone", Attributes: map[string]any{"decoder.secret": "key"}},
		}, seen: map[int64]time.Time{}, unknown: map[string]bool{}},
		addr: map[string]string{},
	}
	cfg := DefaultConfig()
	cfg.Host, cfg.AnyPort = "127.0.0.1", "off"
	cfg.Ports = map[string]string{"*": "0"}
	if change != nil {
		change(&cfg, r)
	}
	now := func() time.Time { return base.Add(time.Minute) }
	tr, err := New(cfg, Deps{
		Protocols: []protocol.Protocol{
			gpslogger.Protocol(), osmand.Protocol(), overland.Protocol(), owntracks.Protocol(), phonetrack.Protocol(), ulogger.Protocol(), webhook.Protocol(),
		},
		Devices: r.store, Store: r.store, Bus: r.store, Publisher: r.bus,
		Friends: NewFriends(family{}, family{}, now),
		Log:     slog.New(slog.DiscardHandler), Metrics: metric.NewSet(), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.run(t, tr)
	return r
}

// family knows users and links: 1 sees jane and john, 2 the van, 3, who is
// disabled, everything, and 4 sees john and the outer group. Eve is in the inner
// one of two groups.
type family struct{ storage.Objects }

const outerID, innerID = 31, 32

func (family) User(_ context.Context, id int64) (data.User, error) {
	return data.User{ID: id, Disabled: id == 3}, nil
}

func (family) Device(_ context.Context, id int64) (data.Device, error) {
	d := data.Device{ID: id}
	if id == 24 {
		d.GroupID = innerID
	}
	return d, nil
}

var familyLinks = map[int64]map[data.ObjectKind][]int64{
	1: {data.DeviceKind: {janeID, johnID}}, 2: {data.DeviceKind: {23}}, 3: {data.DeviceKind: {11, janeID, johnID, 23, 24}},
	4: {data.DeviceKind: {johnID}, data.GroupKind: {outerID}},
}

func (family) ListLinks(_ context.Context, f storage.LinkFilter) (out []data.Link, err error) {
	for user, kinds := range familyLinks {
		for _, id := range kinds[f.Property] {
			if slices.Contains(f.PropertyIDs, id) {
				out = append(out, data.Link{Owner: data.UserKind, OwnerID: user, Property: f.Property, PropertyID: id})
			}
		}
	}
	return out, nil
}

func (family) LinkedIDs(_ context.Context, owner data.ObjectKind, users []int64) (map[data.ObjectKind][]int64, error) {
	if owner != data.UserKind {
		return nil, nil
	}
	out := map[data.ObjectKind][]int64{}
	for _, user := range users {
		for kind, ids := range familyLinks[user] {
			out[kind] = append(out[kind], ids...)
		}
	}
	return out, nil
}

func (family) Documents(context.Context, storage.ObjectFilter) ([]data.Document, error) {
	return []data.Document{
		{Kind: data.GroupKind, ID: outerID, Body: []byte("{}")},
		{Kind: data.GroupKind, ID: innerID, GroupID: outerID, Body: []byte("{}")},
	}, nil
}

func (family) Server(context.Context) (data.Server, error) { return data.Server{}, nil }

func (family) GroupedDeviceIDs(_ context.Context, ids []int64) ([]int64, error) {
	if slices.Contains(ids, innerID) {
		return []int64{24}, nil
	}
	return nil, nil
}

func (family) ListDevices(_ context.Context, f storage.DeviceFilter) (out []data.Device, err error) {
	for _, id := range f.IDs {
		out = append(out, data.Device{ID: id, UniqueID: map[int64]string{janeID: jane, johnID: john, 23: "van", 24: "owntracks/eve/phone"}[id], Name: map[int64]string{janeID: "Jane", johnID: "John", 24: "Eve"}[id]})
	}
	return out, nil
}

func (family) Get(_ context.Context, id int64) (data.Position, bool, error) {
	return data.Position{DeviceID: id, FixTime: base, Latitude: float64(id), Longitude: 1}, true, nil
}

// ask sends a request to the shared port; headers are "Name: value".
func (r *rig) ask(t *testing.T, method, path, body string, headers ...string) (status int, answer string, header http.Header) {
	t.Helper()
	q, err := http.NewRequest(method, "http://"+r.addr["osmand/http"]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			q.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

const (
	asForm = "Content-Type: application/x-www-form-urlencoded"
	asJSON = "Content-Type: application/json"
)

// One address serves every app.
func TestSharedPort(t *testing.T) {
	r := phones(t, nil)
	for _, c := range []struct{ want, path, body, kind, answer string }{
		{"osmand", "/?id=anna&lat=1&lon=2", "", "", ""},
		{"osmand", "/", `{"device_id":"anna","location":{"coords":{"latitude":1,"longitude":2}}}`, asJSON, ""},
		{"overland", "/", `{"locations":[{"geometry":{"coordinates":[2,1]},"properties":{"device_id":"anna"}}]}`, asJSON, `{"result":"ok"}`},
		{"owntracks", "/", `{"_type":"location","topic":"anna","lat":1,"lon":2,"tst":1780302600}`, asJSON, "[]"},
		{"gpslogger", "/gpslogger/anna", "lat=1&lon=2", asForm, ""},
		{"gpslogger", "/api/webhook/anna", "latitude=1&longitude=2", asForm, ""},
		{"webhook", "/api/webhook/anna", `{"type":"update_location","data":{"gps":[1,2]}}`, asJSON, "{}"},
		{"phonetrack", "/apps/phonetrack/log/gpslogger/x/anna?lat=1&lon=2", "", "", "{}"},
	} {
		before := len(r.bus.positions())
		status, answer, _ := r.ask(t, "POST", c.path, c.body, c.kind)
		if status != 200 || answer != c.answer {
			t.Errorf("%s: %d %q", c.path, status, answer)
			continue
		}
		all := r.bus.positions()
		if len(all) != before+1 || all[before].Protocol != c.want || all[before].DeviceID != 11 || all[before].Latitude != 1 || all[before].Longitude != 2 {
			t.Errorf("%s: want %s, %+v", c.path, c.want, all[before:])
		}
	}
}

// A protocol that is named off serves nobody, on no port.
func TestSharedPortOff(t *testing.T) {
	r := phones(t, func(c *Config, _ *rig) { c.Ports["gpslogger"] = "off" })
	if status, _, _ := r.ask(t, "POST", "/gpslogger/anna", "lat=1&lon=2", asForm); status != 400 || len(r.bus.positions()) != 0 {
		t.Errorf("status %d", status)
	}
}

func TestULogger(t *testing.T) {
	r := phones(t, nil)
	const path = "/client/index.php"
	if status, answer, _ := r.ask(t, "POST", path, "action=auth&user=van&pass=wrong", asForm); status != 401 || !strings.Contains(answer, `"error":true`) {
		t.Errorf("wrong password: %d %s", status, answer)
	}
	status, answer, header := r.ask(t, "POST", path, "action=auth&user=van&pass=vans", asForm)
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	if status != 200 || answer != `{"error":false}` || cookie == "" {
		t.Fatalf("%d %s %v", status, answer, header)
	}
	status, answer, _ = r.ask(t, "POST", path, "action=addpos&lat=1&lon=2&time=1780302600&trackid=1", asForm, "Cookie: "+cookie)
	if all := r.bus.positions(); status != 200 || answer != `{"error":false}` || len(all) != 1 || all[0].DeviceID != 23 {
		t.Errorf("%d %s %+v", status, answer, all)
	}
}

// A device with a token is answered as a stranger until the token is right.
func TestToken(t *testing.T) {
	r := phones(t, nil)
	const form, js = "lat=1&lon=2&id=", `{"_type":"location","lat":1,"lon":2,"tst":1780302600,"topic":"`
	for name, c := range map[string]struct {
		path, body string
		headers    []string
	}{
		"form":  {"/?" + form + "ID", "", nil},
		"wrong": {"/?" + form + "ID&token=wrong", "", nil},
		"basic": {"/?" + form + "ID", "", []string{"Authorization: Basic dmFuOndyb25n"}},
		"json":  {"/", js + `ID"}`, []string{asJSON}},
		"path":  {"/apps/phonetrack/log/gpslogger/wrong/ID?lat=1&lon=2", "", nil},
		"batch": {"/overland/ID", `{"locations":[{"geometry":{"coordinates":[2,1]}}]}`, []string{asJSON, "Authorization: Bearer wrong"}},
	} {
		ask := func(id string) (int, string) {
			put := func(s string) string { return strings.ReplaceAll(s, "ID", id) }
			status, answer, _ := r.ask(t, "POST", put(c.path), put(c.body), c.headers...)
			return status, strings.ReplaceAll(answer, id, "ID")
		}
		status, answer := ask("van")
		if strangerStatus, strangerAnswer := ask("nobody"); status == 200 || status != strangerStatus || answer != strangerAnswer {
			t.Errorf("%s: %d %q, a stranger %d %q", name, status, answer, strangerStatus, strangerAnswer)
		}
	}
	if got := r.bus.positions(); len(got) != 0 {
		t.Fatalf("positions without the token: %+v", got)
	}
	for i, c := range []struct {
		path    string
		headers []string
	}{
		{"/?" + form + "van&token=vans", nil},
		{"/?" + form + "van", []string{"Authorization: Basic dmFuOnZhbnM="}},
		{"/?" + form + "van", []string{"Authorization: Bearer vans"}},
		{"/apps/phonetrack/log/gpslogger/vans/van?lat=1&lon=2", nil},
	} {
		if status, answer, _ := r.ask(t, "GET", c.path, "", c.headers...); status != 200 || len(r.bus.positions()) != i+1 {
			t.Errorf("%s %v: %d %s", c.path, c.headers, status, answer)
		}
	}
	r.stop()
	for _, s := range r.store.strangers {
		if s.UniqueID != "nobody" || strings.Contains(string(s.LastFrame), "wrong") {
			t.Errorf("stranger %+v, frame %s", s, s.LastFrame)
		}
	}
}

func TestEncryptedOverHTTP(t *testing.T) {
	r := phones(t, nil)
	body := sealed(t, "key", `{"_type":"location","lat":1,"lon":2,"tst":1780302600}`)
	user := []string{asJSON, "X-Limit-U: eve", "X-Limit-D: phone"}
	if status, answer, _ := r.ask(t, "POST", "/", body, user...); status != 200 || answer != "[]" {
		t.Fatalf("%d %s", status, answer)
	}
	if all := r.bus.positions(); len(all) != 1 || all[0].DeviceID != 24 || all[0].Latitude != 1 {
		t.Errorf("%+v", all)
	}
	if status, answer, _ := r.ask(t, "POST", "/", sealed(t, "other", "{}"), user...); status != 400 || !strings.Contains(answer, "decoder.secret") {
		t.Errorf("%d %s", status, answer)
	}
}

// Friends are those of the users that see the device, for who proves to be it.
func TestFriendsOverHTTP(t *testing.T) {
	r := phones(t, nil)
	ask := func(id, password string) string {
		t.Helper()
		_, answer, _ := r.ask(t, "POST", "/pub", `{"_type":"location","lat":1,"lon":2,"tst":1780302600,"topic":"`+id+`"}`, asJSON, "Authorization: Bearer "+password)
		return answer
	}
	answer := ask(jane, "janes")
	for _, want := range []string{`"_type":"location"`, `"_type":"card"`, `"name":"John"`, `"lat":22`} {
		if !strings.Contains(answer, want) {
			t.Errorf("jane is not told %s: %s", want, answer)
		}
	}
	for _, secret := range []string{"Jane", "Eve", "van"} {
		if strings.Contains(answer, secret) {
			t.Errorf("jane is told of %s: %s", secret, answer)
		}
	}
	if answer := ask(john, "johns"); !strings.Contains(answer, "Jane") || !strings.Contains(answer, "Eve") || strings.Contains(answer, "van") {
		t.Errorf("john is told %s", answer)
	}
	// eve has no token: anybody could say to be her.
	if answer := ask("owntracks/eve/phone", ""); answer != "[]" {
		t.Errorf("anybody is told %s", answer)
	}
	if answer := ask(jane, "wrong"); strings.Contains(answer, "John") {
		t.Errorf("with a wrong password: %s", answer)
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string]string{
		"id=1&token=abc&lat=2":                         "id=1&token=***&lat=2",
		"action=auth&user=u&pass=abc":                  "action=auth&user=u&pass=***",
		`{"a":1,"password":"a\"bc","b":2}`:             `{"a":1,"password":***,"b":2}`,
		`{"Token": "abc"}`:                             `{"Token": ***}`,
		"GET /apps/phonetrack/log/gpslogger/abc/n?a=1": "GET /apps/phonetrack/log/gpslogger/***/n?a=1",
		"GET /apps/phonetrack/logGet/abc/n":            "GET /apps/phonetrack/logGet/***/n",
		"compass=12&passenger=2":                       "compass=12&passenger=2",
	} {
		if have := string(masked([]byte(text))); have != want {
			t.Errorf("%s: %s, want %s", text, have, want)
		}
	}
}
