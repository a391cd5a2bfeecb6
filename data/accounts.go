package data

import "time"

// Scope says what a personal token may do.
type Scope string

// The scopes of personal tokens.
const (
	// ScopeFull does what its owner may do, but the way the owner signs in.
	ScopeFull Scope = "full"
	// ScopeReadonly reads what its owner may read.
	ScopeReadonly Scope = "readonly"
)

// Token is a personal token: a secret with which a program works in its
// owner's name.
type Token struct {
	ID     int64
	UserID int64
	// Name is what the owner calls it.
	Name string
	// Hash is the SHA-256 of the token, which is kept nowhere.
	Hash [32]byte
	// Prefix is how the token begins, for people to recognise it.
	Prefix    string
	Scope     Scope
	CreatedAt time.Time
	// ExpiresAt is when it ends, UTC; zero for never.
	ExpiresAt time.Time
	// LastUsedAt is kept to the minute; zero for never.
	LastUsedAt time.Time
}

// Active tells whether the token may be used at now.
func (t *Token) Active(now time.Time) bool { return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) }

// TOTP is the second factor of an account: codes of an authenticator app (RFC
// 6238: SHA-1, 6 digits, 30 seconds).
type TOTP struct {
	UserID int64
	// Key is the shared secret in base32, without padding. It is kept as it is:
	// codes cannot be checked without it.
	Key string
	// LastStep is the time step of the last code that was used; none before and
	// none again. A step is 30 seconds since 1970 UTC.
	LastStep  int64
	CreatedAt time.Time
	// RecoveryCodes is how many of them are left.
	RecoveryCodes int
}

// Passkey is a key of a person's device with which it signs in (WebAuthn).
type Passkey struct {
	ID     int64
	UserID int64
	// Name is what the owner calls it.
	Name string
	// CredentialID is the authenticator's name of the key, 1023 bytes at most.
	CredentialID []byte
	// Record is the credential record of WebAuthn, as JSON.
	Record    []byte
	CreatedAt time.Time
	// LastUsedAt is zero for never.
	LastUsedAt time.Time
}

// Ticket is a one-time secret: what somebody must bring back to go on.
type Ticket struct {
	// Hash is the SHA-256 of the secret.
	Hash [32]byte
	// Purpose is what it is good for.
	Purpose string
	// UserID is the account it belongs to; 0 for none.
	UserID int64
	// Body is what to remember until it comes back; may be empty.
	Body      []byte
	ExpiresAt time.Time
}
