// Package owntracks reads what the OwnTracks apps, and bridges that write like
// them, send over HTTP: one JSON object in each POST. README.md describes it.
package owntracks

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// maxBody bounds a request; a location has a few hundred bytes, a list of
// waypoints more.
const maxBody = 64 << 10

// Protocol describes owntracks.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "owntracks", Port: 5144, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read}
}
