package tracking

import (
	"net"
	"net/netip"
	"sync"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// What devices speak around, or instead of, a protocol of their own.
const (
	kindTLS  = "tls"
	kindHTTP = "http"
	kindMQTT = "mqtt"
)

// envelope tells whether bytes begin one of those. TLS: a record of type
// handshake, version 3.x (RFC 8446, 5.1). MQTT: CONNECT, the remaining length
// and the name of the protocol (MQTT 3.1.1 and 5.0, 3.1; "MQIsdp" before).
func envelope(first []byte) (kind string, match protocol.Match) {
	if m := protocol.Begins(first, "\x16\x03"); m != protocol.No {
		return kindTLS, m
	}
	if m := protocol.BeginsAny(first, "GET /", "POST /", "PUT /", "HEAD /", "OPTIONS ", "DELETE /", "PATCH /"); m != protocol.No {
		return kindHTTP, m
	}
	if len(first) == 0 || first[0] != 0x10 {
		return "", protocol.No
	}
	at := 1
	for at < len(first) && at <= 4 && first[at]&0x80 != 0 {
		at++
	}
	if at >= len(first) {
		return kindMQTT, protocol.NeedMore
	}
	return kindMQTT, protocol.BeginsAny(first[at+1:], "\x00\x04MQTT", "\x00\x06MQIsdp")
}

// maxHints bounds each of the two generations of hints.
const maxHints = 4096

// hints remember which protocol an address spoke. Those that were used longest
// ago go first, half of them at a time.
type hints struct {
	mu       sync.Mutex
	now, old map[netip.AddrPort]string
}

func (h *hints) set(a netip.AddrPort, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.now) >= maxHints || h.now == nil {
		h.old, h.now = h.now, make(map[netip.AddrPort]string)
	}
	h.now[a] = name
}

func (h *hints) get(a netip.AddrPort) string {
	h.mu.Lock()
	name, ok := h.now[a]
	if !ok {
		name = h.old[a]
	}
	h.mu.Unlock()
	if !ok && name != "" {
		h.set(a, name)
	}
	return name
}

func addressOf(a net.Addr) netip.AddrPort {
	if udp, ok := a.(*net.UDPAddr); ok {
		return udp.AddrPort()
	}
	out, _ := netip.ParseAddrPort(a.String())
	return out
}
