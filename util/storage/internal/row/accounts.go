package row

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

// CheckToken tells whether t can be stored.
func CheckToken(t *data.Token) error {
	return checkTexts("token", t.Name, t.Prefix, string(t.Scope))
}

// maxCredentialID is what WebAuthn allows (level 2, section 4, Credential ID).
const maxCredentialID = 1023

// CheckPasskey tells whether p can be stored.
func CheckPasskey(p *data.Passkey) error {
	if len(p.CredentialID) == 0 || len(p.CredentialID) > maxCredentialID {
		return fmt.Errorf("the credential id has %d bytes, 1 to %d are allowed: %w", len(p.CredentialID), maxCredentialID, data.ErrInvalid)
	}
	return checkTexts("passkey", p.Name)
}

// CheckIdentity tells whether a person of an OpenID provider can be stored.
func CheckIdentity(issuer, subject string) error {
	if err := checkKey("issuer", issuer); err != nil {
		return err
	}
	return checkKey("subject", subject)
}

// OptionalID is an id as it is kept in a column with a foreign key, NULL for 0.
func OptionalID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// ID is what OptionalID kept.
func ID(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

// Body is a body as it is kept, never NULL.
func Body(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
