package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/version"
)

// The objects to the letter: clients parse them with types.
func TestShapes(t *testing.T) {
	e := newEnv(t)
	e.bot = "waymark_bot"
	root := e.user("root", true)
	c := e.client().signIn(root)
	d := e.device("Nin", root)
	p := e.position(d.ID, -time.Minute)
	stranger := data.UnknownDevice{
		UniqueID: "123", Protocol: "gt06", Address: "203.0.113.9", FirstSeen: e.clock().Add(-time.Hour), LastSeen: e.clock(), Count: 3, LastFrame: []byte{0x78, 0x78, 0x11},
	}
	if err := e.store.RecordUnknownDevices(t.Context(), []data.UnknownDevice{stranger}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/api/server": `{"id":1,"attributes":{},"registration":false,"readonly":false,"deviceReadonly":false,` +
			`"limitCommands":false,"disableReports":false,"fixedEmail":false,"forceSettings":false,` +
			`"map":null,"bingKey":null,"mapUrl":null,"overlayUrl":null,"latitude":0.0,"longitude":0.0,"zoom":0,` +
			`"coordinateFormat":null,"poiLayer":null,"announcement":null,` +
			`"emailEnabled":false,"textEnabled":false,"geocoderEnabled":false,"openIdEnabled":false,"openIdForce":false,` +
			`"storageSpace":null,"version":"` + version.Version + `","newServer":false}`,
		"/api/session": fmt.Sprintf(`{"id":%d,"attributes":{},"name":"root","login":null,"email":"root@example.org","phone":null,`+
			`"readonly":false,"administrator":true,"map":null,"latitude":0.0,"longitude":0.0,"zoom":0,"coordinateFormat":null,`+
			`"password":null,"disabled":false,"expirationTime":null,"deviceLimit":-1,"userLimit":0,"deviceReadonly":false,`+
			`"limitCommands":false,"disableReports":false,"fixedEmail":false,"poiLayer":null,"totpKey":null,"temporary":false}`, root.ID),
		"/api/devices": fmt.Sprintf(`[{"id":%d,"attributes":{},"groupId":0,"calendarId":0,"name":"Nin","uniqueId":"id-Nin",`+
			`"status":"online","lastUpdate":"2026-03-01T11:59:00.000+00:00","positionId":%d,"phone":null,"model":null,`+
			`"contact":null,"category":null,"disabled":false,"expirationTime":null}]`, d.ID, p.ID),
		"/api/positions": fmt.Sprintf(`[{"id":%d,"deviceId":%d,"protocol":"osmand","serverTime":"2026-03-01T11:59:00.000+00:00",`+
			`"deviceTime":"2026-03-01T11:59:00.000+00:00","fixTime":"2026-03-01T11:59:00.000+00:00","outdated":false,"valid":true,`+
			`"latitude":52.1,"longitude":4.3,"altitude":0.0,"speed":10.0,"course":0.0,"address":null,"accuracy":0.0,`+
			`"network":null,"geofenceIds":null,"attributes":{"motion":true}}]`, p.ID, d.ID),
		"/api/unknown-devices": `[{"uniqueId":"123","protocol":"gt06","address":"203.0.113.9",` +
			`"firstSeen":"2026-03-01T11:00:00.000+00:00","lastSeen":"2026-03-01T12:00:00.000+00:00","count":3,"lastFrame":"787811","frames":[],"guesses":[],"preview":null}]`,
		"/api/telegram/link": `{"connected":false,"name":""}`,
		"/api/health":        "OK",
		"/api/geofences":     "[]",
	} {
		if got := c.want(200, "GET", path, nil); got != want {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
}

func TestShowFrame(t *testing.T) {
	for in, want := range map[string]string{
		"$GPRMC,1\r\n": "$GPRMC,1\r\n", "imei:1;ü": "imei:1;ü", "": "", "\x00ab": "006162", "\xff": "ff", "a\x7f": "617f",
	} {
		if got := showFrame([]byte(in)); got != want {
			t.Errorf("showFrame(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHeadersAndDoors(t *testing.T) {
	e := newEnv(t)
	c := e.client()
	for path, want := range map[string]string{"/": "page /", "/device/7": "page /device/7", "/healthz": "health", "/readyz": "health"} {
		a := c.do("GET", path, nil)
		if a.code != 200 || a.body != want {
			t.Errorf("%s = %d %q", path, a.code, a.body)
		}
		for name, value := range map[string]string{
			"Content-Security-Policy": testCSP, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if a.header.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, a.header.Get(name))
			}
		}
	}
	a := c.do("GET", "/api/server", nil)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Request-Id") == "" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers of an answer: %v", a.header)
	}
	if body := c.want(404, "GET", "/api/nonsense", nil); strings.Contains(body, "page") {
		t.Errorf("an unknown address of the API: %q", body)
	}
	for path, want := range map[string]string{
		"/api/devices": "GET, HEAD, POST", "/api/tokens/1": "DELETE", "/api/devices/1": "GET, HEAD, PUT, DELETE", "/api/stream": "GET, HEAD",
	} {
		if a := c.do("PATCH", path, nil); a.code != 405 || a.header.Get("Allow") != want {
			t.Errorf("PATCH %s: %d, Allow %q", path, a.code, a.header.Get("Allow"))
		}
	}
	c.want(404, "POST", "/api/nonsense/nonsense", nil)
	if log := e.logged(); !strings.Contains(log, "route=/api/server") || strings.Contains(log, "/device/7") {
		t.Errorf("access log: %s", log)
	}
}

func TestBodyLimit(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ann", false))
	big := `{"name":"` + strings.Repeat("x", maxBodyBytes) + `"}`
	c.want(413, "POST", "/api/devices", big)
	for _, path := range []string{"/api/devices", "/api/tokens", "/api/permissions/bulk", "/api/groups"} {
		c.want(400, "POST", path, " null\n")
	}
	e.client().want(413, "POST", "/api/session", "email="+strings.Repeat("x", maxBodyBytes+1), "Content-Type", "application/x-www-form-urlencoded")
	c.want(200, "GET", "/api/session", nil)
}

func TestBadBodies(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ann", false))
	for body, want := range map[string]string{
		``:                                   "not valid JSON",
		`{`:                                  "not valid JSON",
		`[]`:                                 "not the JSON object",
		`"x"`:                                "not the JSON object",
		`{"name":7}`:                         `"name" must not be a JSON number`,
		`{"name":"a"}`:                       "uniqueId",
		`{"uniqueId":"a"}`:                   "name is missing",
		`{"name":"a","uniqueId":"\n"}`:       "uniqueId",
		`{"name":"a","uniqueId":"b\u0000c"}`: "control character",
		`{"name":"a","uniqueId":"b","attributes":[]}`:                "attributes must be",
		`{"name":"a","uniqueId":"b","expirationTime":"tomorrow"}`:    "expirationTime must be",
		`{"name":"a","uniqueId":"` + strings.Repeat("9", 129) + `"}`: "longer than 128",
		`{"name":"a","uniqueId":"b","groupId":-1}`:                   "group -1",
	} {
		if got := c.want(400, "POST", "/api/devices", body); !strings.Contains(got, want) {
			t.Errorf("%.60s: %s", body, got)
		}
	}
}

// A bug costs one request, and shows nothing of itself to the client.
func TestPanic(t *testing.T) {
	e := newEnv(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { panic("secret detail") })
	e.server.deps.UI = mux
	c := e.client()
	h := e.server.routes()
	e.server.handler = h
	body := recorded(h, "GET", "/boom")
	if body.Code != 500 || strings.Contains(body.Body.String(), "secret") || !strings.Contains(body.Body.String(), "request") {
		t.Errorf("%d %s", body.Code, body.Body)
	}
	if !strings.Contains(e.logged(), "secret detail") {
		t.Error("the log does not know")
	}
	c.want(200, "GET", "/api/server", nil)
}

func TestNotReady(t *testing.T) {
	e := newEnv(t)
	e.store.Close()
	c := e.client()
	for _, path := range []string{"/api/health", "/api/server"} {
		if a := c.do("GET", path, nil); a.code < 500 || strings.Contains(strings.ToLower(a.body), "sql") {
			t.Errorf("%s without a database: %d %s", path, a.code, a.body)
		}
	}
}

func TestBusDown(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ann", true))
	e.bus.mu.Lock()
	e.bus.down = true
	e.bus.mu.Unlock()
	c.want(200, "POST", "/api/devices", map[string]any{"name": "a", "uniqueId": "a"})
	c.want(204, "DELETE", "/api/session", nil)
}
