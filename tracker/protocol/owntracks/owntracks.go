// Package owntracks reads what the OwnTracks apps, and bridges that write like
// them, send over HTTP and MQTT: JSON objects. README.md describes it.
package owntracks

import (
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	name = "owntracks"
	// maxBody bounds a request; a location has a few hundred bytes, a list of
	// waypoints more.
	maxBody = 64 << 10
	// root begins every topic: owntracks/<user>/<device>, and for some messages a
	// word more.
	root   = "owntracks/"
	levels = 3
)

// Protocol describes owntracks.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Port: 5144, Transports: protocol.HTTP | protocol.MQTT, MaxFrame: maxBody, HTTP: read,
		Encode: encode, Commands: commands,
		Phone: &protocol.Phone{
			Claims: claims, Configurable: true, MQTT: publication, Device: device, Topic: topic, Friends: friends,
			Commands: func(uniqueID string) string { return uniqueID + "/cmd" },
		},
	}
}

// claims knows the apps by what every message has; an empty body, which the app
// sends when a friend is deleted, by the headers.
func claims(r *protocol.Request) bool {
	if len(r.Body) == 0 {
		return r.Header != nil && r.Header("X-Limit-D") != ""
	}
	return r.IsJSON() && protocol.HasKey(r.Body, "_type")
}

// device is the unique id of the device that a topic belongs to: its first
// three levels.
func device(topic string) string {
	if !strings.HasPrefix(topic, root) {
		return ""
	}
	parts := strings.Split(topic, "/")
	if len(parts) < levels || parts[1] == "" || parts[2] == "" {
		return ""
	}
	return strings.Join(parts[:levels], "/")
}

func topic(uniqueID string) string {
	if device(uniqueID) != uniqueID {
		return ""
	}
	return uniqueID
}
