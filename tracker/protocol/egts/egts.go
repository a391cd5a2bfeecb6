// Package egts speaks EGTS, the telematics protocol of ERA-GLONASS (order 285
// of the Russian Ministry of Transport, GOST 33472): packets of records over
// TCP, little endian, every record confirmed, from terminals and from relays
// that pass on many of them. README.md describes it.
package egts

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes egts. Of commands it knows whole frames.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "egts",
		Port:       5162,
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
	// identified says that the terminal has named itself; from then on object
	// ids do not count.
	identified bool
	// packet and record number what we send.
	packet, record uint16
	// object and name are the last object id and how it is written.
	object int64
	name   string
}
