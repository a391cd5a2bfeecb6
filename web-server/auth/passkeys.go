package auth

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/waymark-gps/waymark/data"
)

const (
	// passkeyLife is how long a person may take to touch a key.
	passkeyLife     = 5 * time.Minute
	registerPurpose = "passkey-register"
	passkeyPurpose  = "passkey-login"
	// MaxPasskeys is how many passkeys an account may have.
	MaxPasskeys = 20
)

// ErrPasskey says that a passkey did not sign in, without a reason: who asks is
// nobody yet.
var ErrPasskey = errors.New("this passkey is not known here, or the answer came too late; try again, or sign in with the password")

// Passkeys signs people in with keys of their devices (WebAuthn level 2).
// Challenges are tickets: each is answered once.
type Passkeys struct {
	auth *Service
	web  *webauthn.WebAuthn
}

// NewPasskeys makes Passkeys for the server at an address like
// https://track.example.org, to which the keys are bound. At one without a name,
// like http://192.168.1.10:8082, there are none, and it returns nil: WebAuthn
// knows names only (level 2, 5.1.2, rp.id is a domain).
func NewPasskeys(s *Service, address string) (*Passkeys, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the address of the server: %w: %w", data.ErrInvalid, err)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, nil
	}
	// A key that was found must not be enough, so the device asks for a finger,
	// a face or a number; then a second factor of ours adds nothing.
	w, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Waymark", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys for %s: %w", address, err)
	}
	return &Passkeys{auth: s, web: w}, nil
}

// keyOwner is an account as the library wants it.
type keyOwner struct {
	user data.User
	keys []webauthn.Credential
}

// WebAuthnID is the user handle that keys keep: the account's number, which
// says nothing about the person.
func (o *keyOwner) WebAuthnID() []byte          { return binary.BigEndian.AppendUint64(nil, uint64(o.user.ID)) }
func (o *keyOwner) WebAuthnName() string        { return o.user.Email }
func (o *keyOwner) WebAuthnDisplayName() string { return o.user.Name }

func (o *keyOwner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func (p *Passkeys) owner(ctx context.Context, u data.User) (*keyOwner, error) {
	list, err := p.auth.store.ListPasskeys(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	o := &keyOwner{user: u}
	for i := range list {
		var c webauthn.Credential
		if err := json.Unmarshal(list[i].Record, &c); err != nil {
			return nil, fmt.Errorf("read passkey %d: %w", list[i].ID, err)
		}
		o.keys = append(o.keys, c)
	}
	return o, nil
}

// BeginRegistration makes the options, as JSON, with which a browser makes a
// passkey for u.
func (p *Passkeys) BeginRegistration(ctx context.Context, u data.User) ([]byte, error) {
	o, err := p.owner(ctx, u)
	if err != nil {
		return nil, err
	}
	if len(o.keys) >= MaxPasskeys {
		return nil, fmt.Errorf("%w: the account has %d passkeys, remove those that are not needed", data.ErrConflict, len(o.keys))
	}
	options, session, err := p.web.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.keys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("begin registration: %w", err)
	}
	return p.begin(ctx, registerPurpose, u.ID, session, options)
}

// begin keeps a challenge until it is answered.
func (p *Passkeys) begin(ctx context.Context, purpose string, userID int64, session *webauthn.SessionData, options any) ([]byte, error) {
	// The ticket has the end, by our clock.
	session.Expires = time.Time{}
	body, err := json.Marshal(session)
	if err != nil {
		return nil, fmt.Errorf("write challenge: %w", err)
	}
	err = p.auth.store.CreateTicket(ctx, data.Ticket{
		Hash: HashToken(session.Challenge), Purpose: purpose, UserID: userID, Body: body, ExpiresAt: p.auth.now().Add(passkeyLife),
	})
	if err != nil {
		return nil, fmt.Errorf("store challenge: %w", err)
	}
	return json.Marshal(options)
}

// answered takes the challenge that an answer names.
func (p *Passkeys) answered(ctx context.Context, purpose, challenge string) (t data.Ticket, session webauthn.SessionData, err error) {
	t, err = p.auth.store.UseTicket(ctx, purpose, HashToken(challenge), p.auth.now())
	if errors.Is(err, data.ErrNotFound) {
		return t, session, ErrPasskey
	}
	if err != nil {
		return t, session, fmt.Errorf("use challenge: %w", err)
	}
	return t, session, json.Unmarshal(t.Body, &session)
}

// FinishRegistration stores the passkey that the browser made for u.
func (p *Passkeys) FinishRegistration(ctx context.Context, u data.User, name string, answer []byte) (data.Passkey, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return data.Passkey{}, fmt.Errorf("%w: the body is not the answer of a new passkey", data.ErrInvalid)
	}
	t, session, err := p.answered(ctx, registerPurpose, parsed.Response.CollectedClientData.Challenge)
	if err == nil && t.UserID != u.ID {
		err = ErrPasskey
	}
	if err != nil {
		return data.Passkey{}, err
	}
	c, err := p.web.CreateCredential(&keyOwner{user: u}, session, parsed)
	if err != nil {
		return data.Passkey{}, fmt.Errorf("%w: the passkey cannot be checked: it must be made on this page and ask for a finger, a face or a number", data.ErrInvalid)
	}
	record, err := json.Marshal(c)
	if err != nil {
		return data.Passkey{}, fmt.Errorf("write passkey: %w", err)
	}
	k := data.Passkey{UserID: u.ID, Name: name, CredentialID: c.ID, Record: record, CreatedAt: p.auth.now().UTC()}
	if err := p.auth.store.CreatePasskey(ctx, &k); err != nil {
		return k, fmt.Errorf("store passkey: %w", err)
	}
	return k, nil
}

// BeginLogin makes the options, as JSON, with which a browser looks for a
// passkey of this server.
func (p *Passkeys) BeginLogin(ctx context.Context, from netip.Addr) ([]byte, error) {
	if err := p.auth.Start(from); err != nil {
		return nil, err
	}
	options, session, err := p.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("begin login: %w", err)
	}
	return p.begin(ctx, passkeyPurpose, 0, session, options)
}

// FinishLogin returns the account whose passkey answered, or ErrPasskey.
func (p *Passkeys) FinishLogin(ctx context.Context, answer []byte, from netip.Addr) (data.User, error) {
	if err := p.auth.Start(from); err != nil {
		return data.User{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return data.User{}, fmt.Errorf("%w: the body is not the answer of a passkey", data.ErrInvalid)
	}
	_, session, err := p.answered(ctx, passkeyPurpose, parsed.Response.CollectedClientData.Challenge)
	if err != nil {
		return data.User{}, err
	}
	var found *keyOwner
	var key data.Passkey
	var broken error // a part that does not answer, which the library hides
	c, err := p.web.ValidateDiscoverableLogin(func(rawID, _ []byte) (webauthn.User, error) {
		key, found, broken = p.find(ctx, rawID)
		return found, broken
	}, session, parsed)
	if broken != nil && !errors.Is(broken, data.ErrNotFound) {
		return data.User{}, fmt.Errorf("find passkey: %w", broken)
	}
	// A counter that went back is that of a copied key.
	if err != nil || c.Authenticator.CloneWarning || !found.user.Active(p.auth.now()) {
		return data.User{}, ErrPasskey
	}
	record, err := json.Marshal(c)
	if err != nil {
		return data.User{}, fmt.Errorf("write passkey: %w", err)
	}
	if err := p.auth.store.UsePasskey(ctx, key.ID, record, p.auth.now().UTC()); err != nil {
		return data.User{}, fmt.Errorf("store use of passkey: %w", err)
	}
	return found.user, nil
}

func (p *Passkeys) find(ctx context.Context, credentialID []byte) (data.Passkey, *keyOwner, error) {
	k, err := p.auth.store.PasskeyByCredential(ctx, credentialID)
	if err != nil {
		return k, nil, err
	}
	u, err := p.auth.store.User(ctx, k.UserID)
	if err != nil {
		return k, nil, err
	}
	o, err := p.owner(ctx, u)
	return k, o, err
}
