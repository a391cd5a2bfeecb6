// Package meiligao speaks the protocol of Meiligao trackers (VT300, VT310,
// VT400, GT30) and of their many relatives (Redview, TopShine, TK218, TK510):
// binary frames around text, over TCP and UDP. README.md describes it.
package meiligao

import (
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes meiligao.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "meiligao",
		Port:       5009,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one TCP connection or one datagram. Each frame names its device.
type codec struct {
	udp   bool
	tk218 bool
	// server is what a device is told that asks for the address of its server.
	server string
	photo  protocol.Pieces
}

// Configure takes the settings "model", the name of the device's model, and
// "server", the address to report to as ip:port.
func (c *codec) Configure(s protocol.Settings) {
	c.tk218 = strings.EqualFold(s.Text("model"), "TK218")
	c.server = s.Text("server")
}
