package simulator

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// readBuffer is small: answers are, and there are many devices.
const readBuffer = 512

// link is the connection of one device, used by one goroutine.
type link struct {
	dialect    dialect
	target     string
	id         string
	timeout    time.Duration
	maxBackoff time.Duration
	counts     *counters
	log        *slog.Logger

	conn   net.Conn
	reader *bufio.Reader
	unwind func() bool // stops watching the context
	serial uint16
}

// scratch holds buffers for messages, which are needed for a moment only.
var scratch = sync.Pool{New: func() any { return new([512]byte) }}

// deliver sends a position until the server has acknowledged it, connecting
// again after waits that grow. It returns false when ctx has ended.
func (l *link) deliver(ctx context.Context, p *data.Position) bool {
	for wait := minBackoff; ; wait = min(2*wait, l.maxBackoff) {
		err := l.send(ctx, p)
		if err == nil {
			return true
		}
		l.close()
		if ctx.Err() != nil {
			return false
		}
		if l.counts.errors.Add(1) == 1 {
			l.log.Warn("first error of a simulated device; further ones are counted", "device", l.id, "target", l.target, "err", err)
		}
		l.log.Debug("deliver position", "device", l.id, "retry_in", wait, "err", err)
		// Up to half of the wait is left to chance, so that a crowd does not
		// come back as one.
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

func (l *link) send(ctx context.Context, p *data.Position) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	if l.serial++; l.serial == 0 {
		l.serial = 1 // 0 is the login
	}
	buffer := scratch.Get().(*[512]byte)
	defer scratch.Put(buffer)
	message := l.dialect.report(buffer[:0], l.target, l.id, p, l.serial)
	started := time.Now()
	if err := l.exchange(message, l.serial, &l.counts.sent); err != nil {
		return fmt.Errorf("send position: %w", err)
	}
	l.counts.latency.add(time.Since(started))
	l.counts.acknowledged.Add(1)
	return nil
}

// connect makes sure that there is a connection, and says who we are.
func (l *link) connect(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: l.timeout}
	conn, err := dialer.DialContext(ctx, "tcp", l.target)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	l.conn = conn
	l.counts.connections.Add(1)
	l.counts.connected.Add(1)
	l.unwind = context.AfterFunc(ctx, func() { conn.Close() })
	if l.reader == nil {
		l.reader = bufio.NewReaderSize(conn, readBuffer)
	} else {
		l.reader.Reset(conn)
	}
	login := l.dialect.login(nil, l.id)
	if len(login) == 0 {
		return nil
	}
	if err := l.exchange(login, 0, nil); err != nil {
		if errors.Is(err, io.EOF) {
			err = errRefused
		}
		return fmt.Errorf("log in: %w", err)
	}
	return nil
}

// exchange writes a message and waits for its answer.
func (l *link) exchange(message []byte, serial uint16, sent interface{ Add(uint64) uint64 }) error {
	if err := l.conn.SetDeadline(time.Now().Add(l.timeout)); err != nil {
		return err
	}
	if _, err := l.conn.Write(message); err != nil {
		return err
	}
	if sent != nil {
		sent.Add(1)
	}
	reply, err := l.dialect.await(l.reader, serial)
	if err != nil || len(reply) == 0 {
		return err
	}
	_, err = l.conn.Write(reply)
	return err
}

func (l *link) close() {
	if l.conn == nil {
		return
	}
	l.unwind()
	l.conn.Close()
	l.conn = nil
	l.counts.connected.Add(-1)
}
