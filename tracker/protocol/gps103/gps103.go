// Package gps103 speaks the text protocol of Coban trackers (GPS-103, TK-103,
// TK-303, TK-403, OBD TK-306) and their clones: messages that begin with
// "imei:", over TCP and UDP. README.md describes it.
package gps103

import (
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes gps103.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "gps103",
		Port:       5001,
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
	// id is the device that spoke last, ahead how far its clock is ahead of UTC,
	// once a report has shown it.
	id         string
	ahead      time.Duration
	aheadKnown bool
	photo      photo
	// examined is how far Next has looked for an end.
	examined int
}

// speaker notes who speaks.
func (c *codec) speaker(id []byte) {
	if string(id) != c.id {
		c.id, c.aheadKnown, c.photo = string(id), false, photo{}
	}
}
