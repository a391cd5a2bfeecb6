// Package gl200 speaks the @Track protocol of Queclink trackers (GL, GV, GT,
// GB, GMT and CV series) over TCP and UDP: text, and two binary forms, on one
// port. README.md describes it.
package gl200

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes gl200.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "gl200",
		Port:       5004,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Mask:       mask,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one TCP connection or one datagram.
type codec struct {
	udp bool
	// acknowledge says that the device waits for an answer to each report.
	acknowledge bool
	// fields is room for the fields of a message, empty between messages.
	fields [][]byte
}

// Configure takes the setting "ack": reports are answered, for devices whose
// server acknowledgement (SACK) is switched on.
func (c *codec) Configure(s protocol.Settings) { c.acknowledge = s.Bool("ack") }
