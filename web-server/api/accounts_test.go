package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// accountProbes are those of the ways to sign in: everybody has their own.
func accountProbes() map[string]probe {
	own := harmless("works on the sender's own account only")
	secret := harmless("takes a secret that only its owner has")
	return map[string]probe{
		"POST /session/token":        own,
		"POST /session/token/revoke": own,
		"GET /tokens": func(t *testing.T, m *member) {
			m.token(data.ScopeFull, time.Time{})
			m.foreign(data.UserKind, func(id int64) { m.refused(t, "GET", "/api/tokens?userId={id}", id, nobody, "") })
			var list []struct{ UserID int64 }
			if err := json.Unmarshal([]byte(m.want(200, "GET", "/api/tokens", nil)), &list); err != nil || len(list) != 1 || list[0].UserID != m.ID {
				t.Errorf("%s: tokens %v, %v", m.Name, list, err)
			}
		},
		"POST /tokens": own,
		"DELETE /tokens/{id}": func(t *testing.T, m *member) {
			m.foreign(data.UserKind, func(id int64) {
				tok := data.Token{UserID: id, Hash: auth.HashToken(fmt.Sprint(m.ID, id))}
				if err := m.u.e.store.CreateToken(t.Context(), &tok); err != nil {
					t.Fatal(err)
				}
				m.refused(t, "DELETE", "/api/tokens/{id}", tok.ID, nobody, "")
				if _, err := m.u.e.store.Token(t.Context(), tok.ID, m.u.e.clock()); err != nil {
					t.Errorf("%s revoked a token of %d: %v", m.Name, id, err)
				}
				if err := m.u.e.store.DeleteToken(t.Context(), id, tok.ID); err != nil {
					t.Fatal(err)
				}
			})
		},
		"POST /users/totp": own, "GET /totp": own, "POST /totp": own, "DELETE /totp": own, "POST /totp/recovery": own,
		"DELETE /users/{id}/totp": func(t *testing.T, m *member) {
			m.foreign(data.UserKind, func(id int64) { m.refused(t, "DELETE", "/api/users/{id}/totp", id, nobody, "") })
		},
		"GET /passkeys": own, "POST /passkeys/options": own, "POST /passkeys": own,
		"DELETE /passkeys/{id}": func(t *testing.T, m *member) {
			m.foreign(data.UserKind, func(id int64) {
				k := data.Passkey{UserID: id, CredentialID: fmt.Append(nil, m.ID, id)}
				if err := m.u.e.store.CreatePasskey(t.Context(), &k); err != nil {
					t.Fatal(err)
				}
				m.refused(t, "DELETE", "/api/passkeys/{id}", k.ID, nobody, "")
				if _, err := m.u.e.store.PasskeyByCredential(t.Context(), k.CredentialID); err != nil {
					t.Errorf("%s removed a passkey of %d: %v", m.Name, id, err)
				}
			})
		},
		"POST /session/passkey/options": secret, "POST /session/passkey": secret,
		"GET /session/openid/auth": secret, "GET /session/openid/callback": secret,
		"POST /password/reset":  harmless("answers the same for every e-mail"),
		"POST /password/update": secret,
	}
}

// codeAt is what an authenticator app shows.
func codeAt(t *testing.T, key string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(key, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestTOTP(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	if got := c.want(200, "GET", "/api/totp", nil); !strings.Contains(got, `"enabled":false`) {
		t.Errorf("at first: %s", got)
	}
	e.basic(ann).want(200, "GET", "/api/devices", nil)
	key := c.want(200, "POST", "/api/users/totp", nil)
	// A key without a code would lock people out.
	self := fmt.Sprintf("/api/users/%d", ann.ID)
	if got := c.want(400, "PUT", self, map[string]string{"totpKey": key}); !strings.Contains(got, "/api/totp") {
		t.Errorf("a key without a code: %s", got)
	}
	for _, none := range []any{nil, ""} {
		if got := c.want(200, "PUT", self, map[string]any{"totpKey": none}); !strings.Contains(got, `"totpKey":null`) {
			t.Errorf("no key: %s", got)
		}
	}
	c.want(400, "POST", "/api/totp", map[string]string{"key": key, "code": "000000"})
	c.want(400, "POST", "/api/totp", map[string]string{"key": "%%", "code": "000000"})
	var made struct{ RecoveryCodes []string }
	body := c.want(200, "POST", "/api/totp", map[string]string{"key": key, "code": codeAt(t, key, e.clock())})
	if err := json.Unmarshal([]byte(body), &made); err != nil || len(made.RecoveryCodes) != 10 {
		t.Fatalf("%v in %s", err, body)
	}
	e.basic(ann).want(401, "GET", "/api/devices", nil) // also for a password that was right a moment ago

	signIn := func(code string) answer {
		f := login(ann.Email, testPassword)
		if code != "" {
			f.Set("code", code)
		}
		return e.client().do("POST", "/api/session", f)
	}
	if a := signIn(""); a.code != 401 || a.header.Get("WWW-Authenticate") != "TOTP" {
		t.Errorf("without a code: %d %q", a.code, a.header.Get("WWW-Authenticate"))
	}
	if a := e.client().do("POST", "/api/session", login(ann.Email, "wrong horse")); a.code != 401 || a.header.Get("WWW-Authenticate") == "TOTP" {
		t.Errorf("a wrong password: %d %q", a.code, a.header.Get("WWW-Authenticate"))
	}
	if a := signIn(codeAt(t, key, e.clock())); a.code != 401 {
		t.Errorf("the code of the setup again: %d", a.code)
	}
	e.advance(30 * time.Second)
	code := codeAt(t, key, e.clock())
	if a := signIn(code[:3] + " " + code[3:]); a.code != 200 {
		t.Errorf("a right code: %d %s", a.code, a.body)
	}
	if a := signIn(code); a.code != 401 || a.header.Get("WWW-Authenticate") != "TOTP" {
		t.Errorf("the same code again: %d", a.code)
	}
	e.advance(time.Minute)
	if a := signIn(codeAt(t, key, e.clock().Add(-2*time.Minute))); a.code != 401 {
		t.Errorf("an old code: %d", a.code)
	}
	if a := signIn(strings.ToUpper(made.RecoveryCodes[3])); a.code != 200 {
		t.Errorf("a recovery code: %d %s", a.code, a.body)
	}
	if a := signIn(made.RecoveryCodes[3]); a.code != 401 {
		t.Errorf("the same again: %d", a.code)
	}
	if got := c.want(200, "GET", "/api/totp", nil); !strings.Contains(got, `"recoveryCodes":9`) {
		t.Errorf("left: %s", got)
	}

	// Changes take a code; an administrator helps who has lost everything.
	e.advance(time.Minute)
	c.want(403, "DELETE", "/api/totp", map[string]string{})
	c.want(403, "DELETE", "/api/totp", map[string]string{"code": "000000"})
	c.want(403, "POST", "/api/totp", map[string]string{"key": key, "code": codeAt(t, key, e.clock())})
	c.want(403, "DELETE", fmt.Sprintf("/api/users/%d/totp", ann.ID), nil)
	c.want(200, "POST", "/api/totp/recovery", map[string]string{"code": made.RecoveryCodes[0]})
	c.want(403, "DELETE", "/api/totp", map[string]string{"code": made.RecoveryCodes[1]}) // replaced
	root := e.client().signIn(e.user("root", true))
	root.want(204, "DELETE", fmt.Sprintf("/api/users/%d/totp", ann.ID), nil)
	if a := signIn(""); a.code != 200 {
		t.Errorf("without a second factor: %d", a.code)
	}
	for _, secret := range append(made.RecoveryCodes, key, code) {
		if strings.Contains(e.logged(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// Whoever has the password does not get to guess codes, and a right code works
// again within a minute.
func TestTOTPThrottle(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	key := c.want(200, "POST", "/api/users/totp", nil)
	c.want(200, "POST", "/api/totp", map[string]string{"key": key, "code": codeAt(t, key, e.clock())})
	f := login(ann.Email, testPassword)
	var a answer
	for i := range 6 {
		f.Set("code", fmt.Sprintf("%06d", i))
		a = e.client().do("POST", "/api/session", f)
	}
	if a.code != 429 || !strings.Contains(a.body, "wrong codes") {
		t.Fatalf("the sixth guess: %d %s", a.code, a.body)
	}
	e.advance(time.Minute)
	f.Set("code", codeAt(t, key, e.clock()))
	if a = e.client().do("POST", "/api/session", f); a.code != 200 {
		t.Errorf("a right code after a minute: %d %s", a.code, a.body)
	}
}

// outbox keeps mails.
type outbox struct {
	mu   sync.Mutex
	all  []mail.Message
	fail error
}

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, m)
	return o.fail
}

func (o *outbox) mails() []mail.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

var resetLink = regexp.MustCompile(`https://track\.example\.org/reset-password\?passwordReset=([A-Za-z0-9_-]{43})\n`)

func TestPasswordReset(t *testing.T) {
	box := &outbox{}
	e := settings(t, func(c *Config, d *Deps) { c.URL, d.Mail = "https://track.example.org", box })
	ann := e.user("ann", false)
	signedIn := e.client().signIn(ann)
	c := e.client()
	if got := c.want(200, "GET", "/api/server", nil); !strings.Contains(got, `"emailEnabled":true`) {
		t.Errorf("server: %s", got)
	}
	stranger := c.do("POST", "/api/password/reset", url.Values{"email": {"nobody@example.org"}})
	known := c.do("POST", "/api/password/reset", url.Values{"email": {"ANN@example.org"}})
	if stranger.code != 204 || known.code != 204 || stranger.body != known.body {
		t.Errorf("stranger %d %q, known %d %q", stranger.code, stranger.body, known.code, known.body)
	}
	e.eventually("the mail is sent", func() bool { return len(box.mails()) == 1 })
	m := box.mails()[0]
	link := resetLink.FindStringSubmatch(m.Text)
	if m.To != ann.Email || link == nil {
		t.Fatalf("mail: %+v", m)
	}
	use := func(code int, token, password string) {
		t.Helper()
		c.want(code, "POST", "/api/password/update", url.Values{"token": {token}, "password": {password}})
	}
	use(400, "guess", "a new password")
	use(400, link[1], "short")
	use(204, link[1], "a new password")
	use(400, link[1], "another password")
	signedIn.want(404, "GET", "/api/session", nil)
	c.want(401, "POST", "/api/session", login(ann.Email, testPassword))
	c.want(200, "POST", "/api/session", login(ann.Email, "a new password"))

	// Two more mails, then it is enough for a while; both links end with one use,
	// or with the hour.
	for range 5 {
		c.want(204, "POST", "/api/password/reset", url.Values{"email": {ann.Email}})
	}
	marker := e.user("marker", false) // mails go in order
	c.want(204, "POST", "/api/password/reset", url.Values{"email": {marker.Email}})
	e.eventually("the last mail is sent", func() bool {
		all := box.mails()
		return len(all) > 1 && all[len(all)-1].To == marker.Email
	})
	all := box.mails()
	if len(all) != 4 {
		t.Fatalf("%d mails", len(all))
	}
	second, third := resetLink.FindStringSubmatch(all[1].Text)[1], resetLink.FindStringSubmatch(all[2].Text)[1]
	use(204, second, "a third password")
	use(400, third, "a fourth password")
	e.advance(time.Hour)
	use(400, resetLink.FindStringSubmatch(all[3].Text)[1], "a fifth password")
	if strings.Contains(e.logged(), second) || strings.Contains(e.logged(), "a third password") {
		t.Error("a secret is in the log")
	}
	box.mu.Lock()
	box.fail = errors.New("mailbox full")
	box.mu.Unlock()
	c.want(204, "POST", "/api/password/reset", url.Values{"email": {marker.Email}})
	e.eventually("the failure is logged", func() bool { return strings.Contains(e.logged(), "mailbox full") })
}

func TestPasswordResetWithoutMail(t *testing.T) {
	e := newEnv(t)
	if body := e.client().want(400, "POST", "/api/password/reset", url.Values{"email": {"a@example.org"}}); !strings.Contains(body, "administrator") {
		t.Errorf("answer: %s", body)
	}
}

const trackURL = "https://track.example.org"

func TestPasskeys(t *testing.T) {
	e := settings(t, func(c *Config, _ *Deps) { c.URL = trackURL })
	ann, bob := e.user("ann", false), e.user("bob", false)
	c := e.client().signIn(ann)
	rp := virtualwebauthn.RelyingParty{ID: "track.example.org", Name: "Waymark", Origin: trackURL}
	phone := virtualwebauthn.NewAuthenticator()
	phone.Options.UserHandle = []byte{0, 0, 0, 0, 0, 0, 0, byte(ann.ID)}
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)

	create := func(c *client, rp virtualwebauthn.RelyingParty, phone virtualwebauthn.Authenticator) string {
		t.Helper()
		options, err := virtualwebauthn.ParseAttestationOptions(c.want(200, "POST", "/api/passkeys/options", nil))
		if err != nil {
			t.Fatal(err)
		}
		return virtualwebauthn.CreateAttestationResponse(rp, phone, key, *options)
	}
	made := create(c, rp, phone)
	e.client().signIn(bob).want(400, "POST", "/api/passkeys?name=x", made) // begun by another account, and so used up
	c.want(400, "POST", "/api/passkeys?name=x", made)
	elsewhere := rp
	elsewhere.Origin = "https://evil.example.org"
	c.want(400, "POST", "/api/passkeys?name=x", create(c, elsewhere, phone))
	unverified := phone
	unverified.Options.UserNotVerified = true
	c.want(400, "POST", "/api/passkeys?name=x", create(c, rp, unverified))
	c.want(400, "POST", "/api/passkeys?name=x", "{}")
	body := c.want(200, "POST", "/api/passkeys?name=Phone", create(c, rp, phone))
	var p struct{ ID int64 }
	if err := json.Unmarshal([]byte(body), &p); err != nil || !strings.Contains(body, `"name":"Phone"`) {
		t.Fatalf("%v in %s", err, body)
	}

	assert := func(rp virtualwebauthn.RelyingParty, phone virtualwebauthn.Authenticator, key virtualwebauthn.Credential) string {
		t.Helper()
		options, err := virtualwebauthn.ParseAssertionOptions(e.client().want(200, "POST", "/api/session/passkey/options", nil))
		if err != nil {
			t.Fatal(err)
		}
		return virtualwebauthn.CreateAssertionResponse(rp, phone, key, *options)
	}
	key.Counter++
	b := e.client()
	right := assert(rp, phone, key)
	if body := b.want(200, "POST", "/api/session/passkey", right); !strings.Contains(body, `"email":"ann@example.org"`) {
		t.Errorf("signed in as %s", body)
	}
	b.want(200, "GET", "/api/devices", nil)
	b.want(401, "POST", "/api/session/passkey", right) // replayed
	b.want(401, "POST", "/api/session/passkey", assert(elsewhere, phone, key))
	b.want(401, "POST", "/api/session/passkey", assert(rp, unverified, key))
	b.want(401, "POST", "/api/session/passkey", assert(rp, phone, virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)))
	copied := key
	b.want(401, "POST", "/api/session/passkey", assert(rp, phone, copied)) // its counter stands still
	key.Counter++
	late := assert(rp, phone, key)
	e.advance(6 * time.Minute)
	b.want(401, "POST", "/api/session/passkey", late)
	if got := c.want(200, "GET", "/api/passkeys", nil); !strings.Contains(got, `"lastUsedTime":"2026-03-01T12:00:00`) {
		t.Errorf("list: %s", got)
	}
	e.client().signIn(bob).want(404, "DELETE", fmt.Sprintf("/api/passkeys/%d", p.ID), nil)
	c.want(204, "DELETE", fmt.Sprintf("/api/passkeys/%d", p.ID), nil)
	key.Counter++
	b.want(401, "POST", "/api/session/passkey", assert(rp, phone, key))
	newEnv(t).client().want(400, "POST", "/api/session/passkey/options", nil)
}

// Everything about accounts is in the audit.
func TestAccountAudit(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	tok := c.token(data.ScopeReadonly, time.Time{})
	c.want(204, "DELETE", fmt.Sprintf("/api/tokens/%d", tok.ID), nil)
	key := c.want(200, "POST", "/api/users/totp", nil)
	c.want(200, "POST", "/api/totp", map[string]string{"key": key, "code": codeAt(t, key, e.clock())})
	list, err := e.store.ListAudit(t.Context(), storage.AuditFilter{UserID: ann.ID})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, a := range list {
		if a.Address != "127.0.0.1" {
			t.Errorf("address %q", a.Address)
		}
		have = append(have, a.Action+" "+a.ObjectType)
	}
	if got := strings.Join(have, ", "); got != "create totp, revoke token, create token, signIn user" {
		t.Errorf("audit: %s", got)
	}
}
