// Package arnavi speaks the two protocols of Arusnavi trackers (Arnavi
// Integral, 3, 4, 5) over TCP: binary packages, little endian, each answered,
// and $AV text lines. README.md describes it.
package arnavi

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes arnavi. Of commands it knows whole frames.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "arnavi",
		Port:       5100,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Encode:     encode,
		Commands:   commands,
		Signature:  signature,
	}
}

// codec is one connection.
type codec struct {
	// walked is how far the packets of a package that is not whole yet were
	// walked over, from its start; 0 at its beginning.
	walked int
}
