package flespi

import "github.com/waymark-gps/waymark/tracker/protocol"

// claims knows a list of messages that name their device.
func claims(r *protocol.Request) bool {
	return len(r.Body) > 0 && r.Body[0] == '[' && protocol.HasKey(r.Body, "ident")
}
