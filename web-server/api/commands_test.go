package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// newCommandEnv starts a server that gives a command little time to leave:
// nobody is there who would send it.
func newCommandEnv(t *testing.T) *env {
	e := newEnv(t)
	e.server.sentWait = 20 * time.Millisecond
	return e
}

// aTracker plays a tracker that is connected to some devices: it takes their
// commands as soon as it hears of them.
func (e *env) aTracker(devices ...data.Device) {
	e.t.Helper()
	holds := map[int64]bool{}
	for _, d := range devices {
		holds[d.ID] = true
		if err := e.store.TouchDevices(e.t.Context(), map[int64]time.Time{d.ID: e.clock()}); err != nil {
			e.t.Fatal(err)
		}
	}
	_, err := e.bus.SubscribeCommands(func(c data.CommandChange) {
		if c.State != data.CommandQueued || !holds[c.DeviceID] {
			return
		}
		e.step(c.ID, data.CommandStep{State: data.CommandSent, Time: e.clock(), Owner: "t"})
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// step is what a tracker does to a command.
func (e *env) step(id int64, step data.CommandStep) {
	e.t.Helper()
	c, err := e.store.ChangeCommand(e.t.Context(), id, data.OpenCommandStates, step)
	if err != nil {
		e.t.Error(err)
		return
	}
	if err := e.bus.PublishCommand(c.Change()); err != nil {
		e.t.Error(err)
	}
}

// speed stores a position of now with a speed.
func (e *env) speed(d data.Device, kmh float64) {
	e.t.Helper()
	at := e.clock()
	list := []data.Position{{
		DeviceID: d.ID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true,
		Latitude: 52.1, Longitude: 4.3, SpeedKnots: kmh / 1.852,
	}}
	if err := e.store.InsertPositions(e.t.Context(), list, []uint64{list[0].Fingerprint()}, nil); err != nil {
		e.t.Fatal(err)
	}
	e.advance(time.Second)
}

func body(deviceID int64, kind, attributes string) string {
	return fmt.Sprintf(`{"deviceId":%d,"type":%q,"attributes":{%s}}`, deviceID, kind, attributes)
}

func idOf(t *testing.T, object string) int64 {
	t.Helper()
	var o struct{ ID int64 }
	if err := json.Unmarshal([]byte(object), &o); err != nil {
		t.Fatalf("%v in %s", err, object)
	}
	return o.ID
}

func TestCommandTypes(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	c := e.client().signIn(u)
	silent, known := e.device("silent", u), e.device("known", u)
	e.position(known.ID, 0)
	for id, want := range map[int64]string{
		silent.ID: `[{"type":"custom"}]`,
		known.ID:  `[{"type":"custom"},{"type":"engineStop"},{"type":"engineResume"},{"type":"positionSingle"}]`,
	} {
		if got := c.want(200, "GET", fmt.Sprintf("/api/commands/types?deviceId=%d&textChannel=false", id), nil); got != want {
			t.Errorf("types %s, want %s", got, want)
		}
	}
	if got := c.want(200, "GET", "/api/commands/types", nil); !strings.Contains(got, `{"type":"engineStop"}`) {
		t.Errorf("every type there is: %s", got)
	}
}

func TestSendCommand(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	c := e.client().signIn(u)
	away, here := e.device("away", u), e.device("here", u)
	e.aTracker(here)
	e.position(here.ID, 0)

	got := c.want(202, "POST", "/api/commands/send", body(away.ID, "custom", `"data":"WHERE#","devicePassword":"777"`))
	waiting := idOf(t, got)
	if want := fmt.Sprintf(`{"id":%d,"attributes":{"data":"WHERE#"},"deviceId":%d,"type":"custom","textChannel":false}`, waiting, away.ID); got != want {
		t.Errorf("queued %s, want %s", got, want)
	}
	stored, err := e.store.Command(t.Context(), waiting)
	if err != nil || stored.UserID != u.ID || !stored.ExpiresAt.Equal(e.clock().Add(time.Hour)) || stored.Attributes.Get("devicePassword").String() != "777" {
		t.Errorf("stored as %+v, %v", stored, err)
	}

	got = c.want(200, "POST", "/api/commands/send", body(here.ID, "positionSingle", ""))
	sent := idOf(t, got)
	if want := fmt.Sprintf(`{"id":%d,"attributes":{},"deviceId":%d,"type":"positionSingle","textChannel":false,"description":null}`, sent, here.ID); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}

	at := "2026-03-01T12:00:00.000+00:00"
	want := fmt.Sprintf(`{"id":%d,"attributes":{},"deviceId":%d,"type":"positionSingle","textChannel":false,"userId":%d,"state":"sent","text":"",`+
		`"afterReport":false,"createTime":%q,"sendTime":%q,"changeTime":%q,"expirationTime":"2026-03-01T13:00:00.000+00:00"`, sent, here.ID, u.ID, at, at, at)
	if got := c.want(200, "GET", fmt.Sprintf("/api/commands/queue?deviceId=%d", here.ID), nil); got != "["+want+"}]" {
		t.Errorf("queue\n got %s\nwant [%s}]", got, want)
	}
	want += fmt.Sprintf(`,"history":[{"state":"queued","time":%q,"text":""},{"state":"sent","time":%q,"text":""}]}`, at, at)
	if got := c.want(200, "GET", fmt.Sprintf("/api/commands/queue/%d", sent), nil); got != want {
		t.Errorf("history\n got %s\nwant %s", got, want)
	}
	if got := ids(t, c.want(200, "GET", "/api/commands/queue", nil)); len(got) != 2 || got[0] != sent {
		t.Errorf("queue of all devices %v", got)
	}
	if got := ids(t, c.want(200, "GET", "/api/commands/queue?state=queued,failed", nil)); len(got) != 1 || got[0] != waiting {
		t.Errorf("queued %v", got)
	}

	for what, refused := range map[string]struct {
		body string
		says string
	}{
		"no device":         {`{"type":"custom"}`, "deviceId"},
		"no type":           {fmt.Sprintf(`{"deviceId":%d}`, away.ID), "type"},
		"unknown type":      {body(here.ID, "requestPhoto", ""), "know: custom, engineStop"},
		"SMS":               {fmt.Sprintf(`{"deviceId":%d,"type":"custom","textChannel":true}`, away.ID), "SMS"},
		"bad ttl":           {body(away.ID, "custom", `"ttl":0`), "ttl"},
		"nested attributes": {body(away.ID, "custom", `"data":{"a":1}`), "JSON object"},
		"huge":              {body(away.ID, "custom", `"data":"`+strings.Repeat("x", maxCommandAttributes)+`"`), "longer"},
		"not to wait":       {body(away.ID, "custom", `"noQueue":true`), "noQueue"},
	} {
		if got := c.want(400, "POST", "/api/commands/send", refused.body); !strings.Contains(got, refused.says) {
			t.Errorf("%s: %s", what, got)
		}
	}
	c.want(400, "POST", "/api/commands/send?groupId=1", body(away.ID, "custom", ""))
	c.want(202, "POST", "/api/commands/send", body(away.ID, "custom", `"ttl":60,"afterReport":true`))
	c.want(200, "POST", "/api/commands/send", body(here.ID, "custom", `"noQueue":true`))
	list, err := e.store.ListCommands(t.Context(), storage.CommandFilter{DeviceIDs: []int64{away.ID}})
	if err != nil || len(list) != 3 || list[1].State != data.CommandCancelled || !list[2].AfterReport || !list[2].ExpiresAt.Equal(e.clock().Add(time.Minute)) {
		t.Errorf("commands %+v, %v", list, err)
	}
}

// A command that a tracker refuses is no success.
func TestCommandFailsAtOnce(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	d := e.device("car", u)
	if err := e.store.TouchDevices(t.Context(), map[int64]time.Time{d.ID: e.clock()}); err != nil {
		t.Fatal(err)
	}
	e.bus.SubscribeCommands(func(c data.CommandChange) {
		if c.State == data.CommandQueued {
			e.step(c.ID, data.CommandStep{State: data.CommandFailed, Time: e.clock(), Text: "no such word"})
		}
	})
	if got := e.client().signIn(u).want(400, "POST", "/api/commands/send", body(d.ID, "custom", "")); !strings.Contains(got, "no such word") {
		t.Errorf("answer %s", got)
	}
}

func TestCancelCommand(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	c := e.client().signIn(u)
	d := e.device("car", u)
	id := idOf(t, c.want(202, "POST", "/api/commands/send", body(d.ID, "custom", "")))
	path := fmt.Sprintf("/api/commands/queue/%d", id)
	c.want(204, "DELETE", path, nil)
	if got := c.want(400, "DELETE", path, nil); !strings.Contains(got, "taken back") {
		t.Errorf("again: %s", got)
	}
	if got := c.want(200, "GET", path, nil); !strings.Contains(got, `"state":"cancelled"`) {
		t.Errorf("shown as %s", got)
	}
	log, err := e.store.ListAudit(t.Context(), storage.AuditFilter{ObjectType: "command", ObjectID: id})
	if err != nil || len(log) != 3 {
		t.Fatalf("audit %+v, %v", log, err)
	}
	for i, action := range []string{"cancel", "cancel", "send"} {
		if l := log[i]; l.Action != action || l.UserID != u.ID || l.Address != "127.0.0.1" || !l.Time.Equal(e.clock()) || l.Attributes["type"] != "custom" {
			t.Errorf("audit entry %+v, want %s", l, action)
		}
	}
}

func TestEngineStopInterlock(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	c := e.client().signIn(u)
	d := e.device("car", u)
	send := func(code int, kind, attributes string) string {
		t.Helper()
		return c.want(code, "POST", "/api/commands/send", body(d.ID, kind, attributes))
	}
	refused := func(why string) {
		t.Helper()
		for _, s := range []string{send(400, "engineStop", ""), send(400, "custom", `"data":"DYD#","interlock":true`)} {
			if !strings.Contains(s, why) || !strings.Contains(s, "force") {
				t.Errorf("refused with %q, want %q", s, why)
			}
		}
	}
	refused("not known")
	e.speed(d, 30)
	refused("30 km/h")
	send(202, "custom", `"data":"X"`)
	send(202, "engineResume", "")
	forced := idOf(t, send(202, "engineStop", `"force":true`))
	e.speed(d, 19)
	stop := idOf(t, send(202, "engineStop", ""))
	e.advance(data.InterlockAge)
	refused("not known")
	d.Attributes = map[string]any{"interlockSpeed": 60.0}
	if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	e.speed(d, 50)
	send(202, "engineStop", "")
	for id, want := range map[int64]float64{forced: 0, stop: 20} {
		q, err := e.store.Command(t.Context(), id)
		if err != nil || q.InterlockKmh != want || !q.ExpiresAt.Equal(q.CreatedAt.Add(data.EngineStopTTL)) {
			t.Errorf("stored as %+v, %v", q, err)
		}
	}
	log, err := e.store.ListAudit(t.Context(), storage.AuditFilter{ObjectType: "command", ObjectID: forced})
	if err != nil || len(log) != 1 || log[0].Attributes["forced"] != true {
		t.Errorf("audit %+v, %v", log, err)
	}
	all, err := e.store.ListAudit(t.Context(), storage.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, entry := range all {
		count[entry.Action]++
	}
	if count["send"] != 5 || count["refuse"] != 6 {
		t.Errorf("audit %v", count)
	}
}

// TestCommandIsolation walks every address with what belongs to somebody else.
func TestCommandIsolation(t *testing.T) {
	e := newCommandEnv(t)
	ada, bob := e.user("ada", false), e.user("bob", false)
	car, van := e.device("car", ada), e.device("van", bob)
	c, b := e.client().signIn(ada), e.client().signIn(bob)
	queued := idOf(t, c.want(202, "POST", "/api/commands/send", body(car.ID, "custom", `"data":"secret"`)))
	saved := idOf(t, c.want(200, "POST", "/api/commands", `{"type":"custom","attributes":{"data":"secret"}}`))
	b.want(202, "POST", "/api/commands/send", body(van.ID, "custom", ""))
	const missing = 987654
	u := &tenant{User: bob, client: b, devices: []data.Device{van}}
	for _, path := range []string{"/api/commands/types?deviceId=%d", "/api/commands/send?deviceId=%d", "/api/commands?deviceId=%d", "/api/commands/queue?deviceId=%d"} {
		u.sameRefusal(t, "GET", path, car.ID, missing, nil)
	}
	u.sameRefusal(t, "GET", "/api/commands?userId=%d", ada.ID, missing, nil)
	for _, method := range []string{"GET", "DELETE"} {
		u.sameRefusal(t, method, "/api/commands/queue/%d", queued, missing, nil)
		u.sameRefusal(t, method, "/api/commands/%d", saved, missing, nil)
	}
	u.sameRefusal(t, "PUT", "/api/commands/%d", saved, missing, `{"description":"x"}`)
	for _, pair := range [][2]string{
		{body(car.ID, "custom", ""), body(missing, "custom", "")},
		{fmt.Sprintf(`{"id":%d,"deviceId":%d}`, saved, van.ID), fmt.Sprintf(`{"id":%d,"deviceId":%d}`, missing, van.ID)},
	} {
		foreign, none := b.do("POST", "/api/commands/send", pair[0]), b.do("POST", "/api/commands/send", pair[1])
		if foreign.code != 404 || foreign.code != none.code || foreign.body != none.body {
			t.Errorf("%s: %d %q, a missing one %d %q", pair[0], foreign.code, foreign.body, none.code, none.body)
		}
	}
	b.want(404, "POST", "/api/commands", fmt.Sprintf(`{"type":"custom","deviceId":%d}`, car.ID))
	b.want(403, "POST", "/api/permissions", fmt.Sprintf(`{"userId":%d,"commandId":%d}`, bob.ID, saved))
	for path, n := range map[string]int{"/api/commands": 0, "/api/commands?all=true": 0, "/api/commands/queue": 1, "/api/commands/queue?state=queued&limit=1000": 1} {
		if got := b.want(200, "GET", path, nil); len(ids(t, got)) != n || strings.Contains(got, "secret") {
			t.Errorf("%s shows %s", path, got)
		}
	}
	list, err := e.store.ListCommands(t.Context(), storage.CommandFilter{DeviceIDs: []int64{car.ID}})
	if err != nil || len(list) != 1 || list[0].State != data.CommandQueued {
		t.Errorf("the commands of the other: %+v, %v", list, err)
	}
}
