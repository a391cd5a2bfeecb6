// Package gpslogger reads what GPSLogger for Android sends to a custom URL.
// README.md describes it.
package gpslogger

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
)

const (
	name    = "gpslogger"
	maxBody = 64 << 10
	// mark begins the path, the identity is behind it.
	mark = "/gpslogger"
	// webhook begins the path that guides for Home Assistant name; there the app
	// sends a form.
	webhook = "/api/webhook/"
)

// Protocol describes gpslogger. It has no port of its own.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read, Phone: &protocol.Phone{Claims: claims},
	}
}

func claims(r *protocol.Request) bool {
	return strings.HasPrefix(r.Path, mark) || strings.HasPrefix(r.Path, webhook) && !r.IsJSON()
}

// read reads one report: from the body, or from the query if there is none.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	var values []flat.Value
	var err error
	switch {
	case len(r.Body) == 0:
		values, err = flat.Form(r.Query)
	case r.IsJSON():
		values, err = flat.JSON(r.Body)
	default:
		values, err = flat.Form(string(r.Body))
	}
	if err != nil {
		return data.Packet{}, err
	}
	id, p, err := flat.Read(name, values, "id", "deviceid", "device_id", "device", "aid")
	if err != nil {
		return data.Packet{}, err
	}
	for _, m := range [...]string{mark, webhook} {
		if rest, ok := r.PathAfter(m); ok && rest != "" {
			id = rest
		}
	}
	if id == "" {
		return data.Packet{}, fmt.Errorf("read report: the path %s/<device>, or a parameter id, is needed: %w", mark, protocol.ErrNoIdentity)
	}
	packet := data.Packet{Identity: id}
	if len(values) > 0 {
		packet.Positions = []data.Position{p}
	}
	return packet, nil
}
