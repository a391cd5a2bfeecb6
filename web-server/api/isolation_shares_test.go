package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// shareAll gives every member a share of a device of the tenant.
func (u *universe) shareAll() {
	for _, m := range u.members {
		i := slices.IndexFunc(u.things[data.DeviceKind], func(id int64) bool { return u.tenantOf[data.DeviceKind][id] == m.tenant })
		token := auth.NewShareToken()
		sh := data.Share{UserID: m.ID, Name: "a share", Token: token, TokenHash: auth.HashToken(token), CreatedAt: u.e.clock()}
		sh.DeviceIDs = []int64{u.things[data.DeviceKind][i]}
		if err := u.e.store.CreateShare(u.e.t.Context(), &sh); err != nil {
			u.e.t.Fatal(err)
		}
		u.shares = append(u.shares, sh)
	}
}

// sharing are the probes of shares, and of what shows positions besides lists.
func sharing() map[string]probe {
	const span = "&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z"
	return map[string]probe{
		"GET /public/{token}": harmless("the token is the key; TestGuestIsolation walks what it opens"),
		"GET /shares":         ownShares,
		"POST /shares": func(t *testing.T, m *member) {
			refers("/shares", `{"name":"x","deviceIds":[ID]}`, data.DeviceKind)(t, m)
			refers("/shares", `{"name":"x","groupId":ID}`, data.GroupKind)(t, m)
		},
		"GET /shares/{id}":    foreignShares("GET", ""),
		"PUT /shares/{id}":    foreignShares("PUT", `{"name":"taken over"}`),
		"DELETE /shares/{id}": foreignShares("DELETE", ""),
		"POST /share/device":  quickShares("/api/share/device", "deviceId", data.DeviceKind),
		"POST /devices/share": quickShares("/api/devices/share", "deviceId", data.DeviceKind),
		"POST /share/group":   quickShares("/api/share/group", "groupId", data.GroupKind),

		"GET /tiles/{z}/{x}/{y}.mvt":  ofDevice("GET", "/tiles/0/0/0.mvt?deviceId={id}"+span, ""),
		"GET /stream":                 seenInStream,
		"DELETE /positions/{id}":      foreignPositions("DELETE", "/positions/{id}"),
		"GET /positions/{id}/explain": foreignPositions("GET", "/positions/{id}/explain"),
	}
}

func ownShares(t *testing.T, m *member) {
	own := []int64{}
	for i := range m.u.shares {
		if m.u.shares[i].UserID == m.ID {
			own = append(own, m.u.shares[i].ID)
		}
	}
	for _, query := range []string{"", "?all=true"} {
		if got := ids(t, m.want(200, "GET", "/api/shares"+query, nil)); !slices.Equal(got, own) {
			t.Errorf("%s: shares%s are %v, want %v", m.Name, query, got, own)
		}
	}
}

func foreignShares(method, body string) probe {
	return func(t *testing.T, m *member) {
		for i := range m.u.shares {
			if sh := &m.u.shares[i]; sh.UserID != m.ID {
				m.refused(t, method, "/api/shares/{id}", sh.ID, nobody, body)
			}
		}
	}
}

func quickShares(path, key string, kind data.ObjectKind) probe {
	return func(t *testing.T, m *member) {
		form := func(id int64) url.Values {
			return url.Values{key: {fmt.Sprint(id)}, "expiration": {"2030-01-01T00:00:00Z"}}
		}
		missing := m.do("POST", path, form(nobody))
		m.foreign(kind, func(id int64) {
			if a := m.do("POST", path, form(id)); a.code < 400 || a.code != missing.code || a.body != missing.body {
				t.Errorf("%s: %s of %d: %d %s, of none %d %s", m.Name, path, id, a.code, a.body, missing.code, missing.body)
			}
		})
	}
}

// seenInStream reads what a stream begins with: the last positions.
func seenInStream(t *testing.T, m *member) {
	want := m.seen(data.DeviceKind)
	if len(want) == 0 {
		return // nothing to begin with
	}
	next, end := m.events("")
	defer end()
	event := ""
	for !strings.Contains(event, `"positions"`) {
		if event = next(); event == "end" {
			t.Fatalf("%s: the stream ended", m.Name)
		}
	}
	var message struct{ Positions []struct{ DeviceID int64 } }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &message); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, p := range message.Positions {
		got = append(got, p.DeviceID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the stream shows devices %v, want %v", m.Name, got, want)
	}
}

func foreignPositions(method, path string) probe {
	return func(t *testing.T, m *member) {
		m.foreign(data.DeviceKind, func(id int64) {
			last, err := m.u.e.store.LatestPositions(t.Context(), []int64{id})
			if err != nil || len(last) != 1 {
				t.Fatalf("%d positions, %v", len(last), err)
			}
			m.refused(t, method, "/api"+path, last[0].ID, nobody, "")
		})
	}
}
