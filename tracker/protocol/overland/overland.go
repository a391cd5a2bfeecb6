// Package overland reads what the Overland apps send: batches of GeoJSON
// points. README.md describes it.
package overland

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
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

// read reads a batch: one packet for each device in it. Besides the points only
// the current one means something, and only if there are no others; the state of
// a trip for one tells nothing that the points do not.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	b := batch{device: r.Parameter("device_id")}
	if rest, ok := r.PathAfter("/overland"); ok && rest != "" {
		b.device = rest
	}
	var current jsonscan.Value
	s := jsonscan.New(r.Body)
	for s.Object(); s.Member(); {
		switch key := string(s.Key()); {
		case key == "locations" && s.Kind() == jsonscan.Array:
			for s.Array(); s.Element(); {
				if err := b.point(&s); err != nil {
					return data.Packet{}, err
				}
			}
		case key == "current":
			current = s.Value()
		default:
			s.Value()
		}
	}
	if err := s.End(); err != nil {
		return data.Packet{}, fmt.Errorf("read body, a JSON object with locations: %w", err)
	}
	if b.n == 0 && current.Kind() == jsonscan.Object {
		s := jsonscan.New(current.Raw())
		if err := b.point(&s); err != nil {
			return data.Packet{}, err
		}
	}
	packet, ok := b.group.Packet()
	if !ok {
		packet.Identity = b.device
	}
	r.SetAnswer("Content-Type", "application/json")
	packet.Reply = []byte(`{"result":"ok"}`)
	return packet, nil
}

// batch is a request while it is read.
type batch struct {
	// device is who the address says that it is.
	device string
	group  protocol.Group
	n      int
}

// point reads the next point.
func (b *batch) point(s *jsonscan.Scanner) error {
	if b.n++; b.n > maxPoints {
		return fmt.Errorf("read locations: more than %d; set a smaller batch size in the app: %w", maxPoints, data.ErrInvalid)
	}
	var f feature
	if f.read(s); s.Failed() {
		return fmt.Errorf("read location %d: %w", b.n, s.End())
	}
	id := f.device(b.device)
	if id == "" {
		return fmt.Errorf("read location %d: set a device id in the app: %w", b.n, protocol.ErrNoIdentity)
	}
	packet, _ := b.group.Of(id)
	packet.Positions = append(packet.Positions, f.position())
	return nil
}
