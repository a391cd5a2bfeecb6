// Package tk103 speaks the text protocol of TK-103 boxes and their clones and
// of pet and moped trackers: messages in parentheses over TCP and UDP.
// README.md describes it.
package tk103

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes tk103.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "tk103",
		Port:       5002,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection or datagram.
type codec struct {
	udp bool
	// id is the device that spoke last.
	id string
	// acknowledge says that alarms are answered.
	acknowledge bool
	// examined is how far Next has looked for the end, quoted whether a piece of
	// free text was open there.
	examined int
	quoted   bool
}

// Configure takes the setting "acknowledge".
func (c *codec) Configure(s protocol.Settings) { c.acknowledge = s.Bool("acknowledge") }
