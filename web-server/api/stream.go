package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
)

const (
	// streamChunk is how much of a list is gathered before it is sent, in bytes;
	// chunkTimeout is how long the client may take to read that much.
	streamChunk  = 64 << 10
	chunkTimeout = 30 * time.Second
)

var (
	errClientGone = errors.New("the client does not read")
	errHeadOnly   = errors.New("the client wants the header alone")
)

// silence is how long a request may work without sending anything.
type silence struct {
	timer *time.Timer
	limit time.Duration
}

// breakSilence lets a request work for as long as it sends something now and then:
// a client that reads slowly is not cut off while it reads.
func breakSilence(limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancelCause(r.Context())
			defer cancel(nil)
			p := silence{time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) }), limit}
			defer p.timer.Stop()
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, silenceKey, p)))
		})
	}
}

// stream writes an answer of any length in bounded memory. The client may take
// chunkTimeout for each part, however long the whole is.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	log     *slog.Logger
	// chunk is chunkTimeout, but in tests.
	chunk time.Duration
	// started says that a part is on its way, so that the status cannot change.
	started bool
	// head says that only the header was asked for.
	head bool
	// sent is called with each part.
	sent func()
	// why is why the work had to end; nil while it need not.
	why func() error
}

func newStream(w http.ResponseWriter, log *slog.Logger) *stream {
	return &stream{
		w: w, control: http.NewResponseController(w), log: log, chunk: chunkTimeout, sent: func() {}, why: func() error { return nil },
	}
}

// stream answers a request that works as long as it sends something, see breakSilence.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) *stream {
	out := newStream(w, s.requestLog(r))
	out.head = r.Method == http.MethodHead
	out.chunk, out.why = s.chunkTimeout, func() error { return context.Cause(r.Context()) }
	if p, ok := r.Context().Value(silenceKey).(silence); ok {
		out.sent = func() { p.timer.Reset(p.limit) }
	}
	return out
}

// Write sends a part. Headers must have been set before.
func (s *stream) Write(part []byte) (int, error) {
	s.started = true
	if s.head { // the first part means that there is an answer: the rest need not be read
		return 0, errHeadOnly
	}
	// Writers in tests have no deadline to move.
	if err := s.control.SetWriteDeadline(time.Now().Add(s.chunk)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("%w: %w", errClientGone, err)
	}
	n, err := s.w.Write(part)
	s.sent()
	if err != nil {
		err = fmt.Errorf("%w: %w", errClientGone, err)
	}
	return n, err
}

// finish ends the answer. An error that comes after a part was sent cuts the
// connection, so that an incomplete answer is not taken for a whole one.
// Positions that cannot be read (block.ErrCorrupt) are such an error: all others
// were sent before.
func (s *stream) finish(err error) error {
	switch {
	case err == nil, s.head && s.started:
		return nil
	case errors.Is(err, errClientGone), errors.Is(err, context.Canceled) && !errors.Is(s.why(), context.DeadlineExceeded):
		panic(http.ErrAbortHandler)
	case s.started:
		s.log.Error("answer cut off, it is incomplete", "err", err)
		_ = s.control.Flush() // the connection ends in any case
		panic(http.ErrAbortHandler)
	}
	return fmt.Errorf("read positions: %w", err)
}

// positionStream is a stream of a JSON list of positions.
type positionStream struct {
	*stream
	buf   []byte
	empty bool
}

func newPositionStream(out *stream) *positionStream {
	return &positionStream{stream: out, buf: []byte{'['}, empty: true}
}

func (s *positionStream) add(p *data.Position) error {
	if !s.empty {
		s.buf = append(s.buf, ',')
	}
	s.empty = false
	s.buf = p.AppendJSON(s.buf)
	if len(s.buf) < streamChunk {
		return nil
	}
	return s.send()
}

func (s *positionStream) send() error {
	if !s.started {
		s.w.Header().Set("Content-Type", "application/json")
	}
	_, err := s.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// finish ends the list. One with positions missing does not get its bracket.
func (s *positionStream) finish(err error) error {
	switch {
	case err == nil:
		s.buf = append(s.buf, ']')
		err = s.send()
	case errors.Is(err, block.ErrCorrupt) && !s.empty:
		err = errors.Join(err, s.send())
	}
	return s.stream.finish(err)
}
