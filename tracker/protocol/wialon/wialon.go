// Package wialon speaks Wialon IPS 1.1 and 2.0 of Gurtam, which many devices,
// apps and relays offer: lines of text over TCP and UDP, each answered.
// README.md describes it.
package wialon

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes wialon.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "wialon",
		Port:       5039,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Mask:       mask,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection or one datagram.
type codec struct {
	udp bool
	// second says that version 2 is spoken: every content ends in a checksum.
	second bool
}
