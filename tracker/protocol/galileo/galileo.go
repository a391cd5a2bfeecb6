// Package galileo speaks the protocol of Galileosky trackers (2.x, 5.x, 7x, Base
// Block): packets of tags over TCP, little endian, each answered with its
// checksum, also compressed or wrapped by the Iridium network. README.md
// describes it.
package galileo

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes galileo.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "galileo",
		Port:       5034,
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
	// compressed says that Iridium messages hold minimal sets, see Configure.
	compressed bool
	photo      photo
}

// Configure takes the setting "compressed": the device sends the compressed
// form through the Iridium network.
func (c *codec) Configure(s protocol.Settings) { c.compressed = s.Bool("compressed") }
