package tracking

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"

	"github.com/waymark-gps/waymark/data"
)

// tokenAttribute is the device attribute that holds the secret which messages
// must bring, if it is set: as HTTP credentials, or as the password over MQTT.
const tokenAttribute = "ingest.token"

// proof is what a message brings to show that it is from its device.
type proof struct {
	secrets []string
	// trusted says that somebody else has asked already: the owner's own broker.
	trusted bool
}

// hasToken tells whether a device wants proof.
func hasToken(d data.Device) bool { return d.Attributes[tokenAttribute] != nil }

// knows tells whether the proof has the token of a device that wants one.
func (p proof) knows(d data.Device) bool {
	token, ok := d.Attributes[tokenAttribute]
	text := fmt.Sprint(token)
	if !ok || token == nil || text == "" {
		return false
	}
	want := sha256.Sum256([]byte(text))
	found := 0
	for _, secret := range p.secrets {
		have := sha256.Sum256([]byte(secret))
		found |= subtle.ConstantTimeCompare(have[:], want[:])
	}
	return found == 1
}

// admits tells whether a message with the proof may speak for a device. A device
// with a token cannot be spoken for where no token can be brought, over TCP and
// UDP: there anybody could give its name.
func (p proof) admits(d data.Device) bool {
	return p.trusted || !hasToken(d) || p.knows(d)
}

// secretParameter finds secrets in forms and in JSON objects, secretPath those in
// the logging addresses of PhoneTrack.
var (
	secretParameter = regexp.MustCompile(`(?i)("?\b(?:pass|password|token|secret)"?\s*[=:]\s*)("(?:[^"\\]|\\.)*"?|[^&\s"]*)`)
	secretPath      = regexp.MustCompile(`(/apps/phonetrack/(?:log/[^/?\s]+|log[A-Z][a-z]+)/)[^/?\s]+`)
)

// masked is the text of a request or publication as it may be shown: without
// secrets, and not longer than data.MaxLogData.
func masked(text []byte) []byte {
	text = text[:min(len(text), data.MaxLogData)]
	if lower := bytes.ToLower(text); bytes.Contains(lower, []byte("pass")) || bytes.Contains(lower, []byte("token")) || bytes.Contains(lower, []byte("secret")) {
		text = secretParameter.ReplaceAll(text, []byte("${1}***"))
	}
	if bytes.Contains(text, []byte("/apps/phonetrack/")) {
		text = secretPath.ReplaceAll(text, []byte("${1}***"))
	}
	return text
}
