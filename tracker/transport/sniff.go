package transport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// SniffWait is how long the first bytes of a connection may leave open what
	// they are of.
	SniffWait = 5 * time.Second
	// maxSniff bounds the first bytes, maxLooks how often they are looked at.
	maxSniff = chunk
	maxLooks = 64
)

// Sniffer finds out what connections are of whose protocol is not known.
type Sniffer interface {
	// Sniff looks at the first bytes of a connection, which stay unread. last says
	// that no more will come: then Route.Wait is not heeded. secure says that the
	// bytes came through TLS.
	Sniff(first []byte, remote net.Addr, last, secure bool) Route
}

// Route says where a connection goes. The zero Route closes it.
type Route struct {
	// Wait asks for more bytes.
	Wait bool
	// TLS says that the bytes begin a handshake; what is inside is sniffed again.
	TLS *tls.Config
	// Handed takes the connection over.
	Handed *Handed
	// Handler serves the connection as on a port of its own, within Limits.
	Handler Handler
	Limits  Limits
	Counter Counter
}

// ServeSniffed accepts connections of any protocol until ctx ends. Nothing is
// consumed before it is known who does.
func ServeSniffed(ctx context.Context, l net.Listener, s Sniffer, lim Limits, pool *Pool, c Counter, log *slog.Logger) error {
	return accept(ctx, l, lim, pool, c, log, func(conn net.Conn) {
		peer := sniffed{ctx: ctx, sniffer: s, lim: lim, c: c, log: log}
		to := peer.serve(conn, false)
		pool.leave(c)
		if to == nil {
			conn.Close()
			return
		}
		to.Handed.hand(to.conn)
	})
}

// sniffed serves one connection.
type sniffed struct {
	ctx     context.Context // of the listener, for as long as the connection lives
	sniffer Sniffer
	lim     Limits
	c       Counter
	log     *slog.Logger
}

// handover is a connection that another server takes over.
type handover struct {
	Route
	conn net.Conn
}

// serve finds out what a connection is of and serves it, or says who will.
func (p *sniffed) serve(conn net.Conn, secure bool) *handover {
	r := newReader(conn)
	route, ok := p.sniff(conn, r, secure)
	switch {
	case !ok:
		return nil
	case route.TLS != nil && !secure:
		plain := tls.Server(&replayed{conn, r.kept}, route.TLS)
		ctx, cancel := context.WithTimeout(p.ctx, p.lim.Answer)
		defer cancel()
		if err := plain.HandshakeContext(ctx); err != nil {
			p.log.Debug("TLS handshake", "remote", conn.RemoteAddr().String(), "err", err)
			return nil
		}
		return p.serve(plain, true)
	case route.Handed != nil:
		if err := conn.SetDeadline(time.Time{}); err != nil {
			return nil
		}
		return &handover{route, &replayed{conn, r.kept}}
	case route.Handler != nil:
		p.c.Connected(-1)
		route.Counter.Connected(1)
		serveFrom(p.ctx, conn, r, route.Handler, route.Limits, route.Counter, p.log)
		route.Counter.Connected(-1)
		p.c.Connected(1)
	}
	return nil
}

// sniff reads until the sniffer has decided. What was read stays in r.kept.
func (p *sniffed) sniff(conn net.Conn, r *reader, secure bool) (route Route, ok bool) {
	stop := context.AfterFunc(p.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	until := time.Now().Add(p.lim.Greeting)
	for looks := 1; ; looks++ {
		if err := conn.SetReadDeadline(until); err != nil || p.ctx.Err() != nil {
			return Route{}, false
		}
		err := r.fill()
		if err == nil {
			p.c.Bytes(r.fresh, 0)
			r.discard(0)
		}
		if len(r.kept) == 0 || p.ctx.Err() != nil {
			return Route{}, false // it said nothing
		}
		last := err != nil || looks >= maxLooks || len(r.kept) >= maxSniff
		route = p.sniffer.Sniff(r.kept, conn.RemoteAddr(), last, secure)
		if !route.Wait || last {
			return route, true
		}
		if looks == 1 {
			until = time.Now().Add(SniffWait)
		}
	}
}

// replayed is a connection whose first bytes have been read already.
type replayed struct {
	net.Conn
	first []byte
}

func (c *replayed) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// handedQueue is how many connections wait to be accepted; more are closed.
const handedQueue = 64

// Handed is a listener whose connections come from another one.
type Handed struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewHanded makes a listener that says it listens on addr.
func NewHanded(addr net.Addr) *Handed {
	return &Handed{addr: addr, conns: make(chan net.Conn, handedQueue), closed: make(chan struct{})}
}

// hand gives a connection to whoever accepts, and closes it if nobody does.
func (l *Handed) hand(conn net.Conn) {
	select {
	case <-l.closed:
		conn.Close()
		return
	default:
	}
	select {
	case l.conns <- conn:
		select {
		case <-l.closed: // perhaps nobody has seen it
			l.drain()
		default:
		}
	default:
		conn.Close()
	}
}

// Accept implements net.Listener.
func (l *Handed) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case conn := <-l.conns:
		return conn, nil
	}
}

// Close implements net.Listener. Connections that wait are closed.
func (l *Handed) Close() error {
	err := error(net.ErrClosed)
	l.once.Do(func() {
		close(l.closed)
		err = nil
	})
	l.drain()
	return err
}

func (l *Handed) drain() {
	for {
		select {
		case conn := <-l.conns:
			conn.Close()
		default:
			return
		}
	}
}

// Addr implements net.Listener.
func (l *Handed) Addr() net.Addr { return l.addr }
