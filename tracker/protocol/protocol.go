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
)

func (t Transport) String() string {
	switch t {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case HTTP:
		return "http"
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
	// Port is the default port, the one existing devices are set to.
	Port int
	// Transports are the ways it is spoken; HTTP stands alone.
	Transports Transport
	// MaxFrame bounds a frame (or an HTTP body) in bytes; 0 is DefaultMaxFrame.
	MaxFrame int
	// New makes the codec of one TCP connection or of one UDP datagram. Nil for
	// HTTP protocols.
	New func(Transport) Codec
	// HTTP reads a request. Nil for the others.
	HTTP func(r *Request, now time.Time) (data.Packet, error)
	// Encode writes a command for a device. Optional. An error that wraps
	// ErrUnsupported says that the protocol does not know the command.
	Encode func(cmd data.Command, s Settings) ([]byte, error)
	// Escape appends a frame, its marks included, as it goes over the wire.
	// Optional: for protocols with escapes, which Next undoes.
	Escape func(b, frame []byte) []byte
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
	Body   []byte
}

var (
	// ErrUnsupported says that a protocol cannot express a command.
	ErrUnsupported = errors.New("command not supported by the protocol")
	// ErrNoIdentity says that a message names no device.
	ErrNoIdentity = errors.New("no device id in the message")
)
