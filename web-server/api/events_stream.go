package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
)

// streamRetry is how soon a browser comes back after a stream broke.
const streamRetry = 5 * time.Second

// getStream is the live channel for those who cannot open a socket: the same
// messages as server-sent events (HTML, 9.2), one each. It begins with the
// current positions, so who comes back has missed nothing that still counts.
// When the server ends it, an event "close" says why; after code 4000, signed
// out, there is no use in coming back.
func (s *Server) getStream(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // nginx holds answers back otherwise
	if r.Method == http.MethodHead {
		return nil
	}
	c := &eventStream{out: s.stream(w, r), gone: r.Context(), closed: make(chan struct{})}
	if err := c.event(r.Context(), fmt.Sprintf("retry: %d\n\n", streamRetry.Milliseconds())); err != nil {
		return c.out.finish(err)
	}
	if err := s.serveLive(r.Context(), c, identityOf(r)); err != nil {
		s.deps.Log.Debug("stream ended", "request", requestID(r.Context()), "err", err)
	}
	return nil
}

// eventStream is a live.Conn of which the client only reads.
type eventStream struct {
	// gone ends when the client goes.
	gone context.Context //nolint:containedctx // it stands for the connection
	mu   sync.Mutex
	out  *stream
	once sync.Once
	// closed is closed by Close and CloseNow.
	closed chan struct{}
}

// Read waits for the end: the client says nothing.
func (c *eventStream) Read(ctx context.Context) (websocket.MessageType, []byte, error) {
	select {
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	case <-c.gone.Done():
		return 0, nil, c.gone.Err()
	case <-c.closed:
		return 0, nil, io.EOF
	}
}

// Write sends a message. JSON has no line break in it.
func (c *eventStream) Write(ctx context.Context, _ websocket.MessageType, message []byte) error {
	return c.event(ctx, "data: "+string(message)+"\n\n")
}

func (c *eventStream) event(ctx context.Context, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return io.ErrClosedPipe
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	if _, err := c.out.Write([]byte(text)); err != nil {
		return err
	}
	if err := c.out.control.Flush(); err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}

// SetReadLimit implements live.Conn; there is nothing to read.
func (*eventStream) SetReadLimit(int64) {}

// Close says why the stream ends.
func (c *eventStream) Close(code websocket.StatusCode, reason string) error {
	b := fmt.Appendf(nil, "event: close\ndata: {\"code\":%d,\"reason\":", code)
	b = append(data.AppendJSONString(b, reason), "}\n\n"...)
	err := c.event(context.Background(), string(b)) // the stream's own deadline bounds it
	c.once.Do(func() { close(c.closed) })
	return err
}

// CloseNow ends the stream, also while a message is being written.
func (c *eventStream) CloseNow() error {
	c.once.Do(func() { close(c.closed) })
	return c.out.control.SetWriteDeadline(time.Unix(1, 0))
}
