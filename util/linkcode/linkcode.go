// Package linkcode makes and reads the one-time codes that tie a Telegram
// account to a user. The web server makes them, the bot takes them; the store
// keeps only their hash.
//
// A code has 12 signs of Crockford's base 32 (60 random bits) in three groups,
// "K7QM-4D2X-9RTB": short enough to be typed, and made of nothing that a
// Telegram deep link refuses, so that one code serves both. Sixty bits are
// enough because a code lives ten minutes, works once, and the bot takes few
// tries.
package linkcode

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"
)

// Lifetime is how long a code may be used after it was made.
const Lifetime = 10 * time.Minute

const (
	// alphabet leaves out I, L, O and U (https://www.crockford.com/base32.html).
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	signs    = 12
	group    = 4
	// maxInput bounds what is looked at, in bytes: every sign set apart.
	maxInput = 4 * signs
)

// New makes a code, as it is shown to people, and the hash to be stored.
func New() (code string, hash [32]byte) {
	var random [signs]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%byte(len(alphabet))]) // 256 is a multiple of 32: no bias
	}
	return b.String(), Hash(b.String())
}

// Hash is the SHA-256 of the code's 12 signs. Case, hyphens and spaces do not
// count, and I, L and O are read as 1, 1 and 0. A text that is no code has a
// hash too, one that no code has.
func Hash(code string) [32]byte {
	plain, ok := normalize(code)
	if !ok {
		return sha256.Sum256([]byte("not a code: " + code))
	}
	return sha256.Sum256([]byte(plain))
}

// Valid tells whether text has the form of a code.
func Valid(text string) bool {
	_, ok := normalize(text)
	return ok
}

// URL is the link that opens the bot with the code, for a click or a QR code.
func URL(botUsername, code string) string {
	return "https://t.me/" + botUsername + "?start=" + code
}

func normalize(text string) (plain string, ok bool) {
	if len(text) > maxInput {
		return "", false
	}
	b := make([]byte, 0, signs)
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		switch c {
		case '-', ' ':
			continue
		case 'I', 'L':
			c = '1'
		case 'O':
			c = '0'
		}
		if strings.IndexByte(alphabet, c) < 0 || len(b) == signs {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), len(b) == signs
}
