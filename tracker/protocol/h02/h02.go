// Package h02 speaks the protocol of Sinotrack, Huaao and Cantrack trackers and
// their many clones: text sentences *..# and compact binary frames $.., over
// TCP and UDP. README.md describes it.
package h02

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes h02.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "h02",
		Port:       5013,
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
	// id is the device that spoke last: some sentences leave their id empty.
	id string
	// acknowledge says that reports without an answer of their own are answered
	// too.
	acknowledge bool
	// binary is the size of the connection's binary frames, 0 until it is known;
	// after tells that a short one has just been cut.
	binary int
	after  bool
	// examined is how far Next has looked for the end of a sentence.
	examined int
}

// Configure takes the setting "acknowledge".
func (c *codec) Configure(s protocol.Settings) { c.acknowledge = s.Bool("acknowledge") }
