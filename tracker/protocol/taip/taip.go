// Package taip speaks the Trimble ASCII Interface Protocol as trackers send it
// (Syrus, Virloc and Lantrix, Akroz, Sky Patrol and others): short messages
// between > and < over TCP and UDP, answered if they carry an id. README.md
// describes it.
package taip

import (
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes taip.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "taip",
		Port:       5031,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Encode:     encode,
		Commands:   commands,
		Signature:  signature,
	}
}

// codec is one connection or one datagram.
type codec struct {
	udp bool
	// lantrix says that checksums leave the asterisk out, see Configure.
	lantrix bool
}

// Configure takes the setting "model": Lantrix devices compute the checksum in
// a way of their own.
func (c *codec) Configure(s protocol.Settings) {
	c.lantrix = strings.EqualFold(s.Text("model"), "lantrix")
}
