package ui_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/waymark-gps/waymark/web-server/ui"
)

func get(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPagesGetIndex(t *testing.T) {
	h := ui.Handler()
	for _, p := range []string{"/", "/index.html", "/map?d=12&z=8.1/52.5/13.4", "/history/12/2026-11-21", "/settings", "/apiary"} {
		res := get(t, h, "GET", p)
		b := body(t, res)
		if res.StatusCode != 200 || !strings.Contains(b, `<div id="app">`) {
			t.Errorf("%s: %d, want the page", p, res.StatusCode)
		}
		if got := res.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q", p, got)
		}
		if res.Header.Get("Content-Security-Policy") != ui.CSP {
			t.Errorf("%s: no policy", p)
		}
		if strings.Contains(b, "<style") || strings.Contains(b, "style=") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(b) {
			t.Errorf("%s: inline script or style, which the policy forbids", p)
		}
		etag := res.Header.Get("ETag")
		if again := get(t, h, "GET", p, "If-None-Match", "W/"+etag); again.StatusCode != 304 || etag == "" {
			t.Errorf("%s: %d for a known ETag, want 304", p, again.StatusCode)
		}
	}
}

func TestMissing(t *testing.T) {
	h := ui.Handler()
	for _, p := range []string{"/api", "/api/devices", "/assets", "/assets/app-OLD.js", "/favicon.ico", "/robots.txt", "/assets/../index.js"} {
		if res := get(t, h, "GET", p); res.StatusCode != 404 || strings.Contains(body(t, res), "<div") {
			t.Errorf("%s: %d, want a bare 404", p, res.StatusCode)
		}
	}
	if res := get(t, h, "POST", "/map"); res.StatusCode != 405 {
		t.Errorf("POST: %d, want 405", res.StatusCode)
	}
}

func TestAssets(t *testing.T) {
	h := ui.Handler()
	index := body(t, get(t, h, "GET", "/"))
	links := regexp.MustCompile(`(?:href|src)="(/[^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(links) < 4 {
		t.Fatalf("index names %d files: %s", len(links), index)
	}
	want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for _, l := range links {
		p := l[1]
		plain := get(t, h, "GET", p)
		text := body(t, plain)
		if plain.StatusCode != 200 || plain.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %q", p, plain.StatusCode, plain.Header.Get("Cache-Control"))
		}
		ext := p[strings.LastIndex(p, "."):]
		if got := plain.Header.Get("Content-Type"); got != want[ext] {
			t.Errorf("%s: type %q, want %q", p, got, want[ext])
		}
		for accept, want := range map[string]string{"gzip, deflate, br": "br", "gzip;q=0.8": "gzip", "br;q=0, gzip": "gzip"} {
			packed := get(t, h, "GET", p, "Accept-Encoding", accept)
			coding := packed.Header.Get("Content-Encoding")
			var unpacked io.Reader = packed.Body
			switch coding {
			case "gzip":
				z, err := gzip.NewReader(packed.Body)
				if err != nil {
					t.Fatal(err)
				}
				unpacked = z
			case "br":
				unpacked = brotli.NewReader(packed.Body)
			}
			if b, err := io.ReadAll(unpacked); err != nil || string(b) != text {
				t.Errorf("%s: packed content differs (%v)", p, err)
			}
			if coding != want && len(text) > 16<<10 || coding == "" && len(text) > 1000 {
				t.Errorf("%s for %q: packed as %q", p, accept, coding)
			}
		}
		if no := get(t, h, "GET", p, "Accept-Encoding", "gzip;q=0"); no.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: packed for a client that refuses it", p)
		}
		head := get(t, h, "HEAD", p)
		if b := body(t, head); b != "" || head.ContentLength != int64(len(text)) && head.Header.Get("Content-Length") != plain.Header.Get("Content-Length") {
			t.Errorf("%s: HEAD gives %d bytes, length %s", p, len(b), head.Header.Get("Content-Length"))
		}
	}
}
