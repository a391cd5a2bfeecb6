// Package phonetrack reads what apps send to the logging addresses of the
// Nextcloud app PhoneTrack. README.md describes it.
package phonetrack

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
)

const (
	name    = "phonetrack"
	maxBody = 64 << 10
	mark    = "/apps/phonetrack/"
)

// Protocol describes phonetrack. It has no port of its own.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read,
		Phone: &protocol.Phone{Claims: claims, Secret: secret},
	}
}

func claims(r *protocol.Request) bool { return strings.Contains(r.Path, mark) }

// address takes the path apart: log/<app>/<token>/<name>, logGet/<token>/<name>
// or logPost/<token>/<name>. The name may come as a parameter instead.
func address(r *protocol.Request) (token, device string) {
	rest, _ := r.PathAfter(mark)
	parts := strings.Split(rest, "/")
	switch parts[0] {
	case "log":
		parts = parts[min(2, len(parts)):]
	default:
		parts = parts[1:]
	}
	if len(parts) > 0 {
		token = parts[0]
	}
	if len(parts) > 1 {
		device = strings.Join(parts[1:], "/")
	}
	return token, device
}

func secret(r *protocol.Request) string {
	token, _ := address(r)
	return token
}

// read reads one report, of the query and of a form in the body.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	if !strings.Contains(r.Path, mark+"log") {
		return data.Packet{}, fmt.Errorf("read path: only the logging addresses below %slog are served: %w", mark, data.ErrInvalid)
	}
	values, err := flat.Form(r.Query)
	if err == nil && len(r.Body) > 0 {
		var more []flat.Value
		if r.IsJSON() {
			more, err = flat.JSON(r.Body)
		} else {
			more, err = flat.Form(string(r.Body))
		}
		values = append(values, more...)
	}
	if err != nil {
		return data.Packet{}, err
	}
	id, p, err := flat.Read(name, values, "id", "deviceid", "name")
	if err != nil {
		return data.Packet{}, err
	}
	if _, device := address(r); device != "" {
		id = device
	}
	if id == "" {
		return data.Packet{}, fmt.Errorf("read path: want %slog/<app>/<token>/<device name>: %w", mark, protocol.ErrNoIdentity)
	}
	packet := data.Packet{Identity: id, Reply: []byte("{}")}
	if len(values) > 0 {
		packet.Positions = []data.Position{p}
	}
	return packet, nil
}
