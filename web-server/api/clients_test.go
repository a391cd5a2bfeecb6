package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
)

// What existing clients send, request by request, and how they read the answers.

// The fields of objects and their types, as typed clients declare them; ? says
// that null may be there.
var (
	deviceFields = fields("id:int attributes:object groupId:int calendarId:int name:string uniqueId:string status:string lastUpdate:date? " +
		"positionId:int phone:string? model:string? contact:string? category:string? disabled:bool expirationTime:date?")
	positionFields = fields("id:int deviceId:int protocol:string serverTime:date deviceTime:date fixTime:date outdated:bool valid:bool " +
		"latitude:number longitude:number altitude:number speed:number course:number address:string? accuracy:number network:object? " +
		"geofenceIds:list? attributes:object")
	userFields = fields("id:int attributes:object name:string email:string login:string? phone:string? readonly:bool administrator:bool map:string? " +
		"latitude:number longitude:number zoom:int coordinateFormat:string? disabled:bool expirationTime:date? deviceLimit:int userLimit:int " +
		"deviceReadonly:bool limitCommands:bool disableReports:bool fixedEmail:bool poiLayer:string? totpKey:string? temporary:bool password:string?")
	serverFields = fields("id:int attributes:object registration:bool readonly:bool deviceReadonly:bool limitCommands:bool disableReports:bool fixedEmail:bool " +
		"forceSettings:bool map:string? bingKey:string? mapUrl:string? overlayUrl:string? latitude:number longitude:number zoom:int coordinateFormat:string? " +
		"poiLayer:string? announcement:string? version:string emailEnabled:bool textEnabled:bool geocoderEnabled:bool openIdEnabled:bool openIdForce:bool " +
		"newServer:bool storageSpace:list?")
	geofenceFields     = fields("id:int attributes:object name:string description:string? area:string calendarId:int")
	groupFields        = fields("id:int attributes:object name:string groupId:int")
	driverFields       = fields("id:int attributes:object name:string uniqueId:string")
	maintenanceFields  = fields("id:int attributes:object name:string type:string start:number period:number")
	calendarFields     = fields("id:int attributes:object name:string data:string")
	notificationFields = fields("id:int attributes:object type:string description:string? always:bool calendarId:int commandId:int notificators:string")
	commandFields      = fields("id:int attributes:object deviceId:int type:string description:string? textChannel:bool")
	eventFields        = fields("id:int attributes:object type:string eventTime:date deviceId:int positionId:int geofenceId:int maintenanceId:int")
)

func fields(text string) map[string]string {
	out := map[string]string{}
	for f := range strings.FieldsSeq(text) {
		name, kind, _ := strings.Cut(f, ":")
		out[name] = kind
	}
	return out
}

// typed checks the fields of an object: all there, and of their type. More may
// be there; clients leave out what they do not know.
func typed(t *testing.T, what string, object any, want map[string]string) map[string]any {
	t.Helper()
	o, ok := object.(map[string]any)
	if !ok {
		t.Fatalf("%s is %T, not an object", what, object)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, there := o[name]
		kind, optional := strings.CutSuffix(want[name], "?")
		if !there || v == nil && !optional || v != nil && !isOf(v, kind) {
			t.Errorf("%s: %s is %v, must be %s", what, name, v, want[name])
		}
	}
	return o
}

func isOf(v any, kind string) bool {
	switch x := v.(type) {
	case float64:
		return kind == "number" || kind == "int" && x == math.Trunc(x)
	case bool:
		return kind == "bool"
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "list"
	case string:
		if kind == "date" {
			// Browsers and Python read this form.
			_, err := time.Parse("2006-01-02T15:04:05.000-07:00", x)
			return err == nil
		}
		return kind == "string"
	}
	return false
}

// get asks for JSON as a client does that fails on anything else.
func (c *client) get(path string, headers ...string) any {
	c.e.t.Helper()
	a := c.do("GET", path, nil, append([]string{"Accept", "application/json"}, headers...)...)
	var v any
	if a.code != 200 || a.header.Get("Content-Type") != "application/json" || json.Unmarshal([]byte(a.body), &v) != nil {
		c.e.t.Fatalf("GET %s = %d %s %.300s", path, a.code, a.header.Get("Content-Type"), a.body)
	}
	return v
}

// list asks for a list whose elements have fields.
func (c *client) list(path string, want map[string]string, headers ...string) []any {
	c.e.t.Helper()
	list, ok := c.get(path, headers...).([]any)
	if !ok {
		c.e.t.Fatalf("GET %s is no list", path)
	}
	for i, o := range list {
		typed(c.e.t, fmt.Sprintf("%s [%d]", path, i), o, want)
	}
	return list
}

// family is a server with one of everything that belongs to ann.
func family(t *testing.T) (*env, data.User, data.Device) {
	t.Helper()
	e := newEnv(t)
	ann := e.user("ann", false)
	d := e.device("Nin", ann)
	e.position(d.ID, -time.Minute)
	c := e.client().signIn(ann)
	for path, body := range map[string]string{
		"geofences": `{"name":"Home","area":"CIRCLE (52.1 4.3, 200)"}`, "groups": `{"name":"Family"}`, "drivers": `{"name":"Bo","uniqueId":"b1"}`,
		"maintenance": `{"name":"Oil","type":"totalDistance","start":1000,"period":15000}`, "calendars": `{"name":"Week","data":"QkVHSU46VkNBTEVOREFSDQpWRVJTSU9OOjIuMA0KUFJPRElEOngNCkJFR0lOOlZFVkVOVA0KVUlEOjENCkRUU1RBTVA6MjAyNjAxMDFUMDAwMDAwWg0KRFRTVEFSVDoyMDI2MDEwMVQwODAwMDBaDQpEVEVORDoyMDI2MDEwMVQxODAwMDBaDQpSUlVMRTpGUkVRPVdFRUtMWQ0KRU5EOlZFVkVOVA0KRU5EOlZDQUxFTkRBUg0K"}`,
		"notifications": `{"type":"alarm","notificators":"web","always":true}`, "commands": `{"type":"custom","description":"Ping","attributes":{"data":"x"}}`,
	} {
		c.want(200, "POST", "/api/"+path, body, "Content-Type", "application/json")
	}
	return e, ann, d
}

// The integration of Home Assistant (pytraccar): a token in a header, one
// request after the other; then a session by that token, the socket by cookie.
func TestHomeAssistant(t *testing.T) {
	e, ann, d := family(t)
	token := e.client().signIn(ann).want(200, "POST", "/api/session/token", url.Values{"expiration": {"2027-01-01T00:00:00.000000Z"}})
	c := e.client()
	bearer := []string{"Authorization", "Bearer " + token}
	typed(t, "server", c.get("/api/server", bearer...), serverFields)
	devices := c.list("/api/devices", deviceFields, bearer...)
	positions := c.list("/api/positions", positionFields, bearer...)
	c.list("/api/geofences", geofenceFields, bearer...)
	if len(devices) != 1 || len(positions) != 1 {
		t.Fatalf("%d devices, %d positions", len(devices), len(positions))
	}
	from, to := "2026-02-28T12:00:00.123456Z", "2026-03-01T12:00:30.123456Z" // Python writes microseconds
	c.list(fmt.Sprintf("/api/reports/events?from=%s&to=%s&deviceId=%d&type=deviceMoving&type=alarm", from, to, d.ID), eventFields, bearer...)

	typed(t, "session", c.get("/api/session?token="+url.QueryEscape(token)), userFields)
	s := c.open()
	if !strings.Contains(s.first, `"positions":[`) {
		t.Errorf("the socket begins with %s", s.first)
	}
	// The client pings; who does not answer is left.
	pinged := make(chan error, 1)
	go func() { pinged <- s.conn.Ping(t.Context()) }()
	e.advance(time.Minute)
	e.bus.publishLive(e.position(d.ID, 0))
	seen := map[string]bool{}
	for !seen["positions"] {
		var m map[string][]any
		if err := json.Unmarshal([]byte(s.read()), &m); err != nil {
			t.Fatal(err)
		}
		for name, list := range m {
			seen[name] = true
			for _, o := range list {
				typed(t, "socket "+name, o, map[string]map[string]string{"positions": positionFields, "devices": deviceFields, "events": eventFields}[name])
			}
		}
	}
	if !seen["devices"] {
		t.Error("no word of the device before its position: it is starved")
	}
	closed := make(chan websocket.StatusCode, 1)
	go func() { // pongs come in while somebody reads
		_, err := s.tryRead()
		closed <- websocket.CloseStatus(err)
	}()
	if err := <-pinged; err != nil {
		t.Errorf("ping: %v", err)
	}
	c.want(204, "DELETE", "/api/session", nil)
	if code := <-closed; code != 4000 {
		t.Errorf("after signing out the socket closes with %d", code)
	}
	c.want(404, "GET", "/api/session", nil)
	c.get("/api/devices", bearer...) // the token goes on
}

// The web page: sign in, the map, settings, reports, sign out. Its requests are
// those of a browser on the same site.
func TestWebPage(t *testing.T) {
	e, ann, d := family(t)
	c := e.client()
	same := []string{"Sec-Fetch-Site", "same-origin", "Origin", e.url}
	typed(t, "server", c.get("/api/server", same...), serverFields)
	c.want(404, "GET", "/api/session", nil, same...)
	a := c.do("POST", "/api/session", url.Values{"email": {"ANN@example.org"}, "password": {testPassword}}, same...)
	var me map[string]any
	if err := json.Unmarshal([]byte(a.body), &me); err != nil || a.code != 200 || !strings.Contains(a.header.Get("Set-Cookie"), "JSESSIONID=") {
		t.Fatalf("sign in: %d %v %s", a.code, a.header, a.body)
	}
	typed(t, "session", me, userFields)
	c.list("/api/devices", deviceFields, same...)
	s, code := c.dial("Origin", e.url)
	if s == nil {
		t.Fatalf("socket: %d", code)
	}
	for path, want := range map[string]map[string]string{
		"geofences": geofenceFields, "groups": groupFields, "drivers": driverFields, "maintenance": maintenanceFields, "calendars": calendarFields,
		"notifications": notificationFields, "commands": commandFields, "positions": positionFields, "users": userFields,
		"geofences?all=true": geofenceFields, fmt.Sprint("geofences?deviceId=", d.ID): geofenceFields,
		fmt.Sprintf("devices?userId=%d&limit=100&offset=0&keyword=", ann.ID): deviceFields, "attributes/computed": nil,
		"notifications/types": {"type": "string"}, "notifications/notificators": {"type": "string"}, "notifications/notificators?announcement=true": {"type": "string"},
		"commands/types": {"type": "string"}, fmt.Sprint("commands/types?deviceId=", d.ID): {"type": "string"},
		fmt.Sprint("commands/send?deviceId=", d.ID): commandFields,
	} {
		list := c.list("/api/"+path, want, same...)
		if len(list) == 0 && !strings.ContainsAny(path, "?/") {
			t.Errorf("%s is empty", path)
		}
	}
	if zones, ok := c.get("/api/server/timezones", same...).([]any); !ok || len(zones) < 100 {
		t.Errorf("time zones: %d", len(zones))
	}
	// Preferences are saved into the attributes of the whole account.
	me["attributes"] = map[string]any{"speedUnit": "kmh", "mapLiveRoutes": "selected", "notificationTokens": "x"}
	c.want(200, "PUT", fmt.Sprint("/api/users/", ann.ID), me, same...)
	saved := c.get("/api/session", same...).(map[string]any)
	if attributes := saved["attributes"].(map[string]any); attributes["speedUnit"] != "kmh" {
		t.Errorf("attributes: %v", attributes)
	}
	// A device is sent back whole, with what the server computes.
	device := c.get(fmt.Sprint("/api/devices/", d.ID), same...).(map[string]any)
	device["name"], device["category"] = "Nina", "car"
	if got := c.want(200, "PUT", fmt.Sprint("/api/devices/", d.ID), device, same...); !strings.Contains(got, `"name":"Nina"`) {
		t.Errorf("device: %s", got)
	}
	// Reports with the dates of a browser, and their files.
	span := fmt.Sprintf("deviceId=%d&from=2026-02-28T23:00:00.000Z&to=2026-03-01T22:59:59.999Z", d.ID)
	if got := c.list("/api/positions?"+span, positionFields, same...); len(got) != 1 {
		t.Errorf("%d positions", len(got))
	}
	for _, kind := range []string{"route", "events", "summary", "trips", "stops", "combined", "geofences"} {
		if a := c.do("GET", "/api/reports/"+kind+"?"+span, nil, append(same, "Accept", "application/json")...); a.code != 200 && a.code != 404 {
			t.Errorf("report %s: %d %s", kind, a.code, a.body)
		}
	}
	for _, kind := range []string{"kml", "csv", "gpx", "kmz"} {
		if a := c.do("GET", "/api/positions/"+kind+"?"+span, nil, same...); a.code != 200 || a.body == "" {
			t.Errorf("%s: %d", kind, a.code)
		}
	}
	// What it knows from its own address is a text to it, and what it computes
	// has decimals.
	id, member := fmt.Sprint(d.ID), e.user("member", false)
	link := map[string]any{"deviceId": id, "geofenceId": c.list("/api/geofences", geofenceFields)[0].(map[string]any)["id"]}
	c.want(204, "POST", "/api/permissions", link, same...)
	c.want(204, "DELETE", "/api/permissions", link, same...)
	saved["zoom"], saved["latitude"] = 12.4, 52.123456
	if got := c.want(200, "PUT", fmt.Sprint("/api/users/", ann.ID), saved, same...); !strings.Contains(got, `"zoom":12,`) {
		t.Errorf("zoom: %s", got)
	}
	c.want(204, "PUT", "/api/devices/"+id+"/accumulators", `{"deviceId":`+id+`,"hours":3599999.9999999995,"totalDistance":1609.344}`, same...)
	c.want(400, "POST", "/api/commands/send", map[string]any{"deviceId": "0" + id + "x", "type": "custom"}, same...)
	if a := c.do("POST", "/api/commands/send", map[string]any{"deviceId": id, "type": "custom", "attributes": map[string]any{"data": "x"}}, same...); a.code != 200 && a.code != 202 {
		t.Errorf("a command: %d %s", a.code, a.body)
	}
	if token := c.want(200, "POST", "/api/devices/share", url.Values{"deviceId": {id}, "expiration": {"2026-03-08T00:00:00.000Z"}}, same...); token == "" {
		t.Error("shared without a token")
	}
	// Calendars are made without the time they were made at.
	c.want(200, "POST", "/api/calendars", map[string]any{"name": "Night", "data": []byte("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\nBEGIN:VEVENT\n" +
		"UID:00000000-0000-0000-0000-000000000000\nDTSTART;TZID=Europe/Berlin:20240101T220000\nDTEND;TZID=Europe/Berlin:20240102T060000\n" +
		"RRULE:FREQ=WEEKLY;BYDAY=MO,FR\nSUMMARY:Event\nEND:VEVENT\nEND:VCALENDAR")}, same...)
	// Reports are scheduled, then linked to devices in one request.
	report := c.want(200, "POST", "/api/reports", map[string]any{
		"type": "summary", "description": "Daily", "attributes": map[string]any{"daily": true},
		"calendarId": c.list("/api/calendars", calendarFields)[0].(map[string]any)["id"],
	}, same...)
	var made struct{ ID int64 }
	if err := json.Unmarshal([]byte(report), &made); err != nil {
		t.Fatal(err)
	}
	c.want(204, "POST", "/api/permissions/bulk", []map[string]int64{{"deviceId": d.ID, "reportId": made.ID}}, same...)
	// Administrators are shown who has a device, the audit and the figures.
	root := e.client().signIn(e.user("root", true))
	e.link(data.UserDevice(member.ID, d.ID))
	if got := root.list("/api/users?deviceId="+id, userFields, same...); len(got) != 2 {
		t.Errorf("%d accounts have the device", len(got))
	}
	if got := c.list("/api/users?deviceId="+id, userFields, same...); len(got) != 1 {
		t.Errorf("ann sees %d accounts that have her device", len(got))
	}
	browserSpan := "from=2026-02-28T23:00:00.000Z&to=2026-03-01T22:59:59.999Z"
	root.list("/api/audit?"+browserSpan, fields("id:int actionTime:date address:string userId:int actionType:string objectType:string objectId:int"), same...)
	root.list("/api/statistics?"+browserSpan, fields("captureTime:date activeUsers:int activeDevices:int requests:int messagesReceived:int messagesStored:int mailSent:int "+
		"smsSent:int geocoderRequests:int geolocationRequests:int"), same...)
	server := root.get("/api/server", same...).(map[string]any)
	server["zoom"] = 4.6
	if got := root.want(200, "PUT", "/api/server", server, same...); !strings.Contains(got, `"zoom":5,`) {
		t.Errorf("zoom: %s", got)
	}

	c.want(204, "DELETE", "/api/session", nil, same...)
	if code := s.closedWith(); code != 4000 {
		t.Errorf("the socket closes with %d", code)
	}
	c.want(401, "GET", "/api/devices", nil, same...)
}

// The Manager app shows the page in a view of its own: it keeps a token, opens
// the page with it, follows long addresses, and fetches files with it.
func TestManagerApp(t *testing.T) {
	e, ann, d := family(t)
	view := e.client().signIn(ann)
	// After signing in the page asks for a token that lives for half a year.
	token := view.want(200, "POST", "/api/session/token", url.Values{"expiration": {e.clock().AddDate(0, 6, 0).Format("2006-01-02T15:04:05.000Z")}})
	if token == "" || strings.ContainsAny(token, " \n\"") {
		t.Fatalf("token %q", token)
	}
	// Later it comes back with the token alone.
	later := e.client()
	later.want(404, "GET", "/api/session", nil)
	typed(t, "session", later.get("/api/session?token="+url.QueryEscape(token), "Sec-Fetch-Site", "same-origin"), userFields)
	typed(t, "session by cookie", later.get("/api/session"), userFields)
	later.list("/api/devices", deviceFields)
	later.open()
	for _, path := range []string{"/", "/?token=" + token, "/login", "/event/17?eventId=17&deviceId=3", "/settings/device/7/connections", "/settings/notification/12/and/more/of/it"} {
		if a := later.do("GET", path, nil, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"); a.code != 200 {
			t.Errorf("%s = %d", path, a.code)
		}
	}
	// Files whose address ends in these words it fetches by itself.
	app := e.client()
	for _, kind := range []string{"kml", "csv", "gpx"} {
		path := fmt.Sprintf("/api/positions/%s?deviceId=%d&from=2026-02-28T00:00:00.000Z&to=2026-03-02T00:00:00.000Z", kind, d.ID)
		if a := app.do("GET", path, nil, "Authorization", "Bearer "+token); a.code != 200 || a.header.Get("Content-Disposition") == "" {
			t.Errorf("%s: %d %v", kind, a.code, a.header)
		}
	}
	// Where push messages go is kept in the attributes.
	me := later.get("/api/session").(map[string]any)
	me["attributes"] = map[string]any{"notificationTokens": strings.Repeat("fcm-token:", 16)}
	later.want(200, "PUT", fmt.Sprint("/api/users/", ann.ID), me)
	// A token that is taken back ends what was opened with it.
	view.want(204, "POST", "/api/session/token/revoke", url.Values{"token": {token}})
	later.want(404, "GET", "/api/session", nil)
	app.want(http.StatusUnauthorized, "GET", "/api/devices", nil, "Authorization", "Bearer "+token)
}

// A page that was shared opens with the token in its address.
func TestSharedPage(t *testing.T) {
	e, ann, d := family(t)
	token := e.client().signIn(ann).want(200, "POST", "/api/share/device", url.Values{"deviceId": {fmt.Sprint(d.ID)}, "expiration": {"2026-03-02T00:00:00.000Z"}})
	guest := e.client()
	guest.want(200, "GET", "/?token="+token, nil)
	user := typed(t, "session", guest.get("/api/session?token="+url.QueryEscape(token)), userFields)
	if user["temporary"] != true {
		t.Errorf("guest: %v", user)
	}
	guest.list("/api/devices", deviceFields)
	guest.list("/api/positions", positionFields)
	for _, path := range []string{"geofences", "groups", "drivers", "maintenance", "calendars"} {
		guest.list("/api/"+path, nil)
	}
	guest.open()
}
