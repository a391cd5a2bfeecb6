// Package minifinder speaks the first text protocol of Eview: MiniFinder Pico
// and Atto, EV-05, EV-07, over TCP, without answers. README.md describes it.
package minifinder

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes minifinder.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "minifinder",
		Port:       5062,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. It keeps nothing: the IMEI of the first message is
// remembered by whoever holds the connection.
type codec struct{}
