// Package navis speaks the protocols of Navtelecom trackers (Signal, SMART):
// NTCB envelopes and, after they agree on it, FLEX 1.0 to 3.0 messages over TCP,
// little endian, answers required. README.md describes it.
package navis

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes navis.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "navis",
		Port:       5019,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Which fields a FLEX record has is agreed once.
type codec struct {
	// fields are the numbers of the fields of a record, in their order.
	fields []uint8
	// recordSize is the size of a record in bytes; 0 before an agreement.
	recordSize int
}

// maxRecord bounds the setting "flexDataSize".
const maxRecord = 4 << 10

// Configure takes the setting "flexDataSize", the size of a FLEX record in
// bytes. It is needed only where a stream begins after the agreement.
func (c *codec) Configure(s protocol.Settings) {
	if c.fields != nil {
		return
	}
	size := 0
	switch v := s["flexDataSize"].(type) {
	case float64:
		size = int(v)
	case int:
		size = v
	case int64:
		size = int(v)
	}
	if size > 0 && size <= maxRecord {
		c.recordSize = size
	}
}
