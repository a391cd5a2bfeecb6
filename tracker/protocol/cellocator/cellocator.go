// Package cellocator speaks the protocol of Cellocator (Pointer, PowerFleet)
// units: Cello, CelloTrack, CR300, Compact; MCGP frames over TCP and UDP, little
// endian, answered. README.md describes it.
package cellocator

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes cellocator.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "cellocator",
		Port:       5033,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection or datagram. Every frame names its device.
type codec struct{}
