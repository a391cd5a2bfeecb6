package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/web-server/auth"
)

func FuzzExport(f *testing.F) {
	f.Add(`{"deviceIds":[3,1,3],"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00.123456+02:00","format":"gpx"}`)
	f.Add(`{"deviceIds":null,"from":null,"to":"","format":"kmz"}`)
	f.Fuzz(func(t *testing.T, body string) {
		o, err := readExport(httptest.NewRequest("POST", "/api/jobs/export", strings.NewReader(body)))
		if err != nil {
			return
		}
		if len(o.devices) == 0 || len(o.devices) > maxExportDevices || !slices.IsSorted(o.devices) || o.to.Before(o.from) || o.from.IsZero() || o.format.New == nil {
			t.Errorf("%s is taken for %+v", body, o)
		}
	})
}

// Nobody becomes somebody else, or guest of something else, by strange headers.
func FuzzHeaders(f *testing.F) {
	f.Add("Bearer wm_secret", "192.0.2.1, 10.0.0.1", "https", "/api/devices/7", "JSESSIONID=x", `W/"abc"`)
	f.Add("basic eDp5", "[2001:db8::1]:80", "HTTP,https", "/api/socket?token=share_x", "a=b; JSESSIONID=", "*")
	f.Add("bearer share_x", ",,1.2.3.4%eth0,::ffff:10.0.0.1", "", "/api//devices/../users", "", "")
	s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	f.Fuzz(func(t *testing.T, authorization, forwarded, proto, path, cookie, tag string) {
		r := httptest.NewRequest("GET", "/", nil)
		if u, err := r.URL.Parse(path); err == nil {
			r.URL = u
		}
		r.RemoteAddr = "10.1.2.3:4567"
		r.Header = http.Header{
			"Authorization": {authorization}, "X-Forwarded-For": {forwarded}, "X-Forwarded-Proto": {proto}, "Cookie": {cookie}, "If-None-Match": {tag},
		}
		if token, ok := shareToken(r); ok && !auth.IsShareToken(token) {
			t.Errorf("%q is a guest's", token)
		}
		if guestMay(r) && strings.Contains(r.URL.Path, "..") {
			t.Errorf("a guest may %q", r.URL.Path)
		}
		var seen *http.Request
		s.behindProxy(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r })).ServeHTTP(nil, r)
		if a := remoteAddr(seen); !a.IsValid() {
			t.Errorf("%q makes the address %q", forwarded, seen.RemoteAddr)
		}
		w := httptest.NewRecorder()
		if err := writeTagged(w, r, "application/json", []byte("[]")); err != nil || w.Code != 200 && w.Code != 304 {
			t.Errorf("%q: %d, %v", tag, w.Code, err)
		}
		refuse(w, seen, 404, path)
	})
}

// What an error says stays JSON.
func FuzzProblem(f *testing.F) {
	f.Add("there is no such object", 404)
	f.Add("\x00\"\\\u2028\xff</script>", 400)
	f.Fuzz(func(t *testing.T, detail string, code int) {
		if code < 400 || code > 599 {
			return
		}
		w := httptest.NewRecorder()
		refuse(w, httptest.NewRequest("GET", "/api/tokens", nil), code, detail)
		var p struct{ Status int }
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != code {
			t.Errorf("%q: %v in %s", detail, err, w.Body)
		}
	})
}
