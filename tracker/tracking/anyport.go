package tracking

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
	"github.com/waymark-gps/waymark/util/metric"
)

const (
	// anyName is what the port for any device is called in addresses and metrics.
	anyName = "any"
	// defaultAnyPort is where it is, before the offset.
	defaultAnyPort = 5000
	// anyFrame bounds a datagram, whatever its protocol allows.
	anyFrame = 64 << 10
)

// anyPort serves devices of every protocol on one port: it looks at the first
// bytes of a connection, and at each datagram, and gives them to the sessions of
// the protocol they are of.
type anyPort struct {
	t    *Tracker
	list []protocol.Protocol
	// handlers has one of each protocol of the list.
	handlers map[string]*handler
	// http and mqtt take the connections of those; nil while nobody does.
	http, mqtt *transport.Handed
	tls        *tls.Config // nil: no TLS
	hints      hints

	unrecognised *metric.Counter
}

func newAnyPort(t *Tracker) (*anyPort, error) {
	a := &anyPort{
		t: t, handlers: map[string]*handler{},
		unrecognised: t.deps.Metrics.NewCounter("waymark_tracker_unrecognised_total"),
	}
	var err error
	if t.cfg.TLSCertFile != "" {
		files := &certificate{certFile: t.cfg.TLSCertFile, keyFile: t.cfg.TLSKeyFile}
		if a.tls, err = files.config(); err != nil {
			return nil, err
		}
	}
	for _, p := range t.deps.Protocols {
		if p.Signature != nil && p.New != nil {
			a.list = append(a.list, p)
			a.handlers[p.Name] = &handler{t: t, protocol: p, count: t.metrics.protocol(p.Name)}
		}
	}
	return a, nil
}

// anyPort is where any device may connect. Unless it is said, it is off when
// every port that is not named is, and moves with the others.
func (c Config) anyPort() (port int, on bool, err error) {
	for _, s := range [...]string{c.AnyPort, c.Ports[anyProtocol]} {
		if s != "" {
			if port, on, err = parsePort(s); err != nil {
				err = fmt.Errorf("tracker.any-port: %w", err)
			}
			return port, on, err
		}
	}
	if port = defaultAnyPort + c.PortOffset; port < 1 || port > 65535 {
		return 0, false, fmt.Errorf("tracker.port-offset %d puts the port for any device on %d, which does not exist: %w", c.PortOffset, port, data.ErrInvalid)
	}
	return port, true, nil
}

// listenAny opens the port for any device, over TCP and UDP.
func (t *Tracker) listenAny() error {
	number, on, err := t.cfg.anyPort()
	if err != nil || !on {
		return err
	}
	if t.any, err = newAnyPort(t); err != nil {
		return err
	}
	p := protocol.Protocol{Name: anyName}
	for _, tr := range []protocol.Transport{protocol.TCP, protocol.UDP} {
		if err := t.open(p, tr, number); err != nil {
			return err
		}
		if number == 0 { // any free one: the same for both
			number = t.ports[len(t.ports)-1].listener.Addr().(*net.TCPAddr).Port
		}
	}
	tcp := t.ports[len(t.ports)-2].listener.Addr()
	if t.sharedHTTP() != nil {
		t.any.http = transport.NewHanded(tcp)
	}
	return nil
}

// sharedHTTP is the protocol whose HTTP port takes requests of every other.
func (t *Tracker) sharedHTTP() *protocol.Protocol {
	for i := range t.deps.Protocols {
		if p := &t.deps.Protocols[i]; p.HTTP != nil && p.Phone != nil && p.Phone.Shared {
			return p
		}
	}
	return nil
}

// mqttListener returns a listener of the MQTT connections that come in on the
// port for any device, nil if that is off. From then on they are not refused.
func (t *Tracker) mqttListener() net.Listener {
	if t.any == nil {
		return nil
	}
	if t.any.mqtt == nil {
		t.any.mqtt = transport.NewHanded(t.any.addr())
	}
	return t.any.mqtt
}

func (a *anyPort) addr() net.Addr {
	for _, o := range a.t.ports {
		if o.protocol.Name == anyName && o.listener != nil {
			return o.listener.Addr()
		}
	}
	return &net.TCPAddr{}
}

// serve serves one of the two sockets until ctx ends.
func (a *anyPort) serve(ctx context.Context, o *port, pool *transport.Pool, log *slog.Logger) error {
	lim := transport.DefaultLimits
	lim.Connections = a.t.cfg.MaxConnections
	counter := a.t.metrics.transport(anyName, o.transport)
	if o.transport == protocol.UDP {
		lim.Frame = anyFrame
		return transport.ServeUDP(ctx, o.packets, anyHandler{a}, lim, counter, log)
	}
	var group errgroup.Group
	if a.http != nil {
		p := a.t.sharedHTTP()
		web := a.limits(p)
		var h transport.Handler
		h, web.Frame = a.t.httpHandler(&handler{t: a.t, protocol: *p, count: a.t.metrics.protocol(p.Name)}, web.Frame)
		group.Go(func() error {
			return transport.ServeHTTP(ctx, a.http, h, web, pool, a.t.metrics.transport(p.Name, protocol.HTTP), log)
		})
	}
	group.Go(func() error { return transport.ServeSniffed(ctx, o.listener, a, lim, pool, counter, log) })
	return group.Wait()
}

func (a *anyPort) limits(p *protocol.Protocol) transport.Limits {
	lim := transport.DefaultLimits
	lim.Connections = a.t.cfg.MaxConnections
	if p.MaxFrame > 0 {
		lim.Frame = p.MaxFrame
	}
	return lim
}

// Sniff implements transport.Sniffer.
func (a *anyPort) Sniff(first []byte, remote net.Addr, last, secure bool) transport.Route {
	now := a.t.deps.Now().UTC()
	kind, match := envelope(first)
	switch {
	case match == protocol.Sure:
		if route, ok := a.envelopeRoute(kind, secure); ok {
			return route
		}
		a.drop(remote, first, []string{kind}, now)
		return transport.Route{}
	case match == protocol.NeedMore && !last:
		return transport.Route{Wait: true}
	}
	guess := a.recognise(first, protocol.TCP, now, last)
	switch {
	case guess.Protocol != nil:
		h := a.handlers[guess.Protocol.Name]
		return transport.Route{
			Handler: h, Limits: a.limits(guess.Protocol), Counter: a.t.metrics.transport(guess.Protocol.Name, protocol.TCP),
		}
	case guess.Wait:
		return transport.Route{Wait: true}
	}
	a.drop(remote, first, guess.Names, now)
	return transport.Route{}
}

// envelopeRoute is where TLS, HTTP and MQTT go; ok is false if nobody serves them.
func (a *anyPort) envelopeRoute(kind string, secure bool) (route transport.Route, ok bool) {
	switch {
	case kind == kindTLS && a.tls != nil && !secure:
		return transport.Route{TLS: a.tls}, true
	case kind == kindHTTP && a.http != nil:
		return transport.Route{Handed: a.http}, true
	case kind == kindMQTT && a.mqtt != nil:
		return transport.Route{Handed: a.mqtt}, true
	}
	return transport.Route{}, false
}

// drop counts a peer that nobody understands and lists it.
func (a *anyPort) drop(remote net.Addr, first []byte, guesses []string, now time.Time) {
	a.unrecognised.Inc()
	a.t.sightings.unrecognised(remote, first, guesses, now)
	a.t.raw.unrecognised(remote, first)
}

// recognise asks the protocols. A bug in one of them costs the peer, not the
// tracker.
func (a *anyPort) recognise(first []byte, tr protocol.Transport, now time.Time, last bool) (guess protocol.Guess) {
	defer func() {
		if r := recover(); r != nil {
			a.t.deps.Log.Error("signature panicked", "panic", fmt.Sprint(r))
			guess = protocol.Guess{}
		}
	}()
	return protocol.Recognise(a.list, first, tr, now, last)
}

// anyHandler serves the datagrams.
type anyHandler struct{ any *anyPort }

// Open implements transport.Handler.
func (h anyHandler) Open(_ protocol.Transport, remote net.Addr, w transport.Writer) transport.Session {
	return &datagram{any: h.any, remote: remote, w: w}
}

// Request implements transport.Handler.
func (anyHandler) Request(context.Context, *protocol.Request, string) (int, []byte) {
	return http.StatusNotFound, nil
}

var errUnrecognised = errors.New("the datagram is of no known protocol")

// datagram is the session of one; it becomes that of its protocol.
type datagram struct {
	any     *anyPort
	remote  net.Addr
	w       transport.Writer
	session transport.Session
}

// Receive implements transport.Session.
func (d *datagram) Receive(ctx context.Context, buf []byte) (used int, reply []byte, err error) {
	now := d.any.t.deps.Now().UTC()
	guess := d.any.recognise(buf, protocol.UDP, now, true)
	p := guess.Protocol
	if p == nil {
		p = d.any.hinted(d.remote, buf)
	} else {
		d.any.hints.set(addressOf(d.remote), p.Name)
	}
	if p == nil {
		d.any.drop(d.remote, buf, guess.Names, now)
		return len(buf), nil, errUnrecognised
	}
	d.session = d.any.handlers[p.Name].Open(protocol.UDP, d.remote, d.w)
	return d.session.Receive(ctx, buf)
}

// hinted is the protocol that the address spoke before, if the datagram can be
// of it.
func (a *anyPort) hinted(remote net.Addr, first []byte) *protocol.Protocol {
	h := a.handlers[a.hints.get(addressOf(remote))]
	if h == nil || h.protocol.Transports&protocol.UDP == 0 || h.protocol.Signature(first, protocol.UDP) == protocol.No {
		return nil
	}
	return &h.protocol
}

// Answered implements transport.Session.
func (d *datagram) Answered() {
	if d.session != nil {
		d.session.Answered()
	}
}

// Close implements transport.Session.
func (d *datagram) Close() {
	if d.session != nil {
		d.session.Close()
	}
}
