package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/waymark-gps/waymark/data"
)

const (
	// OIDCLife is how long a person may take at the provider.
	OIDCLife    = 10 * time.Minute
	oidcPurpose = "openid"
	// oidcTimeout bounds one request to the provider.
	oidcTimeout = 10 * time.Second
	// oidcRetry is how long a provider that does not answer is left alone.
	oidcRetry = 5 * time.Second
)

// OIDCConfig is an OpenID Connect provider.
type OIDCConfig struct {
	Issuer       string   `koanf:"issuer" desc:"address of an OpenID Connect provider, like https://login.example.org/realms/home; empty: none"`
	Name         string   `koanf:"name" desc:"what people call the provider"`
	ClientID     string   `koanf:"client-id" desc:"client id that the provider gave to this server; its redirect address is web.url with /api/session/openid/callback"`
	ClientSecret string   `koanf:"client-secret" desc:"client secret that the provider gave to this server; empty for a public client" secret:"true"`
	Scopes       []string `koanf:"scopes" desc:"scopes to ask for besides openid"`
	GroupsClaim  string   `koanf:"groups-claim" desc:"claim that lists a person's groups"`
	AdminGroup   string   `koanf:"admin-group" desc:"group whose members are administrators, and nobody else who signs in with the provider; empty: accounts keep their rights"`
	AccessGroup  string   `koanf:"access-group" desc:"group whose members may sign in; empty: everybody the provider knows"`
	TrustEmail   bool     `koanf:"trust-email" desc:"take e-mails that the provider does not call verified; only for a provider where people cannot change theirs"`
	Force        bool     `koanf:"force" desc:"nobody but administrators signs in with a password"`
}

// DefaultOIDCConfig is none.
func DefaultOIDCConfig() OIDCConfig {
	return OIDCConfig{Name: "OpenID", Scopes: []string{"profile", "email"}, GroupsClaim: "groups"}
}

// Enabled tells whether there is a provider.
func (c OIDCConfig) Enabled() bool { return c.Issuer != "" }

// Validate checks the values.
func (c OIDCConfig) Validate() error {
	if !c.Enabled() {
		if c.Force {
			return fmt.Errorf("force is set without an issuer, nobody could sign in: %w", data.ErrInvalid)
		}
		return nil
	}
	var problems []error
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		problems = append(problems, fmt.Errorf("issuer is %q, it must be an address like https://login.example.org: %w", c.Issuer, data.ErrInvalid))
	}
	if c.ClientID == "" {
		problems = append(problems, fmt.Errorf("client-id is missing: %w", data.ErrInvalid))
	}
	return errors.Join(problems...)
}

// Person is somebody as the provider describes them.
type Person struct {
	Issuer, Subject string
	// Email is normal and verified; empty for none.
	Email, Name string
	// Administrator is what the admin group says; nil if there is none.
	Administrator *bool
}

// OIDC signs people in at an OpenID Connect provider (OpenID Connect Core 1.0;
// code flow with PKCE, RFC 7636). States are tickets: each comes back once.
type OIDC struct {
	auth     *Service
	config   OIDCConfig
	redirect string
	client   *http.Client

	// mu is held while the provider is asked, so that it is asked once.
	mu       sync.Mutex
	provider *oidc.Provider
	failed   error
	failedAt time.Time
}

// NewOIDC makes an OIDC for the server at an address. The provider is asked
// when the first person comes: it may start later than we do.
func NewOIDC(s *Service, c OIDCConfig, address string) *OIDC {
	return &OIDC{auth: s, config: c, redirect: address + "/api/session/openid/callback", client: &http.Client{Timeout: oidcTimeout}}
}

func (o *OIDC) discover() (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		if o.failed != nil && o.auth.now().Sub(o.failedAt) < oidcRetry {
			return nil, nil, o.failed
		}
		// The provider keeps the context for its keys, so it is not a request's;
		// the client has the deadline.
		p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), o.client), o.config.Issuer)
		if err != nil {
			o.failed = fmt.Errorf("%w: %s does not answer, try again in a minute: %w", data.ErrUnavailable, o.config.Name, err)
			o.failedAt = o.auth.now()
			return nil, nil, o.failed
		}
		o.provider = p
	}
	return o.provider, &oauth2.Config{
		ClientID: o.config.ClientID, ClientSecret: o.config.ClientSecret, Endpoint: o.provider.Endpoint(), RedirectURL: o.redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, o.config.Scopes...),
	}, nil
}

// flow is what is kept of a person who is at the provider.
type flow struct{ Nonce, Verifier string }

// Begin returns where to send a browser, and the state that must come back with
// it, in a cookie and in the address.
func (o *OIDC) Begin(ctx context.Context, from netip.Addr) (address, state string, err error) {
	if err := o.auth.Start(from); err != nil {
		return "", "", err
	}
	_, config, err := o.discover()
	if err != nil {
		return "", "", err
	}
	state = newSecret()
	f := flow{Nonce: newSecret(), Verifier: oauth2.GenerateVerifier()}
	body, err := json.Marshal(f)
	if err != nil {
		return "", "", fmt.Errorf("write state: %w", err)
	}
	err = o.auth.store.CreateTicket(ctx, data.Ticket{
		Hash: HashToken(state), Purpose: oidcPurpose, Body: body, ExpiresAt: o.auth.now().Add(OIDCLife),
	})
	if err != nil {
		return "", "", fmt.Errorf("store state: %w", err)
	}
	return config.AuthCodeURL(state, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), state, nil
}

var errOIDCState = fmt.Errorf("%w: this sign-in was finished before or took too long; begin again", data.ErrDenied)

// Finish trades the code that the provider sent along for the person. Errors:
// data.ErrDenied with the reason, or that of a part that does not answer.
func (o *OIDC) Finish(ctx context.Context, state, code string) (Person, error) {
	t, err := o.auth.store.UseTicket(ctx, oidcPurpose, HashToken(state), o.auth.now())
	if errors.Is(err, data.ErrNotFound) {
		return Person{}, errOIDCState
	}
	if err != nil {
		return Person{}, fmt.Errorf("use state: %w", err)
	}
	var f flow
	if err := json.Unmarshal(t.Body, &f); err != nil {
		return Person{}, fmt.Errorf("read state: %w", err)
	}
	provider, config, err := o.discover()
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, o.client)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < 500 {
		return Person{}, fmt.Errorf("%w: %s refused the code: %s", data.ErrDenied, o.config.Name, refused.ErrorCode)
	}
	if err != nil {
		return Person{}, fmt.Errorf("%w: %s does not answer, try again in a minute: %w", data.ErrUnavailable, o.config.Name, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: o.config.ClientID, Now: o.auth.now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: what %s says about you cannot be checked: %w", data.ErrDenied, o.config.Name, err)
	}
	if id.Nonce != f.Nonce {
		return Person{}, errOIDCState
	}
	claims, err := o.claims(ctx, provider, token, id)
	if err != nil {
		return Person{}, err
	}
	return o.person(id, claims)
}

// claims are those of the ID token, with those of the user info endpoint in
// addition where the groups or the e-mail are only there.
func (o *OIDC) claims(ctx context.Context, p *oidc.Provider, token *oauth2.Token, id *oidc.IDToken) (map[string]any, error) {
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	needsGroups := o.config.AdminGroup != "" || o.config.AccessGroup != ""
	if claims["email"] != nil && (!needsGroups || claims[o.config.GroupsClaim] != nil) || p.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not say who you are, try again in a minute: %w", data.ErrUnavailable, o.config.Name, err)
	}
	if info.Subject != id.Subject { // OpenID Connect Core 1.0, section 5.3.2
		return nil, fmt.Errorf("%w: %s speaks of two people", data.ErrDenied, o.config.Name)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("read user info: %w", err)
	}
	for key, value := range more {
		if _, said := claims[key]; !said {
			claims[key] = value
		}
	}
	return claims, nil
}

func (o *OIDC) person(id *oidc.IDToken, claims map[string]any) (Person, error) {
	groups := texts(claims[o.config.GroupsClaim])
	if g := o.config.AccessGroup; g != "" && !slices.Contains(groups, g) {
		return Person{}, fmt.Errorf("%w: only members of the group %s at %s may sign in here", data.ErrDenied, g, o.config.Name)
	}
	p := Person{Issuer: id.Issuer, Subject: id.Subject}
	if g := o.config.AdminGroup; g != "" {
		member := slices.Contains(groups, g)
		p.Administrator = &member
	}
	p.Name, _ = claims["name"].(string)
	email, _ := claims["email"].(string)
	// Some providers write booleans as texts.
	verified := claims["email_verified"] == true || claims["email_verified"] == "true"
	if verified || o.config.TrustEmail {
		if normal, err := NormalEmail(email); err == nil {
			p.Email = normal
		}
	}
	return p, nil
}

// texts reads a claim that is a text or a list of them.
func texts(claim any) []string {
	if s, ok := claim.(string); ok {
		return []string{s}
	}
	list, _ := claim.([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
