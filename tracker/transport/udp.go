package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	// maxDatagram is the largest UDP payload (RFC 768, IPv4).
	maxDatagram = 65507
	// udpWorkers bounds the datagrams that wait for durability at once. Others
	// wait in the socket's buffer, where the kernel drops what does not fit; a
	// device without an answer sends again.
	udpWorkers = 64
)

// ServeUDP answers datagrams until ctx ends. Each datagram is a session of its
// own: the protocols spoken over UDP name the device in each.
func ServeUDP(ctx context.Context, conn net.PacketConn, h Handler, lim Limits, c Counter, log *slog.Logger) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	slots := make(chan struct{}, udpWorkers)
	buf := make([]byte, maxDatagram)
	for attempt := 0; ; {
		n, remote, err := conn.ReadFrom(buf)
		if err != nil {
			if !retryAccept(ctx, log, attempt, err) {
				return nil
			}
			attempt++
			continue
		}
		attempt = 0
		c.Bytes(n, 0)
		if n == 0 || n > lim.Frame {
			continue
		}
		datagram := append([]byte(nil), buf[:n]...)
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		workers.Go(func() {
			defer func() { <-slots }()
			w := packetWriter{conn, remote, c}
			session := h.Open(protocol.UDP, remote, w)
			defer session.Close()
			_, reply, err := receive(context.WithoutCancel(ctx), session, datagram, lim.Answer)
			if err != nil {
				log.Debug("datagram", "remote", remote.String(), "err", err)
			}
			if len(reply) > 0 {
				_, werr := w.Write(reply)
				err = errors.Join(err, werr)
			}
			if err == nil {
				session.Answered()
			}
		})
	}
}

// packetWriter sends datagrams to one address.
type packetWriter struct {
	conn   net.PacketConn
	remote net.Addr
	c      Counter
}

func (w packetWriter) Write(b []byte) (int, error) {
	n, err := w.conn.WriteTo(b, w.remote)
	w.c.Bytes(0, n)
	return n, err
}

// receive lets a session finish what it has taken, also while the listeners
// stop: a position that is durable by then is acknowledged.
func receive(ctx context.Context, s Session, buf []byte, limit time.Duration) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.Receive(ctx, buf)
}
