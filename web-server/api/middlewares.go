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
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/geofence/files"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// sessionCookie carries the session token; existing clients know it by this name.
const sessionCookie = "JSESSIONID"

type metrics struct {
	requests metric.CounterOf
	seconds  func(route string) *metric.Histogram
}

func newMetrics(set *metric.Set) *metrics {
	return &metrics{
		requests: metric.Counters(set, "waymark_web_requests_total", "method", "route", "code"),
		seconds: func(route string) *metric.Histogram {
			return set.GetOrCreatePrometheusHistogramExt(metric.Name("waymark_web_request_seconds", "route", route),
				[]float64{.001, .005, .025, .1, .5, 2.5, 10})
		},
	}
}

type contextKey int

const (
	requestIDKey contextKey = iota
	identityKey
	secureKey
	silenceKey
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// requestLog is the log with what tells this request from others.
func (s *Server) requestLog(r *http.Request) *slog.Logger {
	return s.deps.Log.With("request", requestID(r.Context()), "route", routeOf(r))
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
			s.metrics.requests(methodOf(r), route, strconv.Itoa(code)).Inc()
			if code != http.StatusSwitchingProtocols {
				s.metrics.seconds(route).Update(time.Since(began).Seconds())
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
			s.requestLog(r).Error("panic in a request", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() != 0 {
				panic(http.ErrAbortHandler) // half an answer is out: cut the connection
			}
			refuse(w, r, http.StatusInternalServerError, internalText(r))
		}()
		next.ServeHTTP(w, r)
	})
}

// stayOnTLS is half a year: long enough to protect, and it ends if somebody
// gives TLS up.
const stayOnTLS = "max-age=15552000"

func (s *Server) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if s.deps.ContentSecurityPolicy != "" {
			h.Set("Content-Security-Policy", s.deps.ContentSecurityPolicy)
		}
		if isSecure(r) {
			h.Set("Strict-Transport-Security", stayOnTLS)
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
		limit := int64(maxBodyBytes)
		switch r.URL.Path {
		case importPath:
			limit = maxUploadBytes
		case geofencesPath:
			limit = files.MaxBytes
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
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

// identity is who sent a request and how they proved it.
type identity struct {
	user data.User
	// viewer says what the user may see and do.
	viewer access.Viewer
	// session is the hash of the cookie's secret; unset without a cookie.
	session   [32]byte
	bySession bool
	// token is the personal token that was sent, or that the session was opened
	// with; the zero Token for none.
	token data.Token
	// shared is set for a guest who came by a shared link.
	shared *auth.Opened
}

// authenticate lets only signed-in people and programs through.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		id, err := s.identify(w, r.WithContext(ctx))
		if err == nil && id.shared == nil {
			id.viewer, err = s.access.Viewer(ctx, id.user)
		}
		cancel()
		if err != nil {
			return err
		}
		s.deps.Statistics.Add(data.CountRequests, 1)
		s.deps.Statistics.User(id.user.ID)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey, id)))
		return nil
	})
}

// identify finds out who sent a request: the Authorization header if there is
// one, else the cookie, which it renews. None or wrong: auth.ErrUnauthenticated.
// A token that does not allow the request is data.ErrDenied.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (identity, error) {
	id, err := s.credentials(w, r)
	if err != nil {
		return id, err
	}
	return id, id.allows(r.Method)
}

// allows tells whether the token, if any, is one for such requests.
func (id *identity) allows(method string) error {
	reads := method == http.MethodGet || method == http.MethodHead
	switch {
	case id.token.ID == 0, id.token.Scope == data.ScopeFull, id.token.Scope == data.ScopeReadonly && reads:
		return nil
	}
	return errReadonlyToken
}

var errReadonlyToken = fmt.Errorf("%w: this token only reads", data.ErrDenied)

func (s *Server) credentials(w http.ResponseWriter, r *http.Request) (identity, error) {
	if token, ok := shareToken(r); ok {
		return s.byShare(r, token)
	}
	if secret, ok := bearer(r); ok {
		return s.byToken(r, secret)
	}
	if r.Header.Get("Authorization") != "" {
		email, password, ok := r.BasicAuth()
		if !ok {
			return identity{}, auth.ErrUnauthenticated
		}
		u, err := s.auth.CheckBasic(r.Context(), email, password, remoteAddr(r))
		if err == nil {
			err = s.mayUsePassword(&u)
		}
		return identity{user: u}, err
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return identity{}, auth.ErrUnauthenticated
	}
	id := identity{session: auth.HashToken(cookie.Value), bySession: true}
	res, err := s.auth.Resume(r.Context(), id.session)
	if err != nil {
		return id, err
	}
	id.user, id.token = res.User, res.Token
	if res.Extended {
		setSessionCookie(w, r, cookie.Value)
	}
	return id, s.auth.CountRequest(id.token)
}

// byToken is the identity of a personal token.
func (s *Server) byToken(r *http.Request, secret string) (identity, error) {
	u, t, err := s.auth.CheckToken(r.Context(), secret)
	return identity{user: u, token: t}, err
}

// bearer is the token of the Authorization header.
func bearer(r *http.Request) (secret string, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

// sameSite refuses requests that another site makes a browser send: they must
// not change who somebody is. Links in mails and typed addresses are fine.
func sameSite(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return errOtherSite
	}
	return nil
}

var errOtherSite = fmt.Errorf("%w: the request comes from another site", data.ErrDenied)

// identityOf is the identity of a request that passed authenticate.
func identityOf(r *http.Request) identity { return r.Context().Value(identityKey).(identity) }

// administratorOnly lets only administrators through.
func (s *Server) administratorOnly(next http.Handler) http.Handler {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		if !viewerOf(r).Administrator() {
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
// It is Secure whenever the browser came over TLS.
func setSessionCookie(w http.ResponseWriter, r *http.Request, token string) {
	c := &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: isSecure(r),
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
