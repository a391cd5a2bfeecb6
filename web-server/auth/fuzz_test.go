package auth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// FuzzClaims makes a person of what a provider may say. Only a verified e-mail
// counts, and only members of the group are administrators.
func FuzzClaims(f *testing.F) {
	f.Add(`{"name":"Ann","email":"ann@example.org","email_verified":true,"groups":["admins"]}`)
	f.Add(`{"email":" ANN@EXAMPLE.ORG ","email_verified":"true","groups":"admins"}`)
	f.Add(`{"name":7,"email":["a"],"groups":[1,{"admins":true}]}`)
	c := DefaultOIDCConfig()
	c.AdminGroup = "admins"
	o := &OIDC{config: c}
	f.Fuzz(func(t *testing.T, text string) {
		var claims map[string]any
		if json.Unmarshal([]byte(text), &claims) != nil {
			return
		}
		p, err := o.person(&oidc.IDToken{Issuer: "https://login.example.org", Subject: "s"}, claims)
		if err != nil {
			return
		}
		verified := claims["email_verified"] == true || claims["email_verified"] == "true"
		if p.Email != "" && !verified {
			t.Errorf("%s: the e-mail %q was not verified", text, p.Email)
		}
		if normal, err := NormalEmail(p.Email); p.Email != "" && (err != nil || normal != p.Email) {
			t.Errorf("%s: the e-mail is %q", text, p.Email)
		}
		if *p.Administrator && !strings.Contains(text, "admins") && !strings.Contains(text, `\`) {
			t.Errorf("%s makes an administrator", text)
		}
	})
}

// FuzzStoredPasswords reads stored passwords, which imports bring from
// elsewhere: the cost of checking one is bounded.
func FuzzStoredPasswords(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$$")
	f.Add(importedPrefix + "i=1000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Fuzz(func(t *testing.T, text string) {
		if p, threads, salt, hash, err := decodePHC(text); err == nil &&
			(p.MemoryKiB > maxMemoryKiB || p.Passes < 1 || p.Passes > maxPasses || threads < 1 || len(hash) < 16 || len(salt) < 8) {
			t.Errorf("%q is taken: %+v", text, p)
		}
		if n, _, hash, err := decodeImported(text); err == nil && (n < 1 || n > maxIterations || len(hash) < 16) {
			t.Errorf("%q is taken: %d", text, n)
		}
	})
}

// FuzzSecrets looks at what is sent as a token or a code.
func FuzzSecrets(f *testing.F) {
	f.Add("share_abc")
	f.Add("wm_abc")
	f.Add(" ann@Example.org\t")
	f.Fuzz(func(t *testing.T, text string) {
		if IsShareToken(text) && !strings.HasPrefix(text, "share_") {
			t.Errorf("%q is a share's", text)
		}
		if email, err := NormalEmail(text); err == nil {
			if again, err := NormalEmail(email); err != nil || again != email {
				t.Errorf("%q becomes %q and then %q", text, email, again)
			}
		}
	})
}
