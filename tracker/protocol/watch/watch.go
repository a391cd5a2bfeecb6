// Package watch speaks the protocol of children's watches and of pet and
// elderly trackers with the SeTracker and Beesure apps: Wonlex, 3G
// Electronics, Reachfar and others, over TCP, text with binary parts, answers
// required. README.md describes it.
package watch

import "github.com/waymark-gps/waymark/tracker/protocol"

// Protocol describes watch.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "watch",
		Port:       5093,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Each message names its device.
type codec struct {
	// examined is how far Next has looked for the end of a frame that is not
	// whole yet, and depth how many brackets were open there.
	examined, depth int
	// plain is room for a frame without its escapes.
	plain []byte
	// maker and indexed are those of the last message.
	maker   string
	indexed bool
	// voice counts the pieces of a voice message.
	voice protocol.Pieces
}

// Describe implements protocol.Descriptive: commands look like the messages of
// the device.
func (c *codec) Describe() protocol.Settings {
	if c.maker == "" {
		return nil
	}
	return protocol.Settings{"maker": c.maker, "index": c.indexed}
}
