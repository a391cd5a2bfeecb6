package api

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

const calendarFile = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART:20260101T080000Z\r\nDTEND:20260101T180000Z\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// TestObjects makes, reads, changes and removes one of each kind. ID stands for
// the id that it gets.
func TestObjects(t *testing.T) {
	ics := base64.StdEncoding.EncodeToString([]byte(calendarFile))
	for path, c := range map[string]struct{ send, want, change, changed string }{
		"/groups": {
			`{"name":"Vans","attributes":{"a":1}}`, `{"id":ID,"attributes":{"a":1},"groupId":0,"name":"Vans"}`,
			`{"name":"Trucks"}`, `{"id":ID,"attributes":{"a":1},"groupId":0,"name":"Trucks"}`,
		},
		"/geofences": {
			`{"name":"Home","area":"CIRCLE (52.5 13.4, 250)","attributes":{},"calendarId":0}`,
			`{"id":ID,"attributes":{},"calendarId":0,"name":"Home","description":null,"area":"CIRCLE (52.5 13.4, 250)"}`,
			`{"description":"x","attributes":{"color":"#f00"}}`,
			`{"id":ID,"attributes":{"color":"#f00"},"calendarId":0,"name":"Home","description":"x","area":"CIRCLE (52.5 13.4, 250)"}`,
		},
		"/notifications": {
			`{"type":"alarm","always":true,"notificators":"web, mail","attributes":{"alarms":"sos"}}`,
			`{"id":ID,"attributes":{"alarms":"sos"},"calendarId":0,"description":null,"type":"alarm","always":true,"commandId":0,"notificators":"web,mail"}`,
			`{"description":"d","attributes":null}`,
			`{"id":ID,"attributes":{},"calendarId":0,"description":"d","type":"alarm","always":true,"commandId":0,"notificators":"web,mail"}`,
		},
		"/calendars": {
			`{"name":"Work","data":"` + ics + `"}`, `{"id":ID,"attributes":{},"name":"Work","data":"` + ics + `"}`,
			`{"name":"Labour"}`, `{"id":ID,"attributes":{},"name":"Labour","data":"` + ics + `"}`,
		},
		"/attributes/computed": {
			`{"description":"d","attribute":"a","expression":"speed * 2","type":"number"}`,
			`{"id":ID,"description":"d","attribute":"a","expression":"speed * 2","type":"number","priority":0}`,
			`{"priority":-3}`, `{"id":ID,"description":"d","attribute":"a","expression":"speed * 2","type":"number","priority":-3}`,
		},
		"/drivers": {
			`{"name":"Ann","uniqueId":"7"}`, `{"id":ID,"attributes":{},"name":"Ann","uniqueId":"7"}`,
			`{"uniqueId":"8"}`, `{"id":ID,"attributes":{},"name":"Ann","uniqueId":"8"}`,
		},
		"/maintenance": {
			`{"name":"Oil","type":"totalDistance","start":1000,"period":15000000}`,
			`{"id":ID,"attributes":{},"name":"Oil","type":"totalDistance","start":1000.0,"period":15000000.0}`,
			`{"start":0}`, `{"id":ID,"attributes":{},"name":"Oil","type":"totalDistance","start":0.0,"period":15000000.0}`,
		},
		"/orders": {
			`{"uniqueId":"A-1","description":null}`, `{"id":ID,"attributes":{},"uniqueId":"A-1","description":null,"fromAddress":null,"toAddress":null}`,
			`{"toAddress":"t"}`, `{"id":ID,"attributes":{},"uniqueId":"A-1","description":null,"fromAddress":null,"toAddress":"t"}`,
		},
	} {
		t.Run(path, func(t *testing.T) {
			e := newEnv(t)
			ann, bob := e.user("ann", false), e.user("bob", false)
			client, other := e.client().signIn(ann), e.client().signIn(bob)
			made := client.want(200, "POST", "/api"+path, c.send)
			id := ids(t, "["+made+"]")[0]
			is := func(what, got, want string) {
				t.Helper()
				if want = strings.Replace(want, "ID", fmt.Sprint(id), 1); got != want {
					t.Errorf("%s\n got %s\nwant %s", what, got, want)
				}
			}
			at := fmt.Sprintf("/api%s/%d", path, id)
			is("made", made, c.want)
			is("read", client.want(200, "GET", at, nil), c.want)
			is("listed", client.want(200, "GET", "/api"+path+"?all=true", nil), "["+c.want+"]")
			is("changed", client.want(200, "PUT", at, c.change), c.changed)
			is("sent back", client.want(200, "PUT", at, client.want(200, "GET", at, nil)), c.changed)
			if got := other.want(200, "GET", "/api"+path, nil); got != "[]" {
				t.Errorf("somebody else's list: %s", got)
			}
			other.want(404, "GET", at, nil)
			client.want(400, "PUT", at, `{"id":987654}`)
			client.want(400, "POST", "/api"+path, `{}`)
			client.want(400, "POST", "/api"+path, `[]`)
			client.want(204, "DELETE", at, nil)
			client.want(404, "DELETE", at, nil)
			client.want(404, "PUT", at, c.change)
			log, err := e.store.ListAudit(t.Context(), storage.AuditFilter{ObjectID: id, UserID: ann.ID})
			log = slices.DeleteFunc(log, func(e data.AuditEntry) bool { return e.ObjectType == string(data.UserKind) }) // signing in
			if err != nil || len(log) != 4 || log[0].Action != actionDelete || log[3].Action != actionCreate || log[0].Address == "" {
				t.Errorf("the audit says %+v, %v", log, err)
			}
		})
	}
}

// What breaks a rule is refused with a text that says which.
func TestObjectRules(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ann", false))
	ics := func(s string) string {
		return `{"name":"x","data":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}`
	}
	for _, test := range []struct{ path, body, want string }{
		{"/groups", `{"name":" "}`, "name is missing"},
		{"/groups", `{"name":"x","groupId":77}`, "there is no group 77"},
		{"/geofences", `{"name":"x"}`, "area is missing"},
		{"/geofences", `{"name":"x","area":"POLYGON ((13 91"}`, "not understood at character"},
		{"/geofences", `{"name":"x","area":"CIRCLE (113 52, 9)"}`, "latitude, then longitude"},
		{"/geofences", `{"name":"x","area":"CIRCLE (52 13, 9)","calendarId":1}`, "there is no calendar 1"},
		{"/geofences", `{"name":"x","area":"CIRCLE (52 13, 9)","attributes":[]}`, "attributes"},
		{"/notifications", `{"type":"horse","notificators":"web"}`, "horse"},
		{"/notifications", `{"type":"alarm","notificators":""}`, "nobody would be told"},
		{"/notifications", `{"type":"alarm","notificators":"web;mail"}`, "commas"},
		{"/notifications", `{"type":"alarm","notificators":"command"}`, "commandId"},
		{"/calendars", `{"name":"x"}`, "calendar is empty"},
		{"/calendars", ics("hello"), "not an iCalendar file"},
		{"/calendars", ics("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"), "no event"},
		{"/calendars", ics(strings.Replace(calendarFile, "DTSTART:20260101T080000Z\r\n", "", 1)), "DTSTART"},
		{"/calendars", ics(strings.Replace(calendarFile, "T080000Z", "T990000Z", 1)), "DTSTART"},
		{"/calendars", ics(strings.Replace(calendarFile, "FREQ=WEEKLY", "FREQ=NEVER", 1)), "RRULE"},
		{"/calendars", ics(strings.Replace(calendarFile, "DTEND:2026", "DTEND:2025", 1)), "before it begins"},
		{"/calendars", `{"name":"x","data":"%%%"}`, "body"},
		{"/attributes/computed", `{"attribute":"a","expression":"1","type":"horse"}`, "string, number or boolean"},
		{"/attributes/computed", `{"attribute":"a","type":"string"}`, "expression"},
		{"/drivers", `{"name":"x"}`, "identifier"},
		{"/maintenance", `{"name":"x","type":"hours","period":-1}`, "negative"},
		{"/orders", `{}`, "identifier"},
		{"/reports", `{"type":"trips","description":"x"}`, "calendarId"},
		{"/reports", `{"type":"horse","description":"x","calendarId":1}`, "trips"},
	} {
		if got := c.want(400, "POST", "/api"+test.path, test.body); !strings.Contains(got, test.want) {
			t.Errorf("%s %.80s: %s, want %q", test.path, test.body, got, test.want)
		}
	}
	a := ids(t, "["+c.want(200, "POST", "/api/groups", `{"name":"a"}`)+"]")[0]
	b := ids(t, "["+c.want(200, "POST", "/api/groups", fmt.Sprintf(`{"name":"b","groupId":%d}`, a))+"]")[0]
	if got := c.want(400, "PUT", fmt.Sprintf("/api/groups/%d", a), fmt.Sprintf(`{"groupId":%d}`, b)); !strings.Contains(got, "within itself") {
		t.Errorf("a circle: %s", got)
	}
}

// TestListQueries asks lists what clients ask them.
func TestListQueries(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin, c := e.client().signIn(root), e.client().signIn(ann)
	d := e.device("car", ann)
	var f []int64
	for _, name := range []string{"b", "a", "Depot"} {
		f = append(f, ids(t, "["+c.want(200, "POST", "/api/geofences", fmt.Sprintf(`{"name":%q,"area":"CIRCLE (1 2, 3)","attributes":{"x":1}}`, name))+"]")[0])
	}
	c.want(204, "POST", "/api/permissions", fmt.Sprintf(`{"deviceId":%d,"geofenceId":%d}`, d.ID, f[0]))
	for query, want := range map[string]string{
		"": fmt.Sprint([]int64{f[2], f[1], f[0]}), "?keyword=DEP": fmt.Sprint(f[2:]), "?limit=1": fmt.Sprint(f[2:]), "?limit=1&offset=1": fmt.Sprint(f[1:2]),
		fmt.Sprintf("?deviceId=%d", d.ID): fmt.Sprint(f[:1]), fmt.Sprintf("?userId=%d", ann.ID): fmt.Sprint([]int64{f[2], f[1], f[0]}),
		fmt.Sprintf("?deviceId=%d&keyword=a", d.ID): "[]",
	} {
		for who, c := range map[string]*client{"ann": c, "root": admin} {
			if got := fmt.Sprint(ids(t, c.want(200, "GET", "/api/geofences"+query, nil))); got != want {
				t.Errorf("%s: %q lists %s, want %s", who, query, got, want)
			}
		}
	}
	if got := c.want(200, "GET", "/api/geofences?excludeAttributes=true&limit=1", nil); !strings.Contains(got, `"attributes":{}`) {
		t.Errorf("without attributes: %s", got)
	}
	for _, bad := range []string{"?limit=-1", "?limit=x", "?all=maybe", "?deviceId=x", "?excludeAttributes=2"} {
		c.want(400, "GET", "/api/geofences"+bad, nil)
	}
	if got := admin.want(200, "GET", "/api/permissions?ownerKey=deviceId&propKey=geofenceId", nil); got != fmt.Sprintf(`[{"deviceId":%d,"geofenceId":%d}]`, d.ID, f[0]) {
		t.Errorf("permissions: %s", got)
	}
	if got := admin.want(200, "GET", fmt.Sprintf("/api/permissions?userId=%d&deviceId=0", ann.ID), nil); got != "["+permit(ann.ID, d.ID)+"]" {
		t.Errorf("permissions of a user: %s", got)
	}
	admin.want(400, "GET", "/api/permissions", nil)
}

// TestWebStart sends what a web client sends from its first page to the map and
// through its settings: each answer is there and is JSON.
func TestWebStart(t *testing.T) {
	e := newEnv(t)
	c := e.client()
	c.want(200, "GET", "/api/server", nil)
	c.want(404, "GET", "/api/session", nil)
	u := e.user("ann", false)
	e.device("car", u)
	c.signIn(u)
	for _, path := range []string{
		"/devices", "/geofences", "/groups", "/drivers", "/maintenance", "/calendars", "/positions", "/users", "/commands", "/reports",
		"/orders", "/attributes/computed?all=true", "/notifications?all=true", "/notifications/types", "/notifications/notificators",
		"/notifications/notificators?announcement=true", "/server/timezones", "/devices?all=true&limit=50&offset=0&keyword=",
		"/geofences?userId=" + fmt.Sprint(u.ID), "/groups?excludeAttributes=true", "/reports/events?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z",
	} {
		if got := c.want(200, "GET", "/api"+path, nil); !strings.HasPrefix(got, "[") {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := c.want(200, "GET", "/api/server/timezones", nil); !strings.Contains(got, `"Europe/Berlin"`) || !strings.Contains(got, `"UTC"`) {
		t.Error("time zones are missing")
	}
	c.want(204, "POST", "/api/notifications/test", nil)
	e.bot = "bot"
	if got := c.want(200, "GET", "/api/notifications/notificators?announcement=true", nil); !strings.Contains(got, `{"type":"telegram"}`) || strings.Contains(got, "command") {
		t.Errorf("ways to announce: %s", got)
	}
	// Preferences are saved into the own account.
	saved := c.want(200, "PUT", fmt.Sprintf("/api/users/%d", u.ID), `{"map":"osm","latitude":52.5,"longitude":13.4,"zoom":9,"coordinateFormat":"dms","attributes":{"speedUnit":"kmh"}}`)
	for _, part := range []string{`"map":"osm","latitude":52.5,"longitude":13.4,"zoom":9,"coordinateFormat":"dms"`, `"attributes":{"speedUnit":"kmh"}`} {
		if !strings.Contains(saved, part) {
			t.Errorf("saved %s", saved)
		}
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte(calendarFile), `{"name":"x"}`)
	f.Fuzz(func(t *testing.T, file []byte, body string) {
		_ = checkCalendar(&data.Calendar{Name: "x", Data: file})
		var n data.Notification
		if parseJSON([]byte(body), &n) == nil && checkNotification(&n) == nil && n.Notificators == "" {
			t.Errorf("%s tells nobody", body)
		}
	})
}
