// Package topin speaks the protocol of Topin (ZhongXun) trackers, ZX302, ZX303,
// ZX612, ZX908 and others: 0x7878 frames over TCP without serial number and
// checksum, big endian, answered. README.md describes it.
package topin

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes topin.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "topin",
		Port:       5199,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. It remembers nothing: the IMEI comes with the login
// only.
type codec struct{}
