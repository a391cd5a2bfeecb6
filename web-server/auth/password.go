package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/waymark-gps/waymark/data"
)

// Params are the cost of a password hash (argon2id, RFC 9106).
type Params struct {
	// MemoryKiB is the memory of one computation.
	MemoryKiB uint32
	// Passes is the number of passes over it.
	Passes uint32
}

// DefaultParams is what OWASP's password storage cheat sheet asks of argon2id
// as a minimum: 19 MiB and two passes on one thread. Waymark also runs on small
// home servers, where more would turn a few sign-ins into an out-of-memory.
var DefaultParams = Params{MemoryKiB: 19 << 10, Passes: 2}

const (
	saltBytes = 16
	hashBytes = 32
	// hashersAtOnce bounds the memory of hashing, together with Params: 38 MiB.
	hashersAtOnce = 2
	// hashersWaiting is how many may queue for a turn; more are told to come back.
	hashersWaiting = 32
	// Bounds on what a stored hash may ask for, lest a bad row of the database
	// takes all memory.
	maxMemoryKiB = 256 << 10
	maxPasses    = 16

	// MinPassword and MaxPassword bound a password, in characters and bytes.
	MinPassword = 8
	MaxPassword = 256
)

// CheckPassword says what is wrong with a new password.
func CheckPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Errorf("%w: the password must have at least %d characters", data.ErrInvalid, MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("%w: the password must have at most %d bytes", data.ErrInvalid, MaxPassword)
	}
	return nil
}

// hasher computes password hashes, few at a time.
type hasher struct {
	params  Params
	running chan struct{}
	queue   chan struct{}
	// decoy is verified when there is no such account, so that the answer takes
	// as long as for a wrong password.
	decoy string
}

func newHasher(p Params) *hasher {
	h := &hasher{
		params:  p,
		running: make(chan struct{}, hashersAtOnce),
		queue:   make(chan struct{}, hashersAtOnce+hashersWaiting),
	}
	h.decoy = encodePHC(p, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// turn waits for a place; the returned function gives it back.
func (h *hasher) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: too many people sign in at this moment, try again in a few seconds", data.ErrUnavailable)
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, ctx.Err()
	}
}

// hash makes the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return encodePHC(h.params, salt, argon2.IDKey([]byte(password), salt, h.params.Passes, h.params.MemoryKiB, 1, hashBytes)), nil
}

// verify compares in constant time. An error means that nothing was compared.
func (h *hasher) verify(ctx context.Context, phc, password string) (bool, error) {
	if isImported(phc) {
		return h.verifyImported(ctx, phc, password)
	}
	p, threads, salt, want, err := decodePHC(phc)
	if err != nil {
		return false, err
	}
	if len(password) > MaxPassword {
		password = "" // cannot be right; costs the same
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	have := argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(have, want) == 1 && password != "", nil
}

var phcBase64 = base64.RawStdEncoding

func encodePHC(p Params, salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, p.MemoryKiB, p.Passes,
		phcBase64.EncodeToString(salt), phcBase64.EncodeToString(hash))
}

// decodePHC reads a PHC string; other programs may have written it with other
// costs.
func decodePHC(s string) (p Params, threads uint8, salt, hash []byte, err error) {
	bad := func(what string) (Params, uint8, []byte, []byte, error) {
		return Params{}, 0, nil, nil, fmt.Errorf("read password hash: %s: %w", what, data.ErrInvalid)
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return bad("not argon2id in PHC form")
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return bad("unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &threads); err != nil {
		return bad("costs cannot be read")
	}
	if p.MemoryKiB > maxMemoryKiB || p.Passes < 1 || p.Passes > maxPasses || threads < 1 {
		return bad("costs out of range")
	}
	if salt, err = phcBase64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return bad("salt")
	}
	if hash, err = phcBase64.DecodeString(parts[5]); err != nil || len(hash) < 16 || len(hash) > 64 {
		return bad("hash")
	}
	return p, threads, salt, hash, nil
}
