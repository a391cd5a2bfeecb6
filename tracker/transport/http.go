package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// ServeHTTP answers the requests of devices until ctx ends.
func ServeHTTP(ctx context.Context, l net.Listener, h Handler, lim Limits, pool *Pool, c Counter, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           httpHandler{h, lim, c},
		ReadHeaderTimeout: lim.Answer,
		ReadTimeout:       lim.Answer,
		WriteTimeout:      2 * lim.Answer,
		IdleTimeout:       lim.Greeting,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(grace); err != nil {
			srv.Close()
		}
	})
	err := srv.Serve(&limited{l, lim, pool, c})
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// limited accepts connections as long as the pool has room.
type limited struct {
	net.Listener
	lim  Limits
	pool *Pool
	c    Counter
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.pool.enter(l.lim, l.c) {
			return &counted{Conn: conn, leave: func() { l.pool.leave(l.c) }}, nil
		}
		conn.Close()
	}
}

// counted leaves the pool when it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

type httpHandler struct {
	h   Handler
	lim Limits
	c   Counter
}

func (s httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.lim.Frame)))
	if err != nil {
		http.Error(w, "the body cannot be read or is too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.c.Bytes(len(body)+len(r.RequestURI), 0)
	ctx, cancel := context.WithTimeout(r.Context(), s.lim.Answer)
	defer cancel()
	status, reply := s.h.Request(ctx, &protocol.Request{
		Method:      r.Method,
		Path:        r.URL.Path,
		Query:       r.URL.RawQuery,
		ContentType: r.Header.Get("Content-Type"),
		Header:      r.Header.Get,
		SetHeader:   w.Header().Set,
		Body:        body,
	}, r.RemoteAddr)
	w.WriteHeader(status)
	if n, err := w.Write(reply); err == nil {
		s.c.Bytes(0, n)
	}
}
