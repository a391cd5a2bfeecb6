// Package transport carries bytes between devices and sessions: TCP, UDP and
// HTTP listeners with their limits and deadlines. It knows Session, and no
// protocol by name.
package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Session is one conversation with a device: a TCP connection, or one datagram.
type Session interface {
	// Receive takes what has arrived and not been taken yet. It returns how many
	// bytes it used and what to answer; the rest is offered again with what comes
	// next. It returns when all that it took is durable. After an error the
	// answer is still sent, then the connection is closed.
	Receive(ctx context.Context, buf []byte) (used int, reply []byte, err error)
	// Answered is called after each Receive without an error, when the reply has
	// been written.
	Answered()
	// Close says that the conversation is over.
	Close()
}

// Writer sends to a device at any time, beside the replies of its session. Each
// Write goes out in one piece or fails, after Limits.Answer or little later; n
// tells how many bytes left. It may be used by several goroutines at once, and
// after the session: then it fails.
type Writer interface {
	Write(b []byte) (n int, err error)
}

// Handler makes sessions and answers requests.
type Handler interface {
	// Open starts a session with a remote address. w reaches the device.
	Open(t protocol.Transport, remote net.Addr, w Writer) Session
	// Request answers an HTTP request of a device with a status and a body.
	Request(ctx context.Context, r *protocol.Request, remote string) (status int, body []byte)
}

// Limits bound what devices can cost. All of them must be set.
type Limits struct {
	// Connections is how many TCP connections may be open on all ports together.
	Connections int
	// Frame is the longest frame or HTTP body in bytes.
	Frame int
	// Idle is how long a connection may be silent.
	Idle time.Duration
	// Greeting is how long a new connection may be silent.
	Greeting time.Duration
	// Answer is how long one Receive or Request may take.
	Answer time.Duration
}

// DefaultLimits suit one port. Trackers send a heartbeat every few minutes;
// those that sleep for hours hang up before.
var DefaultLimits = Limits{
	Connections: 100_000,
	Frame:       protocol.DefaultMaxFrame,
	Idle:        30 * time.Minute,
	Greeting:    time.Minute,
	Answer:      30 * time.Second,
}

// Counter counts what a transport sees. Its methods must be quick.
type Counter interface {
	// Connected is called with +1 and -1.
	Connected(delta int)
	// Refused counts connections over the limit.
	Refused()
	// Bytes counts what came in and went out.
	Bytes(in, out int)
}

// retryAccept waits a little after a failed accept or read (out of file
// descriptors, a network that is down), longer each time.
func retryAccept(ctx context.Context, log *slog.Logger, attempt int, err error) (ok bool) {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return false
	}
	wait := min(time.Second, 5*time.Millisecond<<min(attempt, 8))
	log.Warn("listener", "err", err, "retry", wait)
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}
