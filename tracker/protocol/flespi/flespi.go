// Package flespi reads streams of the flespi hub, and of relays that write
// like it: a JSON array of flat objects in each POST. README.md describes it.
package flespi

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	// maxBody bounds a request; the batches of a stream are limited by their
	// size in its settings.
	maxBody = 1 << 20
	// maxParameters bounds the parameters of a message.
	maxParameters = 500
)

// Protocol describes flespi.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "flespi", Port: 5149, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read, Phone: &protocol.Phone{Claims: claims}}
}
