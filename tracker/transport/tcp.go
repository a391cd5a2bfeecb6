package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// chunk is how much is read at once. Idle connections hold no buffer, busy
// ones share a pool of them.
const chunk = 4 << 10

var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// Pool counts the open TCP connections of all ports together.
type Pool struct{ open atomic.Int64 }

// enter takes a place, if there is one.
func (p *Pool) enter(lim Limits, c Counter) bool {
	if p.open.Add(1) > int64(lim.Connections) {
		p.open.Add(-1)
		c.Refused()
		return false
	}
	c.Connected(1)
	return true
}

// leave gives a place back.
func (p *Pool) leave(c Counter) {
	p.open.Add(-1)
	c.Connected(-1)
}

// ServeTCP accepts connections until ctx ends, then closes them and returns
// when the last session has.
func ServeTCP(ctx context.Context, l net.Listener, h Handler, lim Limits, pool *Pool, c Counter, log *slog.Logger) error {
	return accept(ctx, l, lim, pool, c, log, func(conn net.Conn) {
		defer pool.leave(c)
		defer conn.Close()
		serveConn(ctx, conn, h, lim, c, log)
	})
}

// accept has serve look after each connection until ctx ends, and returns when
// the last call has. Serve closes the connection and leaves the pool.
func accept(ctx context.Context, l net.Listener, lim Limits, pool *Pool, c Counter, log *slog.Logger, serve func(net.Conn)) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for attempt := 0; ; {
		conn, err := l.Accept()
		if err != nil {
			if !retryAccept(ctx, log, attempt, err) {
				return nil
			}
			attempt++
			continue
		}
		attempt = 0
		if !pool.enter(lim, c) {
			conn.Close()
			continue
		}
		conns.Go(func() { serve(conn) })
	}
}

// serveConn talks with one device.
func serveConn(ctx context.Context, conn net.Conn, h Handler, lim Limits, c Counter, log *slog.Logger) {
	serveFrom(ctx, conn, newReader(conn), h, lim, c, log)
}

// serveFrom talks with a device of which r may have read something already.
func serveFrom(ctx context.Context, conn net.Conn, r *reader, h Handler, lim Limits, c Counter, log *slog.Logger) {
	t := newTalk(ctx, conn, r, h, lim, c, log)
	defer t.session.Close()
	defer context.AfterFunc(ctx, t.hangUp)()
	t.run()
}

// talk is a connection with a device. What it needs lies here and not on the
// stack: that of a connection which waits has to fit into the smallest size, or
// each takes 4 KiB more.
type talk struct {
	ctx     context.Context // of the listener
	conn    net.Conn
	r       *reader
	w       *connWriter
	session Session
	lim     Limits
	c       Counter
	log     *slog.Logger
	// take is the time of a message: what was taken is finished also while the
	// listeners stop, so that a position that is durable by then is acknowledged.
	take  budget
	until deadline
	wait  time.Duration
}

func newTalk(ctx context.Context, conn net.Conn, r *reader, h Handler, lim Limits, c Counter, log *slog.Logger) *talk {
	t := &talk{ctx: ctx, conn: conn, r: r, lim: lim, c: c, log: log, wait: lim.Greeting}
	t.w = &connWriter{ctx: ctx, conn: conn, limit: lim.Answer, c: c}
	t.take.Context = context.WithoutCancel(ctx)
	t.session = h.Open(protocol.TCP, conn.RemoteAddr(), t.w)
	return t
}

// hangUp ends what the connection waits for.
func (t *talk) hangUp() { t.conn.SetDeadline(time.Unix(1, 0)) }

func (t *talk) run() {
	for replay := t.r.replay(); t.ready(); replay = false {
		if !replay {
			if err := t.r.fill(); err != nil {
				logEnd(t.log, t.conn, err)
				return
			}
			t.c.Bytes(t.r.fresh, 0)
		}
		if err := t.answer(); err != nil {
			logEnd(t.log, t.conn, err)
			return
		}
	}
}

// ready sets how long the device may be silent; false ends the talk.
func (t *talk) ready() bool {
	return t.until.extend(time.Now(), t.wait, t.conn.SetReadDeadline) == nil && t.ctx.Err() == nil
}

// answer has the session take what has come.
func (t *talk) answer() error {
	t.wait = t.lim.Idle
	t.take.start(time.Now().Add(t.lim.Answer))
	used, reply, err := t.session.Receive(&t.take, t.r.pending)
	t.take.stop()
	if len(reply) > 0 {
		_, werr := t.w.Write(reply)
		err = errors.Join(err, werr)
	}
	if err == nil && len(t.r.pending)-used > t.lim.Frame {
		err = fmt.Errorf("no frame within %d bytes", t.lim.Frame)
	}
	if err != nil {
		return err
	}
	t.session.Answered()
	t.r.discard(used)
	return nil
}

// connWriter writes to a connection, one writer at a time: each gets the whole
// of the time.
type connWriter struct {
	mu    sync.Mutex
	ctx   context.Context // of the listener
	conn  net.Conn
	limit time.Duration
	until deadline
	c     Counter
}

func (w *connWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil { // the end of the listener has cut the time short
		w.until = deadline{}
	}
	if err := w.until.extend(time.Now(), w.limit, w.conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	n, err := w.conn.Write(b)
	w.c.Bytes(0, n)
	return n, err
}

func logEnd(log *slog.Logger, conn net.Conn, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ECONNRESET) {
		return // devices come and go
	}
	log.Debug("connection closed", "remote", conn.RemoteAddr().String(), "err", err)
}

// reader reads a connection without holding a buffer while nothing comes: it
// waits for the socket to become readable and takes a buffer from the pool only
// then. What a session leaves behind is kept in a slice of its own, so that a
// quiet connection costs no more than its goroutine.
type reader struct {
	conn    net.Conn
	raw     syscall.RawConn // nil for connections that are no sockets (TLS)
	pending []byte          // valid until discard; in the pooled buffer or kept
	kept    []byte
	pooled  *[]byte
	fresh   int // bytes of the last fill
}

func newReader(conn net.Conn) *reader {
	r := &reader{conn: conn}
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			r.raw = raw
		}
	}
	return r
}

// fill waits for bytes and appends them to pending.
func (r *reader) fill() error {
	n, err := r.read()
	r.fresh = n
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		r.release()
		return err
	}
	if len(r.kept) == 0 {
		r.pending = (*r.pooled)[:n]
		return nil
	}
	r.kept = append(r.kept, (*r.pooled)[:n]...)
	r.pending = r.kept
	return nil
}

// replay offers again what was read and kept; false if there is nothing.
func (r *reader) replay() bool {
	r.pending = r.kept
	return len(r.kept) > 0
}

// discard forgets the first n bytes of pending and gives the buffer back.
func (r *reader) discard(n int) {
	rest := r.pending[n:]
	switch {
	case len(rest) == 0:
		r.kept = nil
	default:
		r.kept = append([]byte(nil), rest...)
	}
	r.pending = nil
	r.release()
}

func (r *reader) release() {
	if r.pooled != nil {
		chunks.Put(r.pooled)
		r.pooled = nil
	}
}

func (r *reader) read() (n int, err error) {
	if r.raw == nil {
		r.pooled = chunks.Get().(*[]byte)
		return r.conn.Read(*r.pooled)
	}
	var sysErr error
	err = r.raw.Read(func(fd uintptr) bool {
		if r.pooled == nil {
			r.pooled = chunks.Get().(*[]byte)
		}
		for {
			n, sysErr = syscall.Read(int(fd), *r.pooled)
			if sysErr != syscall.EINTR {
				break
			}
		}
		if sysErr == syscall.EAGAIN {
			r.release()
			return false // wait until the socket is readable
		}
		return true
	})
	if err == nil {
		err = sysErr
	}
	if err != nil {
		n = 0
	}
	return n, err
}
