// Package xexun speaks the text protocol of Xexun trackers of the TK-102 kind
// and their clones: a GPRMC sentence and "imei:", over TCP. README.md describes
// it. Newer trackers of the maker speak xexun2.
package xexun

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes xexun.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "xexun",
		Port:       5006,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection.
type codec struct {
	// id is the device that spoke last.
	id string
	// full says that messages are whole lines, whatever they look like.
	full bool
	// bare says that what looks like the beginning of a full message may end with
	// the IMEI: its end is not waited for.
	bare bool
	// examined is how far Next has looked for an end.
	examined int
}

// Configure takes the setting "full".
func (c *codec) Configure(s protocol.Settings) {
	c.full, c.examined = s.Bool("full"), 0
}
