// Package osmand reads reports over HTTP, as phone apps, scripts and simple
// devices send them: parameters in the query or the body, or the JSON form of
// background location apps. README.md describes it.
package osmand

import (
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	maxBody = 64 << 10
	// maxParameters bounds the parameters of a request and the extras of a
	// JSON report.
	maxParameters = 200
	// maxLocations bounds the locations of a JSON report.
	maxLocations = 100
)

// Protocol describes osmand.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "osmand", Port: 5055, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read, Phone: &protocol.Phone{Shared: true}, Encode: encode, Commands: commands}
}

// read reads one request.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	if strings.HasPrefix(strings.TrimSpace(r.ContentType), "application/json") {
		return readJSON(r.Body)
	}
	form := r.Query
	if form == "" {
		form = string(r.Body)
	}
	return readForm(form)
}
