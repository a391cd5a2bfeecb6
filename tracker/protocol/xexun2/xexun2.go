// Package xexun2 speaks the binary protocol of newer Xexun trackers: cards,
// tags and 4G trackers, over TCP. README.md describes it. The maker's older
// trackers speak xexun.
package xexun2

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes xexun2.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "xexun2",
		Port:       5233,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Escape:     appendEscaped,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection.
type codec struct {
	// id is the device that spoke last.
	id string
	// plain holds the frame whose escapes are undone.
	plain []byte
	// examined is how far Next has looked for the end of a frame.
	examined int
}
