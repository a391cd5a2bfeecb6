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
// key is the text that both sides know, filled up with zeros.
func (m message) decrypt(s protocol.Settings) (message, error) {
	text := s.Text("secret")
	if text == "" {
		return nil, fmt.Errorf("open encrypted message: set the device's attribute decoder.secret to the encryption key of the app: %w", data.ErrInvalid)
	}
	sealed, err := base64.StdEncoding.DecodeString(m.text("data"))
	if err != nil || len(sealed) < nonceSize+secretbox.Overhead {
		return nil, fmt.Errorf("open encrypted message: data is not base64, or too short: %w", data.ErrInvalid)
	}
	var key [keySize]byte
	var nonce [nonceSize]byte
	copy(key[:], text)
	copy(nonce[:], sealed)
	plain, ok := secretbox.Open(nil, sealed[nonceSize:], &nonce, &key)
	if !ok {
		return nil, fmt.Errorf("open encrypted message: it does not fit the device's attribute decoder.secret; compare that with the encryption key of the app: %w", data.ErrInvalid)
	}
	list, err := parse(plain)
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("open encrypted message: it holds no JSON object: %w", data.ErrInvalid)
	}
	if list[0].text("_type") == "encrypted" {
		return nil, fmt.Errorf("open encrypted message: it is encrypted twice: %w", data.ErrInvalid)
	}
	return list[0], nil
}
