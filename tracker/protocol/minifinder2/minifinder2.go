// Package minifinder2 speaks the binary protocol of Eview: EV-07B, EV-04,
// EV-201, MiniFinder Pico 4G, Nano and Atto, over TCP, little endian.
// README.md describes it.
package minifinder2

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes minifinder2.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "minifinder2",
		Port:       5187,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Data messages name their device; the others speak
// for the one that was named last.
type codec struct{}
