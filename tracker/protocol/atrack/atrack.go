// Package atrack speaks the protocol of ATrack trackers (AK, AL, AT, AU, AW, AX,
// AS and AY series): binary or text reports with the same fields over TCP and
// UDP, answered. README.md describes it.
package atrack

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes atrack.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "atrack",
		Port:       5044,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one TCP connection or one datagram.
type codec struct {
	udp bool
	// longDate says that binary times have seven bytes.
	longDate bool
	// custom says that fields by a format follow the usual ones.
	custom bool
	// form is that format where the reports do not carry it.
	form string
	// frameMask says that beacons come in items that name their kind.
	frameMask bool
}

// Configure takes the settings "longDate", "custom", "form" and "frameMask".
func (c *codec) Configure(s protocol.Settings) {
	c.longDate = s.Bool("longDate")
	c.form = s.Text("form")
	c.custom = s.Bool("custom") || c.form != ""
	c.frameMask = s.Bool("frameMask")
	if n, ok := s["frameMask"].(float64); ok {
		c.frameMask = n != 0
	}
}
