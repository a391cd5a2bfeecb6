// Package totem speaks the protocol of Totem trackers (AT05, AT07, AT09 and
// similar): four forms of text with a length over TCP. README.md describes it.
package totem

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes totem.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "totem",
		Port:       5007,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Each message names its device.
type codec struct{}
