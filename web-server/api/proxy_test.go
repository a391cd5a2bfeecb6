package api

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

func TestTrustedProxy(t *testing.T) {
	headers := []string{"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.1.2.3", "X-Forwarded-Proto", "https"}
	trusting := settings(t, func(c *Config, _ *Deps) { c.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8"} })
	u := trusting.user("ann", false)
	a := trusting.client().do("POST", "/api/session", login(u.Email, testPassword), headers...)
	if a.code != 200 || !strings.Contains(a.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("behind TLS: %d, cookie %q", a.code, a.header.Get("Set-Cookie"))
	}
	if log := trusting.logged(); !strings.Contains(log, "remote=203.0.113.9:0") || strings.Contains(log, "6.6.6.6") {
		t.Errorf("log: %s", log)
	}

	wary := newEnv(t)
	u = wary.user("ann", false)
	a = wary.client().do("POST", "/api/session", login(u.Email, testPassword), headers...)
	if a.code != 200 || strings.Contains(a.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("from anybody: %d, cookie %q", a.code, a.header.Get("Set-Cookie"))
	}
	if strings.Contains(wary.logged(), "203.0.113.9") {
		t.Error("the word of anybody is taken")
	}
}

func TestClientAddress(t *testing.T) {
	proxies, err := parsePrefixes([]string{"10.0.0.0/8", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{proxies: proxies}
	for header, want := range map[string]string{
		"203.0.113.9":                        "203.0.113.9",
		"6.6.6.6, 203.0.113.9":               "203.0.113.9",
		"203.0.113.9,10.0.0.7,  2001:db8::1": "203.0.113.9",
		"10.0.0.8, 10.0.0.7":                 "10.0.0.8", // the client is in our network
		"::ffff:10.0.0.7":                    "10.0.0.7",
		"203.0.113.9:4711":                   "203.0.113.9",
		"[2001:db8::9]:4711":                 "2001:db8::9",
		"unknown, 10.0.0.7":                  "10.0.0.7",
		"":                                   "invalid IP",
		"unknown":                            "invalid IP",
	} {
		if have := s.client([]string{header}).String(); have != want {
			t.Errorf("%q: have %s, want %s", header, have, want)
		}
	}
	if !s.trusts(netip.MustParseAddr("::ffff:10.0.0.1")) || s.trusts(netip.Addr{}) {
		t.Error("mapped addresses or none")
	}
}

// Guesses at one account from behind a proxy do not keep its owner out, who
// comes from another address.
func TestThrottleBehindProxy(t *testing.T) {
	e := settings(t, func(c *Config, _ *Deps) { c.TrustedProxies = []string{"127.0.0.1"} })
	u := e.user("ann", false)
	from := func(address, password string) int {
		return e.client().do("POST", "/api/session", login(u.Email, password), "X-Forwarded-For", address).code
	}
	if code := from("203.0.113.9", testPassword); code != http.StatusOK {
		t.Fatalf("the owner: %d", code)
	}
	last := 0
	for range 12 {
		last = from("198.51.100.1", "wrong horse")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the stranger: %d", last)
	}
	if code := from("203.0.113.9", testPassword); code != http.StatusOK {
		t.Errorf("the owner, after the stranger: %d", code)
	}
}

func TestAccountSettings(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"url":             func(c *Config) { c.URL = "track.example.org" },
		"without a path":  func(c *Config) { c.URL = "https://track.example.org/x" },
		"trusted-proxies": func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/33"} },
		"token-rate":      func(c *Config) { c.TokenRate = -1 },
		"max-connections": func(c *Config) { c.MaxConnections = 0 },
		"needs url":       func(c *Config) { c.OIDC.Issuer = "https://login.example.org" },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, c := range map[string]interface{ Validate() error }{
		"key-file":     TLSConfig{CertFile: "x"},
		"acme-domains": TLSConfig{CertFile: "x", KeyFile: "x", ACMEDomains: []string{"x"}},
		"needs":        TLSConfig{RedirectListen: ":80"},
		"address":      TLSConfig{ACMEDomains: []string{"x"}, RedirectListen: "80"},
		"issuer":       auth.OIDCConfig{Issuer: "login.example.org", ClientID: "x"},
		"client-id":    auth.OIDCConfig{Issuer: "https://login.example.org"},
		"nobody":       auth.OIDCConfig{Force: true},
	} {
		if err := c.Validate(); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
