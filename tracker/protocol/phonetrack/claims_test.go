package phonetrack

import (
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestAddress(t *testing.T) {
	for path, want := range map[string][2]string{
		"/apps/phonetrack/log/gpslogger/abc/anna":      {"abc", "anna"},
		"/index.php/apps/phonetrack/logGet/abc/anna/2": {"abc", "anna/2"},
		"/apps/phonetrack/logPost/abc":                 {"abc", ""},
		"/apps/phonetrack/log/gpslogger":               {"", ""},
		"/apps/phonetrack/":                            {"", ""},
	} {
		r := &protocol.Request{Path: path}
		token, device := address(r)
		if token != want[0] || device != want[1] || secret(r) != token || !claims(r) {
			t.Errorf("%s: %q %q", path, token, device)
		}
	}
	if claims(&protocol.Request{Path: "/"}) {
		t.Error("claims everything")
	}
}

func TestRefusals(t *testing.T) {
	for path, want := range map[string]error{
		"/apps/phonetrack/log/gpslogger/abc": protocol.ErrNoIdentity, "/apps/phonetrack/api/anna": data.ErrInvalid,
	} {
		if _, err := read(&protocol.Request{Path: path, Query: "lat=1&lon=2"}, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}
