package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// sessionCookie carries the session token; existing clients know it by this name.
const sessionCookie = "JSESSIONID"

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_web_requests_total", Help: "Requests answered.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "waymark_web_request_seconds", Help: "Time to answer a request, sockets left out.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"route"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register web metrics: %w", err)
		}
	}
	return m, nil
}

type contextKey int

const (
	requestIDKey contextKey = iota
	identityKey
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// observe gives the request an id, counts it and logs it at debug.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw [8]byte
		rand.Read(raw[:])
		id := hex.EncodeToString(raw[:])
		w.Header().Set("X-Request-Id", id)
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		began := time.Now()
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey, id))
		defer func() {
			route := routeOf(r)
			// A socket's code is that of its handshake.
			code := ww.Status()
			s.metrics.requests.WithLabelValues(methodOf(r), route, strconv.Itoa(code)).Inc()
			if code != http.StatusSwitchingProtocols {
				s.metrics.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
			}
			s.deps.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
				slog.String("request", id), slog.String("method", r.Method), slog.String("route", route),
				slog.Int("code", code), slog.Int("bytes", ww.BytesWritten()), slog.String("remote", r.RemoteAddr),
				slog.Duration("took", time.Since(began)))
		}()
		next.ServeHTTP(ww, r)
	})
}

// routeOf names the route, not the path: paths hold identities of devices, and
// anyone can invent new ones.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		if pattern := c.RoutePattern(); pattern != "" && pattern != "/*" {
			return pattern
		}
	}
	return "ui"
}

func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recoverPanic turns a bug into a 500 and a log record.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			switch {
			case v == nil:
				return
			case v == http.ErrAbortHandler: //nolint:errorlint // net/http compares it so
				panic(v)
			}
			s.deps.Log.Error("panic in a request", "request", requestID(r.Context()), "route", routeOf(r),
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() != 0 {
				panic(http.ErrAbortHandler) // half an answer is out: cut the connection
			}
			writeText(w, http.StatusInternalServerError, internalText(r))
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if s.deps.ContentSecurityPolicy != "" {
			h.Set("Content-Security-Policy", s.deps.ContentSecurityPolicy)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

func deadline(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), d)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

func asMiddleware(wrap func(http.Handler) http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return wrap(next) }
}

// identity is who sent a request and how they proved it.
type identity struct {
	user data.User
	// session is the hash of the cookie's token; unset with Basic.
	session   [32]byte
	bySession bool
}

// authenticate lets only signed-in people and programs through.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		id, err := s.identify(w, r.WithContext(ctx))
		cancel()
		if err != nil {
			return err
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey, id)))
		return nil
	})
}

// identify finds out who sent a request: the Authorization header if there is
// one, else the cookie, which it renews. None or wrong: auth.ErrUnauthenticated.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (identity, error) {
	if r.Header.Get("Authorization") != "" {
		email, password, ok := r.BasicAuth()
		if !ok {
			return identity{}, auth.ErrUnauthenticated
		}
		u, err := s.auth.CheckBasic(r.Context(), email, password, remoteAddr(r))
		return identity{user: u}, err
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return identity{}, auth.ErrUnauthenticated
	}
	id := identity{session: auth.HashToken(cookie.Value), bySession: true}
	var extended bool
	id.user, extended, err = s.auth.Resume(r.Context(), id.session)
	if extended && err == nil {
		setSessionCookie(w, r, cookie.Value)
	}
	return id, err
}

// identityOf is the identity of a request that passed authenticate.
func identityOf(r *http.Request) identity { return r.Context().Value(identityKey).(identity) }

// viewer says what the sender of a request may see.
func (s *Server) viewer(r *http.Request) (auth.Viewer, error) {
	return s.auth.Viewer(r.Context(), identityOf(r).user)
}

// administratorOnly lets only administrators through.
func (s *Server) administratorOnly(next http.Handler) http.Handler {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		if v := (auth.Viewer{User: identityOf(r).user}); !v.Administrator() {
			return errAdministratorsOnly
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

var errAdministratorsOnly = fmt.Errorf("%w: only administrators may do this", data.ErrDenied)

// remoteAddr is the address of the peer, the zero Addr if it cannot be read.
func remoteAddr(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr()
}

// setSessionCookie hands a session token out, or takes it back if it is empty.
// It is Secure whenever the request came over TLS.
func setSessionCookie(w http.ResponseWriter, r *http.Request, token string) {
	c := &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
		MaxAge: int(auth.SessionLife / time.Second),
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func isTooLarge(err error) bool {
	var tooLarge *http.MaxBytesError
	return errors.As(err, &tooLarge)
}
