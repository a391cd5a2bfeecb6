// Package protocol says what a device protocol is: how bytes are cut into
// frames, what a frame means, how a command is written. Implementations are
// pure: no sockets, no clock, no log, no store. Package all lists them.
package protocol

import (
	"errors"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Transport is the way a device reaches us.
type Transport uint8

// The transports.
const (
	TCP Transport = 1 << iota
	UDP
	HTTP
	MQTT
)

func (t Transport) String() string {
	switch t {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case HTTP:
		return "http"
	case MQTT:
		return "mqtt"
	}
	return "unknown"
}

// DefaultMaxFrame bounds a frame when Protocol.MaxFrame is 0, in bytes.
const DefaultMaxFrame = 16 << 10

// Protocol describes one protocol. The zero value of an optional field means
// that the protocol has no such thing.
type Protocol struct {
	// Name is the protocol's name in positions, settings and metrics.
	Name string
	// Port is the default port, the one existing devices are set to. 0 is for
	// protocols that only claim requests of a shared port.
	Port int
	// Transports are the ways it is spoken; HTTP and MQTT stand alone.
	Transports Transport
	// MaxFrame bounds a frame (or an HTTP body) in bytes; 0 is DefaultMaxFrame.
	MaxFrame int
	// New makes the codec of one TCP connection or of one UDP datagram. Nil for
	// HTTP protocols.
	New func(Transport) Codec
	// HTTP reads a request. Nil for the others.
	HTTP func(r *Request, now time.Time) (data.Packet, error)
	// Phone holds what only protocols of phone apps have. Nil for the others.
	Phone *Phone
	// Encode writes a command for a device; now is the time of sending, UTC, for
	// commands that carry it. Optional. An error that wraps ErrUnsupported says
	// that the protocol does not know the command. Over HTTP the result is the
	// body of the answer to the device's next request, over MQTT, where the setting
	// "mqtt" is true, the payload for Phone.Commands.
	Encode func(cmd data.Command, s Settings, now time.Time) ([]byte, error)
	// Escape appends a frame, its marks included, as it goes over the wire.
	// Optional: for protocols with escapes, which Next undoes.
	Escape func(b, frame []byte) []byte
	// Signature tells how well the first bytes of a peer fit the protocol. It is
	// quick and pure, and takes any bytes; it may see them again with more behind
	// them. Over UDP they are the whole datagram. Nil for HTTP protocols, which
	// know their requests by Phone.Claims.
	Signature func(first []byte, tr Transport) Match
	// ByAddress says that a datagram without an identity is from the device that
	// spoke last from its network address.
	ByAddress bool
	// Mask finds a secret in a frame, such as the password of a login, that no
	// log may show: bytes from to to. Both are 0 if there is none. Optional.
	Mask func(frame []byte) (from, to int)
	// Commands lists the command types that Encode knows.
	Commands []string
}

// Codec reads one connection. It is used by one goroutine and never blocks.
type Codec interface {
	// Next cuts the first frame from the front of buf. n is how many bytes it
	// took; frame is the frame (with escapes undone, possibly within buf) and
	// nil if the n bytes were noise to be skipped. n == 0 with a nil error means
	// that more bytes are needed. An error means the stream cannot be
	// understood: the connection is closed.
	Next(buf []byte) (frame []byte, n int, err error)
	// Decode says what a frame means. now is the time of arrival, UTC. It must
	// not keep frame. An error means that this frame is lost, not the stream.
	Decode(frame []byte, now time.Time) (data.Packet, error)
}

// Configurable is a Codec whose reading depends on settings of the device; it
// is told as soon as the device is known (and before the next Decode).
type Configurable interface {
	Configure(Settings)
}

// Descriptive is a Codec that finds out from what a device sends how commands to
// it are written.
type Descriptive interface {
	// Describe returns what is known by now as settings for Encode; those of the
	// device go first. The caller does not change it.
	Describe() Settings
}

// Settings are the settings of one device for its decoder, by the names of the
// device attributes "decoder.<name>": "model", "extended", ... Values are text,
// numbers or booleans.
type Settings map[string]any

// Text returns a setting as text, "" if it is not set.
func (s Settings) Text(name string) string { v, _ := s[name].(string); return v }

// Bool returns a setting as a boolean, false if it is not set.
func (s Settings) Bool(name string) bool { v, _ := s[name].(bool); return v }

// Request is an HTTP request of a device.
type Request struct {
	Method string
	// Path is the decoded path.
	Path string
	// Query is the raw query, without the question mark.
	Query string
	// ContentType is the header of that name.
	ContentType string
	// Header returns another header by its name, "" if absent.
	Header func(name string) string
	// SetHeader sets a header of the answer. Nil where nobody looks at it.
	SetHeader func(name, value string)
	Body      []byte
	// Settings are those of the device. Nil while it is not known: a protocol
	// with Phone.Configurable reads the request again once it is.
	Settings Settings
}

var (
	// ErrUnsupported says that a protocol cannot express a command.
	ErrUnsupported = errors.New("command not supported by the protocol")
	// ErrNoIdentity says that a message names no device.
	ErrNoIdentity = errors.New("no device id in the message")
)
