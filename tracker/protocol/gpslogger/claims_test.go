package gpslogger

import (
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		path, body string
		want       bool
	}{
		{"/gpslogger/anna", "", true},
		{"/gpslogger", "", true},
		{"/api/webhook/x", "latitude=1", true},
		{"/api/webhook/x", `{"type":"update_location"}`, false},
		{"/", "", false},
	} {
		if have := claims(&protocol.Request{Path: c.path, Body: []byte(c.body)}); have != c.want {
			t.Errorf("%s %s: %v", c.path, c.body, have)
		}
	}
}

func TestRefusals(t *testing.T) {
	for query, want := range map[string]error{"lat=1&lon=2": protocol.ErrNoIdentity, "id=1&lat=%LAT&lon=2": data.ErrInvalid, "id=1&lat=x": data.ErrInvalid} {
		if _, err := read(&protocol.Request{Path: "/gpslogger", Query: query}, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", query, err, want)
		}
	}
}
