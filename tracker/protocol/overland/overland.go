// Package overland reads what the Overland apps send: batches of GeoJSON
// points. README.md describes it.
package overland

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	name = "overland"
	// maxBody bounds a batch: the app sends up to 1000 points of some 600 bytes.
	maxBody = 1 << 20
	// maxPoints is above what the app sends at once.
	maxPoints = 2000
)

// Protocol describes overland. It has no port of its own.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read, Phone: &protocol.Phone{Claims: claims},
	}
}

func claims(r *protocol.Request) bool {
	return strings.HasPrefix(r.Path, "/overland") || r.IsJSON() && protocol.HasKey(r.Body, "locations")
}

// batch is the body of a request. Other keys, the state of a trip for one, tell
// nothing that the points do not.
type batch struct {
	Locations []json.RawMessage `json:"locations"`
	Current   json.RawMessage   `json:"current"`
}

// read reads a batch: one packet for each device in it.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	var b batch
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return data.Packet{}, fmt.Errorf("read body: want a JSON object with locations: %w: %w", err, data.ErrInvalid)
	}
	if len(b.Locations) > maxPoints {
		return data.Packet{}, fmt.Errorf("read locations: %d, at most %d; set a smaller batch size in the app: %w", len(b.Locations), maxPoints, data.ErrInvalid)
	}
	if len(b.Locations) == 0 && len(b.Current) > 0 {
		b.Locations = []json.RawMessage{b.Current}
	}
	device := r.Parameter("device_id")
	if rest, ok := r.PathAfter("/overland"); ok && rest != "" {
		device = rest
	}
	packets := []data.Packet{}
	index := map[string]int{}
	for i, raw := range b.Locations {
		var f feature
		if err := json.Unmarshal(raw, &f); err != nil {
			return data.Packet{}, fmt.Errorf("read location %d: %w: %w", i+1, err, data.ErrInvalid)
		}
		id := f.device(device)
		if id == "" {
			return data.Packet{}, fmt.Errorf("read location %d: set a device id in the app: %w", i+1, protocol.ErrNoIdentity)
		}
		n, known := index[id]
		if !known {
			n = len(packets)
			index[id] = n
			packets = append(packets, data.Packet{Identity: id})
		}
		packets[n].Positions = append(packets[n].Positions, f.position())
	}
	if len(packets) == 0 {
		packets = append(packets, data.Packet{Identity: device})
	}
	r.SetAnswer("Content-Type", "application/json")
	first := packets[0]
	first.Reply = []byte(`{"result":"ok"}`)
	first.More = packets[1:]
	return first, nil
}
