// Package ruptela speaks the protocol of Ruptela trackers (FM-Eco, Pro, Tco,
// Plug, HCV, LCV, Trace): frames with the IMEI over TCP, big endian, records
// answered with an acknowledgement. README.md describes it.
package ruptela

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes ruptela.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "ruptela",
		Port:       5046,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Every frame says who sends it, nearly always the same
// device.
type codec struct {
	imei     uint64
	identity string
}
