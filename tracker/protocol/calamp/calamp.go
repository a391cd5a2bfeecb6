// Package calamp speaks the LM Direct protocol of CalAmp LMU units: messages
// with an optional header of options over UDP, big endian, answered on demand.
// README.md describes it.
package calamp

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// maxFrame bounds a datagram in bytes.
const maxFrame = 4 << 10

// Protocol describes calamp.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "calamp",
		Port:       5082,
		Transports: protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Encode:     encode,
		Commands:   commands,
		Signature:  signature,
		ByAddress:  true,
	}
}

// codec is one datagram.
type codec struct{}

// Next takes the datagram as it is: a message has no mark, and of most types no
// length.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if len(buf) > maxFrame {
		return nil, 0, fmt.Errorf("cut datagram: %d bytes, at most %d: %w", len(buf), maxFrame, data.ErrInvalid)
	}
	if len(buf) == 0 {
		return nil, 0, nil
	}
	return buf, len(buf), nil
}
