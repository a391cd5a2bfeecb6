// Package eelink speaks the protocol of Eelink (also Keelin) trackers, TK115,
// TK116, TK319, TK419, GPT26, K9 and others: packages over TCP, the same in an
// envelope over UDP, big endian, answered. README.md describes it.
package eelink

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes eelink.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "eelink",
		Port:       5064,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection or datagram. It remembers nothing: over TCP the IMEI
// comes with the login only, over UDP with each envelope.
type codec struct{}
