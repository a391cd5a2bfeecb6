package data

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestPositionJSON(t *testing.T) {
	p := Position{
		ID: 5, DeviceID: 7, Protocol: "gt06",
		ServerTime: time.Date(2026, 3, 1, 13, 0, 0, 123456789, time.FixedZone("", 3600)),
		DeviceTime: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Valid:      true, Latitude: 52.5, Longitude: -13, SpeedKnots: 1e-9,
	}
	p.Attributes.SetInt("sat", 9)
	want := `{"id":5,"deviceId":7,"protocol":"gt06","serverTime":"2026-03-01T12:00:00.123+00:00",` +
		`"deviceTime":"2026-03-01T12:00:00.000+00:00","fixTime":"1970-01-01T00:00:00.000+00:00","outdated":false,"valid":true,"latitude":52.5,` +
		`"longitude":-13.0,"altitude":0.0,"speed":1e-09,"course":0.0,"address":null,"accuracy":0.0,"network":null,` +
		`"geofenceIds":null,"attributes":{"sat":9}}`
	if have := string(p.AppendJSON(nil)); have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
	if !json.Valid(p.AppendJSON(nil)) {
		t.Error("not JSON")
	}
}

// TestGeofenceIDs: the attribute becomes a field, whatever a device has put there.
func TestGeofenceIDs(t *testing.T) {
	for text, want := range map[string]string{
		"": "null", "7": "[7]", "7,12": "[7,12]", "7,": "null", ",7": "null", "7,,8": "null", `7],"x":[1`: "null", "a": "null",
	} {
		p := Position{}
		p.Attributes.SetInt("sat", 9)
		p.Attributes.SetString(GeofenceIDs, text)
		b := string(p.AppendJSON(nil))
		if !json.Valid([]byte(b)) || !strings.HasSuffix(b, `"geofenceIds":`+want+`,"attributes":{"sat":9}}`) {
			t.Errorf("%q: %s", text, b)
		}
	}
}

// TestAddress: the attribute becomes a field.
func TestAddress(t *testing.T) {
	for text, want := range map[string]string{"": "null", "Depot · 300 m NE": `"Depot · 300 m NE"`, `a"b`: `"a\"b"`} {
		p := Position{}
		p.Attributes.SetInt("sat", 9)
		if text != "" {
			p.Attributes.SetString(Address, text)
		}
		b := string(p.AppendJSON(nil))
		if !json.Valid([]byte(b)) || !strings.Contains(b, `,"address":`+want+`,"accuracy":`) || !strings.HasSuffix(b, `"attributes":{"sat":9}}`) {
			t.Errorf("%q: %s", text, b)
		}
	}
}

func TestDeviceJSON(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := Device{
		ID: 1, Name: `Anna's "car"`, UniqueID: "860123", LastUpdate: now.Add(-time.Minute), PositionID: 9,
		Category: "car", Attributes: map[string]any{"decoder.model": "x"},
	}
	want := `{"id":1,"attributes":{"decoder.model":"x"},"groupId":0,"calendarId":0,"name":"Anna's \"car\"","uniqueId":"860123",` +
		`"status":"online","lastUpdate":"2026-03-01T11:59:00.000+00:00","positionId":9,"phone":null,"model":null,` +
		`"contact":null,"category":"car","disabled":false,"expirationTime":null}`
	if have := string(d.AppendJSON(nil, now)); have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
}

func TestDeviceStatus(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		last time.Time
		want string
	}{
		{time.Time{}, StatusUnknown},
		{now, StatusOnline},
		{now.Add(-SilentAfter + 1), StatusOnline},
		{now.Add(-SilentAfter), StatusUnknown},
	} {
		d := Device{LastUpdate: c.last}
		if have := d.Status(now); have != c.want {
			t.Errorf("%v: %s, want %s", c.last, have, c.want)
		}
	}
}

func TestAcceptsAndActive(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		disabled bool
		expires  time.Time
		want     bool
	}{
		{false, time.Time{}, true},
		{true, time.Time{}, false},
		{false, now.Add(1), true},
		{false, now, false},
	} {
		d, u := Device{Disabled: c.disabled, ExpiresAt: c.expires}, User{Disabled: c.disabled, ExpiresAt: c.expires}
		if d.Accepts(now) != c.want || u.Active(now) != c.want {
			t.Errorf("disabled %v, expires %v: %v and %v, want %v", c.disabled, c.expires, d.Accepts(now), u.Active(now), c.want)
		}
	}
}
