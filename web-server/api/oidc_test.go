package api

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// provider is an OpenID Connect provider on loopback, with real signatures.
type provider struct {
	t   *testing.T
	url string
	now func() time.Time

	mu  sync.Mutex
	key *rsa.PrivateKey
	// signer signs tokens; another one than key is a forger.
	signer *rsa.PrivateKey
	// claims are what it says about the person who comes next, info what its
	// user info endpoint adds.
	claims, info map[string]any
	// codes are those given out, with the query that asked for them.
	codes map[string]url.Values
	down  bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, signer: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		p.answer(w, map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"userinfo_endpoint": p.url + "/me", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", p.token)
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer access" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		p.answer(w, p.info)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// approve is the person who says yes at the address: it returns where the
// provider sends the browser back to.
func (p *provider) approve(address string) string {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if u.Host != strings.TrimPrefix(p.url, "http://") || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		q.Get("client_id") != "waymark" || !strings.Contains(q.Get("scope"), "openid") || q.Get("redirect_uri") != trackURL+"/api/session/openid/callback" {
		p.t.Errorf("sent to %s", address)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := fmt.Sprint("code", len(p.codes))
	p.codes[code] = q
	return "/api/session/openid/callback?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, known := p.codes[r.PostFormValue("code")]
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	user, secret, _ := r.BasicAuth()
	if !known || user != "waymark" || secret != "s3cret" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
		w.WriteHeader(http.StatusBadRequest)
		p.answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	delete(p.codes, r.PostFormValue("code"))
	claims := map[string]any{
		"iss": p.url, "aud": "waymark", "nonce": asked.Get("nonce"), "iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix(),
	}
	for key, value := range p.claims {
		claims[key] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.signer, KeyID: "1"}}, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	id, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		p.t.Error(err)
		return
	}
	p.answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": id})
}

// says sets what the provider says about the next person.
func (p *provider) says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

func openIDEnv(t *testing.T, set func(*Config)) (*env, *provider) {
	p := newProvider(t)
	e := settings(t, func(c *Config, _ *Deps) {
		c.URL = trackURL
		c.OIDC.Issuer, c.OIDC.ClientID, c.OIDC.ClientSecret, c.OIDC.Name = p.url, "waymark", "s3cret", "Example"
		set(c)
	})
	p.now = e.clock
	return e, p
}

// begin starts a sign-in and returns where the browser is sent.
func (c *client) begin() string {
	c.e.t.Helper()
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := c.do("GET", "/api/session/openid/auth", nil)
	if a.code != 303 {
		c.e.t.Fatalf("auth: %d %s", a.code, a.body)
	}
	return a.header.Get("Location")
}

// viaOpenID signs in at the provider and returns the answer of the callback.
func (c *client) viaOpenID(p *provider) answer {
	c.e.t.Helper()
	return c.do("GET", p.approve(c.begin()), nil)
}

func person(sub, email string, groups ...string) map[string]any {
	return map[string]any{"sub": sub, "email": email, "email_verified": true, "name": "Person " + sub, "groups": groups}
}

func TestOpenID(t *testing.T) {
	e, p := openIDEnv(t, func(c *Config) { c.OIDC.AdminGroup, c.OIDC.AccessGroup = "admins", "fleet" })
	e.user("root", true)
	ann := e.user("ann", false)
	if got := e.client().want(200, "GET", "/api/server", nil); !strings.Contains(got, `"openIdEnabled":true,"openIdForce":false`) {
		t.Errorf("server: %s", got)
	}

	// A verified e-mail finds the account there is; from then on the person does.
	p.says(person("1", "Ann@example.org", "fleet"))
	c := e.client()
	if a := c.viaOpenID(p); a.code != 303 || a.header.Get("Location") != "/" {
		t.Fatalf("callback: %d %s", a.code, a.body)
	}
	if got := c.want(200, "GET", "/api/session", nil); !strings.Contains(got, fmt.Sprintf(`{"id":%d,`, ann.ID)) {
		t.Errorf("signed in as %s", got)
	}
	p.says(person("1", "changed@example.org", "fleet", "admins"))
	c = e.client()
	c.viaOpenID(p)
	if got := c.want(200, "GET", "/api/session", nil); !strings.Contains(got, fmt.Sprintf(`{"id":%d,`, ann.ID)) || !strings.Contains(got, `"administrator":true`) {
		t.Errorf("signed in as %s", got)
	}
	p.says(person("1", "changed@example.org", "fleet"))
	c.viaOpenID(p)
	c.want(403, "GET", "/api/audit", nil)

	// A stranger gets an account of their own.
	p.says(person("2", "new@example.org", "fleet"))
	c = e.client()
	c.viaOpenID(p)
	if got := c.want(200, "GET", "/api/session", nil); !strings.Contains(got, `"name":"Person 2"`) || !strings.Contains(got, `"administrator":false`) {
		t.Errorf("signed in as %s", got)
	}
	c.want(401, "POST", "/api/session", login("new@example.org", ""))

	// Groups and e-mail may be at the user info endpoint only.
	p.says(map[string]any{"sub": "3"})
	p.info = person("3", "info@example.org", "fleet")
	if a := e.client().viaOpenID(p); a.code != 303 {
		t.Errorf("user info: %d %s", a.code, a.body)
	}
	p.info = person("4", "info@example.org", "fleet")
	if a := e.client().viaOpenID(p); a.code != 403 {
		t.Errorf("user info of somebody else: %d %s", a.code, a.body)
	}

	unverified := person("5", ann.Email, "fleet")
	unverified["email_verified"] = false
	expired := person("1", "", "fleet")
	expired["exp"] = e.clock().Add(-time.Hour).Unix()
	foreign := person("1", "", "fleet")
	foreign["aud"] = "another client"
	replayed := person("1", "", "fleet")
	replayed["nonce"] = "old"
	for what, claims := range map[string]map[string]any{
		"not in the group": person("1", ann.Email, "others"), "unverified e-mail": unverified, "expired": expired,
		"for another client": foreign, "another nonce": replayed,
	} {
		p.info = person(fmt.Sprint(claims["sub"]), "")
		p.says(claims)
		c := e.client()
		if a := c.viaOpenID(p); a.code != 403 {
			t.Errorf("%s: %d %s", what, a.code, a.body)
		}
		c.want(404, "GET", "/api/session", nil)
	}
	forger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.says(person("1", ann.Email, "fleet"))
	p.signer = forger
	if a := e.client().viaOpenID(p); a.code != 403 {
		t.Errorf("forged: %d %s", a.code, a.body)
	}
}

func TestOpenIDState(t *testing.T) {
	e, p := openIDEnv(t, func(*Config) {})
	p.says(person("1", "ann@example.org"))
	c, other := e.client(), e.client()
	back := p.approve(c.begin())
	if a := other.do("GET", back, nil); a.code != 403 {
		t.Errorf("in a browser that did not begin: %d %s", a.code, a.body)
	}
	c.want(303, "GET", back, nil)
	if a := c.do("GET", back, nil); a.code != 403 {
		t.Errorf("again: %d %s", a.code, a.body)
	}
	late := p.approve(c.begin())
	e.advance(11 * time.Minute)
	if a := c.do("GET", late, nil); a.code != 403 {
		t.Errorf("too late: %d %s", a.code, a.body)
	}
	u, _ := url.Parse(c.begin())
	refused := "/api/session/openid/callback?" + url.Values{"error": {"access_denied"}, "state": {u.Query().Get("state")}}.Encode()
	if a := c.do("GET", refused, nil); a.code != 403 || !strings.Contains(a.body, "Example did not sign you in") {
		t.Errorf("refused: %d %s", a.code, a.body)
	}
	u, _ = url.Parse(c.begin())
	guessed := "/api/session/openid/callback?" + url.Values{"code": {"guess"}, "state": {u.Query().Get("state")}}.Encode()
	if a := c.do("GET", guessed, nil); a.code != 403 {
		t.Errorf("a guessed code: %d %s", a.code, a.body)
	}
}

// A provider that is down is an answer that says so, and is asked again later.
func TestOpenIDDown(t *testing.T) {
	e, p := openIDEnv(t, func(*Config) {})
	p.down = true
	c := e.client()
	c.want(503, "GET", "/api/session/openid/auth", nil)
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	c.want(503, "GET", "/api/session/openid/auth", nil) // it is left alone for a moment
	e.advance(6 * time.Second)
	c.begin()
	newEnv(t).client().want(404, "GET", "/api/session/openid/auth", nil)
}

// The provider is the only way in for all but administrators, and the last of
// those stays one.
func TestOpenIDForce(t *testing.T) {
	e, p := openIDEnv(t, func(c *Config) { c.OIDC.Force, c.OIDC.AdminGroup = true, "admins" })
	root, ann := e.user("root", true), e.user("ann", false)
	e.client().want(403, "POST", "/api/session", login(ann.Email, testPassword))
	e.basic(ann).want(403, "GET", "/api/devices", nil)
	e.client().signIn(root)
	p.says(person("1", root.Email, "others"))
	c := e.client()
	c.viaOpenID(p)
	c.want(200, "GET", "/api/audit", nil)
	list, err := e.store.ListUsers(t.Context())
	if err != nil || len(list) != 2 || !list[1].Administrator || list[1].ID != root.ID {
		t.Errorf("users %+v, %v", list, err)
	}
}
