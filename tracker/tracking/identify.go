package tracking

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	// addressAge is how long a device is known by the address it spoke from: the
	// ports of mobile networks change hands.
	addressAge = time.Hour
	// maxAddresses bounds the addresses that are known, twice over.
	maxAddresses = 10_000
)

// addresses are the devices that datagrams came from, for protocols whose
// devices do not say who they are in each. Of two maps the older one is thrown
// away when the newer is full.
type addresses struct {
	mu         sync.Mutex
	newer, old map[addressKey]addressed
}

type addressKey struct{ protocol, remote string }

type addressed struct {
	identity string
	at       time.Time
}

// identify says who a datagram is from that does not say so itself, and
// remembers who those are from that do.
func (a *addresses) identify(p *protocol.Protocol, remote string, packet *data.Packet, now time.Time) {
	key := addressKey{p.Name, remote}
	a.mu.Lock()
	defer a.mu.Unlock()
	if packet.Identity == "" {
		found, ok := a.newer[key]
		if !ok {
			found, ok = a.old[key]
		}
		if ok && now.Sub(found.at) < addressAge {
			packet.Identity = found.identity
		}
		return
	}
	if len(a.newer) >= maxAddresses || a.newer == nil {
		a.old, a.newer = a.newer, map[addressKey]addressed{}
	}
	a.newer[key] = addressed{packet.Identity, now}
}

// otherName lets a device be registered under the other name of a packet: it
// counts if nobody has the first one.
func (t *Tracker) otherName(ctx context.Context, packet *data.Packet) {
	if packet.Alias == "" {
		return
	}
	if _, err := t.deps.Devices.ByUniqueID(ctx, packet.Identity); !errors.Is(err, data.ErrNotFound) {
		return
	}
	if _, err := t.deps.Devices.ByUniqueID(ctx, packet.Alias); err == nil {
		packet.Identity = packet.Alias
	}
}

// settled are the facts about a device that its codec was told.
type settled struct {
	attributes map[string]any
	model      string
}

// differs tells whether a device has other facts now. The cache reads a device
// anew when it was changed, so it is enough to look at the map itself.
func (s *settled) differs(d *data.Device) bool {
	return s.model != d.Model || reflect.ValueOf(s.attributes).Pointer() != reflect.ValueOf(d.Attributes).Pointer()
}
