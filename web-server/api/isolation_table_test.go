package api

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

// probes is the table of all routes.
func probes() map[string]probe {
	table := map[string]probe{
		"GET /socket":       harmless("TestIsolation follows sockets, TestSocketFollowsPermissions their changes"),
		"GET /server":       harmless("the same for everybody, before they sign in"),
		"GET /health":       harmless("one word"),
		"GET /openapi.yaml": harmless("the same for everybody"), "GET /openapi.json": harmless("the same for everybody"),
		"GET /docs": harmless("the same for everybody"), "GET /docs/style.css": harmless("the same for everybody"),
		"GET /session":      harmless("the own account"),
		"POST /session":     harmless("needs the password"),
		"DELETE /session":   harmless("the own session"),
		"GET /session/{id}": administrators("GET", "/session/1"),
		"PUT /server":       administrators("PUT", "/server"),
		"GET /audit":        administrators("GET", "/audit"),
		"GET /permissions":  administrators("GET", "/permissions?ownerKey=userId&propKey=deviceId"),

		"GET /unknown-devices":               administrators("GET", "/unknown-devices"),
		"POST /unknown-devices/register":     administrators("POST", "/unknown-devices/register"),
		"DELETE /unknown-devices/{uniqueId}": administrators("DELETE", "/unknown-devices/x"),

		"GET /server/timezones":                  harmless("the same for everybody"),
		"GET /notifications/types":               harmless("the same for everybody"),
		"GET /notifications/notificators":        harmless("the same for everybody"),
		"POST /notifications/test":               harmless("to the own account"),
		"POST /notifications/test/{notificator}": harmless("to the own account"),
		"GET /reports/{id}/runs":                 single("GET", "/reports/{id}/runs", data.ReportKind, ""),
		"GET /statistics":                        administrators("GET", "/statistics"),
		"GET /telegram/link":                     harmless("the own account"),
		"POST /telegram/link":                    harmless("the own account"),
		"DELETE /telegram/link":                  harmless("the own account"),

		"GET /events/{id}":               eventProbe,
		"POST /attributes/computed/test": ofDevice("POST", "/attributes/computed/test?deviceId={id}", `{"expression":"1","type":"number"}`),

		"GET /users":  listed("/users", data.UserKind),
		"POST /users": closedToUsers,

		"GET /devices":                   listed("/devices", data.DeviceKind),
		"POST /devices":                  refers("/devices", `{"name":"x","uniqueId":"new","groupId":ID}`, data.GroupKind),
		"PUT /devices/{id}/accumulators": single("PUT", "/devices/{id}/accumulators", data.DeviceKind, `{"hours":1}`),
		"POST /devices/{id}/image":       single("POST", "/devices/{id}/image", data.DeviceKind, "\x89PNG\r\n\x1a\n"),
		"GET /media/{uniqueId}/{file}": func(t *testing.T, m *member) {
			m.foreign(data.DeviceKind, func(id int64) {
				m.refused(t, "GET", "/api/media/{id}/device.png", m.u.uniqueID[id], "missing", "")
			})
		},
		"GET /positions": func(t *testing.T, m *member) {
			ofDevice("GET", "/positions?deviceId={id}", "")(t, m)
			var shown []struct{ DeviceID int64 }
			if err := json.Unmarshal([]byte(m.want(200, "GET", "/api/positions", nil)), &shown); err != nil || len(shown) != len(m.seen(data.DeviceKind)) {
				t.Errorf("%s: %d positions of %d devices, %v", m.Name, len(shown), len(m.seen(data.DeviceKind)), err)
			}
		},

		"DELETE /positions":    ofDevice("DELETE", "/positions?deviceId={id}&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", ""),
		"GET /positions/track": ofDevice("GET", "/positions/track?deviceId={id}&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", ""),
		"GET /positions/{format:csv|geojson|gpx|jsonl|kml|kmz}": ofDevice("GET", "/positions/csv?deviceId={id}&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", ""),

		"POST /permissions":        linksProbe("POST", "/permissions", "%s"),
		"DELETE /permissions":      linksProbe("DELETE", "/permissions", "%s"),
		"POST /permissions/bulk":   linksProbe("POST", "/permissions/bulk", "[%s]"),
		"DELETE /permissions/bulk": linksProbe("DELETE", "/permissions/bulk", "[%s]"),

		"GET /geofences/export": func(t *testing.T, m *member) {
			single("GET", "/geofences/export?id={id}", data.GeofenceKind, "")(t, m)
			ofDevice("GET", "/geofences/export?deviceId={id}", "")(t, m)
			var shown struct{ Features []struct{ ID int64 } }
			body := m.want(200, "GET", "/api/geofences/export", nil)
			if err := json.Unmarshal([]byte(body), &shown); err != nil || len(shown.Features) != len(m.seen(data.GeofenceKind)) {
				t.Errorf("%s: %v, want %v: %s", m.Name, err, m.seen(data.GeofenceKind), body)
			}
			for _, f := range shown.Features {
				if !slices.Contains(m.seen(data.GeofenceKind), f.ID) {
					t.Errorf("%s is shown geofence %d", m.Name, f.ID)
				}
			}
		},
		"POST /geofences/import": harmless("refers to nothing; TestImportGeofences looks whose they are"),

		"GET /commands/types": ofDevice("GET", "/commands/types?deviceId={id}", ""),
		"GET /commands/send":  ofDevice("GET", "/commands/send?deviceId={id}", ""),
		"POST /commands/send": func(t *testing.T, m *member) {
			ofDevice("POST", "/commands/send", `{"type":"custom","deviceId":ID}`)(t, m)
			m.foreign(data.GroupKind, func(id int64) {
				m.refused(t, "POST", "/api/commands/send?groupId={id}", id, 9_999_999, `{"type":"custom"}`)
				m.refused(t, "GET", "/api/commands/types?groupId={id}", id, 9_999_999, "")
			})
		},
		"GET /commands/queue":      ofDevice("GET", "/commands/queue?deviceId={id}", ""),
		"GET /commands/queue/{id}": harmless("TestCommandIsolation"), "DELETE /commands/queue/{id}": harmless("TestCommandIsolation"),
	}
	// Everything that can be read, changed and removed by its id.
	for path, k := range map[string]struct {
		kind data.ObjectKind
		// create is a body with a reference to a foreign thing of another kind.
		create string
		to     data.ObjectKind
	}{
		"/users": {kind: data.UserKind}, "/devices": {kind: data.DeviceKind},
		"/groups":              {data.GroupKind, `{"name":"x","groupId":ID}`, data.GroupKind},
		"/geofences":           {data.GeofenceKind, `{"name":"x","area":"CIRCLE (1 2, 3)","calendarId":ID}`, data.CalendarKind},
		"/notifications":       {data.NotificationKind, `{"type":"alarm","notificators":"web","commandId":ID}`, data.CommandKind},
		"/reports":             {data.ReportKind, `{"type":"trips","description":"x","calendarId":ID}`, data.CalendarKind},
		"/commands":            {data.CommandKind, `{"type":"custom","deviceId":ID}`, data.DeviceKind},
		"/calendars":           {kind: data.CalendarKind},
		"/attributes/computed": {kind: data.AttributeKind},
		"/drivers":             {kind: data.DriverKind},
		"/maintenance":         {kind: data.MaintenanceKind},
		"/orders":              {kind: data.OrderKind},
	} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			body := ""
			if method == "PUT" {
				body = `{"name":"taken over"}`
			}
			table[method+" "+path+"/{id}"] = single(method, path+"/{id}", k.kind, body)
		}
		if table["GET "+path] == nil {
			table["GET "+path] = listed(path, k.kind)
		}
		switch {
		case k.create != "":
			table["POST "+path] = refers(path, k.create, k.to)
		case table["POST "+path] == nil:
			table["POST "+path] = harmless("refers to nothing; what it makes is the maker's")
		}
	}
	maps.Copy(table, accountProbes())
	maps.Copy(table, sharing())
	maps.Copy(table, reportProbes())
	maps.Copy(table, jobProbes())
	maps.Copy(table, notificationProbes())
	return table
}

// closedToUsers checks that those who manage nobody make no accounts, and that
// managers make no administrators.
func closedToUsers(t *testing.T, m *member) {
	if m.UserLimit == 0 {
		m.want(403, "POST", "/api/users", `{"email":"new@example.org","password":"long enough"}`)
	}
	m.want(403, "POST", "/api/users", `{"email":"new@example.org","password":"long enough","administrator":true}`)
}
