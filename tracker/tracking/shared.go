package tracking

import (
	"context"
	"net/http"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

// shared serves the HTTP port of a protocol that shares it: each request goes
// to the protocol that claims it, so that an app only needs the address of the
// server.
type shared struct {
	*handler
	others []*handler
}

// httpHandler makes the handler of the HTTP requests of a protocol's port, and
// tells how long a body may be.
func (t *Tracker) httpHandler(h *handler, longest int) (transport.Handler, int) {
	if h.protocol.Phone == nil || !h.protocol.Phone.Shared {
		return h, longest
	}
	s := &shared{handler: h}
	for _, p := range t.deps.Protocols {
		if p.HTTP == nil || p.Phone == nil || p.Phone.Claims == nil || t.cfg.Ports[p.Name] == "off" || p.Name == h.protocol.Name {
			continue
		}
		s.others = append(s.others, &handler{t: t, protocol: p, count: t.metrics.protocol(p.Name)})
		longest = max(longest, p.MaxFrame)
	}
	return s, longest
}

// Request implements transport.Handler.
func (s *shared) Request(ctx context.Context, r *protocol.Request, remote string) (status int, body []byte) {
	h := s.handler
	for _, other := range s.others {
		if other.claims(r) {
			h = other
			break
		}
	}
	if longest := h.protocol.MaxFrame; longest > 0 && len(r.Body) > longest {
		return http.StatusRequestEntityTooLarge, []byte("the body is too large\n")
	}
	return h.Request(ctx, r, remote)
}

// claims asks a protocol; one that panics claims nothing.
func (h *handler) claims(r *protocol.Request) (ok bool) {
	defer func() {
		if recover() != nil {
			h.count.panics.Inc()
			ok = false
		}
	}()
	return h.protocol.Phone.Claims(r)
}

// proof is what a request brings.
func (h *handler) proof(r *protocol.Request) proof {
	p := proof{secrets: r.Secrets()}
	if h.protocol.Phone != nil && h.protocol.Phone.Secret != nil {
		if secret := h.protocol.Phone.Secret(r); secret != "" {
			p.secrets = append(p.secrets, secret)
		}
	}
	return p
}

// again reads a request once more with the settings of its device, if that is
// how the protocol wants it.
func (h *handler) again(device data.Device, r *protocol.Request, packet *data.Packet, now time.Time) error {
	if h.protocol.Phone == nil || !h.protocol.Phone.Configurable || device.ID == 0 {
		return nil
	}
	r.Settings = decoderSettings(device)
	settled, err := h.protocol.HTTP(r, now)
	if err != nil {
		return err
	}
	if settled.Identity == packet.Identity && len(settled.More) == len(packet.More) {
		*packet = settled
	}
	return nil
}

// befriend makes the reply of a request tell the device where its friends are:
// only if it has proven that it is the device, for anybody can give its name.
func (h *handler) befriend(ctx context.Context, device data.Device, by proof, packet *data.Packet) {
	phone := h.protocol.Phone
	if phone == nil || phone.Friends == nil || h.t.deps.Friends == nil || len(packet.Positions) == 0 || !by.knows(device) {
		return
	}
	friends, err := h.t.deps.Friends.Friends(ctx, device.ID)
	if err != nil {
		h.t.deps.Log.Warn("friends not found", "device", device.ID, "err", err)
		return
	}
	packet.Reply = phone.Friends(friends)
}
