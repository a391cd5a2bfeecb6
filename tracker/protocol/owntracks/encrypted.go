package owntracks

import (
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	keySize   = 32
	nonceSize = 24
)

// decrypt opens a libsodium secret box: the nonce, then the box, in base64. The
// key is the text that both sides know, filled up with zeros. The message becomes
// what is in it.
func (m *message) decrypt(s protocol.Settings) error {
	text := s.Text("secret")
	if text == "" {
		return fmt.Errorf("open encrypted message: set the device's attribute decoder.secret to the encryption key of the app: %w", data.ErrInvalid)
	}
	sealed, err := base64.StdEncoding.DecodeString(m.text(kData))
	if err != nil || len(sealed) < nonceSize+secretbox.Overhead {
		return fmt.Errorf("open encrypted message: data is not base64, or too short: %w", data.ErrInvalid)
	}
	var key [keySize]byte
	var nonce [nonceSize]byte
	copy(key[:], text)
	copy(nonce[:], sealed)
	plain, ok := secretbox.Open(nil, sealed[nonceSize:], &nonce, &key)
	if !ok {
		return fmt.Errorf("open encrypted message: it does not fit the device's attribute decoder.secret; compare that with the encryption key of the app: %w", data.ErrInvalid)
	}
	inside := open(plain)
	var opened message
	if ok, err := inside.next(&opened); err != nil || !ok || inside.array {
		return fmt.Errorf("open encrypted message: it holds no JSON object: %w", data.ErrInvalid)
	}
	if opened.is("encrypted") {
		return fmt.Errorf("open encrypted message: it is encrypted twice: %w", data.ErrInvalid)
	}
	*m = opened
	return nil
}
