// Package castel speaks the protocol of Sinocastel: OBD dongles (IDD-212,
// IDD-213) and GPS trackers (CC, MPIP), frames over TCP and UDP, little endian,
// some answered. README.md describes it.
package castel

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes castel.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "castel",
		Port:       5086,
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
