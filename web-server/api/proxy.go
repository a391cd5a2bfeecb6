package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// parsePrefixes reads addresses and networks.
func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted-proxies has %q, it must be an address like 10.0.0.2 or a network like 10.0.0.0/8: %w", s, data.ErrInvalid)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// behindProxy takes the word of trusted proxies, and of nobody else, for whom a
// request comes from and whether it came over TLS.
func (s *Server) behindProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.trusts(remoteAddr(r)) {
			if a := s.client(r.Header.Values("X-Forwarded-For")); a.IsValid() {
				r = r.Clone(r.Context())
				r.RemoteAddr = netip.AddrPortFrom(a, 0).String()
			}
			if strings.EqualFold(last(r.Header.Values("X-Forwarded-Proto")), "https") {
				r = r.WithContext(context.WithValue(r.Context(), secureKey, true))
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range s.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// client is the address next to our proxies: each adds whom it heard from at
// the end, and what stands before the first stranger, anybody can write.
func (s *Server) client(headers []string) (a netip.Addr) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		next, err := netip.ParseAddr(hop)
		if err != nil {
			withPort, err := netip.ParseAddrPort(hop)
			if err != nil {
				break
			}
			next = withPort.Addr()
		}
		if a = next.Unmap(); !s.trusts(a) {
			break
		}
	}
	return a
}

// last is the last of the values of a header: what the nearest proxy said.
func last(headers []string) string {
	all := strings.Split(strings.Join(headers, ","), ",")
	return strings.TrimSpace(all[len(all)-1])
}

// isSecure tells whether the browser came over TLS.
func isSecure(r *http.Request) bool {
	proxied, _ := r.Context().Value(secureKey).(bool)
	return r.TLS != nil || proxied
}
