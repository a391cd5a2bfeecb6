package protocol

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Phone is what protocols of phone apps can do besides HTTP. Every field is
// optional.
type Phone struct {
	// Claims tells whether a request on a shared port is of this protocol, by
	// path, content type and body.
	Claims func(r *Request) bool
	// Shared says that requests on the protocol's HTTP port go to the protocol
	// that claims them first, and to this one if none does.
	Shared bool
	// Configurable says that a message is read again with the settings of the
	// device as soon as that is known.
	Configurable bool
	// Secret finds the secret that a request brings in a way of its own; the
	// usual ways are known, see Request.Secrets.
	Secret func(r *Request) string
	// MQTT reads a publication. A packet without identity and positions is taken
	// and left out.
	MQTT func(m *Message, now time.Time) (data.Packet, error)
	// Device tells which device a topic belongs to, by its unique id; "" for
	// topics of others.
	Device func(topic string) string
	// Topic is the topic that a device publishes to, by its unique id; "" if it
	// has none.
	Topic func(uniqueID string) string
	// Commands is the topic on which a device takes commands. Nil: none does.
	Commands func(uniqueID string) string
	// Friends writes an answer that tells a device where its friends are. It
	// replaces the reply of a packet with positions.
	Friends func(friends []Friend) []byte
}

// Message is an MQTT publication of a device.
type Message struct {
	Topic   string
	Payload []byte
	// Settings are those of the device, as in Request.
	Settings Settings
}

// Friend is a device that another device may know about.
type Friend struct {
	Name, UniqueID string
	Settings       Settings
	// Position is its newest one.
	Position data.Position
}

// SetAnswer sets a header of the answer, if anybody looks at it.
func (r *Request) SetAnswer(name, value string) {
	if r.SetHeader != nil {
		r.SetHeader(name, value)
	}
}

// header returns a header, "" if there is none.
func (r *Request) header(name string) string {
	if r.Header == nil {
		return ""
	}
	return strings.TrimSpace(r.Header(name))
}

// IsJSON tells whether the body is a JSON value, by its type or its first byte.
func (r *Request) IsJSON() bool {
	if strings.HasPrefix(strings.TrimSpace(r.ContentType), "application/json") {
		return true
	}
	body := strings.TrimLeft(string(r.Body[:min(len(r.Body), 16)]), " \t\r\n")
	return strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[")
}

// Basic returns the user and the password of HTTP Basic authentication
// (RFC 7617), "" if there are none.
func (r *Request) Basic() (user, password string) {
	scheme, rest, _ := strings.Cut(r.header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", ""
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(plain), ":")
	return user, password
}

// Secrets returns what a request brings to prove that it is from the device: the
// password of HTTP Basic, a bearer token (RFC 6750), the parameter token.
func (r *Request) Secrets() []string {
	var out []string
	if _, password := r.Basic(); password != "" {
		out = append(out, password)
	}
	if scheme, rest, ok := strings.Cut(r.header("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		out = append(out, strings.TrimSpace(rest))
	}
	if token := r.Parameter("token"); token != "" {
		out = append(out, token)
	}
	return out
}

// Parameter returns the first parameter of that name in the query, "" if there
// is none.
func (r *Request) Parameter(name string) string {
	for rest := r.Query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if key, value, _ := strings.Cut(pair, "="); key == name {
			if text, err := url.QueryUnescape(value); err == nil {
				return text
			}
		}
	}
	return ""
}

// PathAfter returns what follows a mark in the path, without slashes around it;
// ok is false if the mark is not there.
func (r *Request) PathAfter(mark string) (rest string, ok bool) {
	i := strings.Index(r.Path, mark)
	if i < 0 {
		return "", false
	}
	return strings.Trim(r.Path[i+len(mark):], "/"), true
}
