package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
	"github.com/waymark-gps/waymark/web-server/live"
)

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	// writeTimeout bounds an answer; long lists move it on as they are read.
	writeTimeout = time.Minute
	idleTimeout  = 2 * time.Minute
	// requestTimeout bounds the work of a request, streamTimeout that of a long list.
	requestTimeout = 30 * time.Second
	streamTimeout  = 5 * time.Minute
	// shutdownTimeout is how long requests may take to finish when we stop.
	shutdownTimeout = 10 * time.Second
	// tidyEvery is how often expired sessions are removed.
	tidyEvery = time.Hour

	maxHeaderBytes = 64 << 10
	maxBodyBytes   = 1 << 20
	// gzipFrom is the size from which an answer is compressed, in bytes.
	gzipFrom = 1 << 10
)

// Config is what an operator can set.
type Config struct {
	Listen string `koanf:"listen" desc:"address and port of the web interface and its API"`
}

// DefaultConfig listens on the port that existing clients expect.
func DefaultConfig() Config { return Config{Listen: ":8082"} }

// Validate checks the values.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen is %q, it must be an address and port like :8082: %w", c.Listen, data.ErrInvalid)
	}
	return nil
}

// Bus is how changes come in and go out.
type Bus interface {
	live.Bus
	PublishDevice(data.DeviceChange) error
	PublishUser(data.UserChange) error
}

// Deps are the parts a Server works with. All are needed, except where said.
type Deps struct {
	Store storage.Store
	Bus   Bus
	Log   *slog.Logger
	Now   func() time.Time
	// Metrics is where the server's metrics are registered.
	Metrics prometheus.Registerer
	// UI serves the web interface: every path that is not ours.
	UI http.Handler
	// ContentSecurityPolicy goes with every answer.
	ContentSecurityPolicy string
	// Health serves /healthz and /readyz. Optional.
	Health http.Handler
	// Ready tells whether we can serve, for /api/health; nil asks the store.
	Ready func(context.Context) error
	// BotUsername is the Telegram bot's name without @, "" while there is none.
	// Optional.
	BotUsername func() string
	// Passwords is the cost of password hashes; zero is auth.DefaultParams.
	Passwords auth.Params
}

// Server is the web server.
type Server struct {
	deps    Deps
	auth    *auth.Service
	hub     *live.Hub
	metrics *metrics
	handler http.Handler
	// editUsers makes one change of accounts follow the other, so that checks
	// on the old state still hold when the new one is written.
	editUsers sync.Mutex
}

// New makes a Server.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Ready == nil {
		deps.Ready = deps.Store.Ping
	}
	if deps.BotUsername == nil {
		deps.BotUsername = func() string { return "" }
	}
	if deps.Passwords == (auth.Params{}) {
		deps.Passwords = auth.DefaultParams
	}
	s := &Server{deps: deps, auth: auth.New(deps.Store, deps.Passwords, deps.Now)}
	var err error
	if s.hub, err = live.New(deps.Store, deps.Bus, deps.Log, deps.Now, deps.Metrics); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(deps.Metrics); err != nil {
		return nil, err
	}
	if s.handler, err = s.routes(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler serves everything, sockets included; those need Run for updates.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves l until ctx ends, then stops accepting, tells the sockets that it
// goes away and lets requests finish. It closes l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.deps.Log.Handler(), slog.LevelDebug),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.hub.Run(ctx) })
	g.Go(func() error { return s.tidy(ctx) })
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve web: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := srv.Shutdown(stop); err != nil {
			s.deps.Log.Warn("requests do not finish, closing their connections", "err", err)
			return srv.Close()
		}
		return nil
	})
	return g.Wait()
}

// tidy removes expired sessions now and then.
func (s *Server) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			ask, cancel := context.WithTimeout(ctx, requestTimeout)
			if err := s.deps.Store.DeleteExpiredSessions(ask, s.deps.Now()); err != nil && ctx.Err() == nil {
				s.deps.Log.Warn("remove expired sessions", "err", err)
			}
			cancel()
		}
	}
}

func (s *Server) routes() (http.Handler, error) {
	gzip, err := gzhttp.NewWrapper(gzhttp.MinSize(gzipFrom), gzhttp.CompressionLevel(3),
		gzhttp.ContentTypes([]string{"application/json"}))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(s.handle(func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("%w: the request comes from another site", data.ErrDenied)
	}))

	r := chi.NewRouter()
	r.Use(s.observe, s.recoverPanic, s.securityHeaders)
	if s.deps.Health != nil {
		for _, path := range []string{"/healthz", "/readyz"} {
			r.Handle(path, s.deps.Health)
		}
	}
	r.Route("/api", func(r chi.Router) {
		r.Use(csrf.Handler, limitBody, noStore)
		r.NotFound(s.handle(func(http.ResponseWriter, *http.Request) error {
			return fmt.Errorf("%w: there is nothing at this address", data.ErrNotFound)
		}))
		r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
			writeText(w, http.StatusMethodNotAllowed, "this address does not know that method")
		})
		r.With(s.authenticate).Get("/socket", s.handle(s.getSocket))
		r.With(s.authenticate, deadline(streamTimeout), asMiddleware(gzip)).Get("/positions", s.handle(s.getPositions))
		r.Group(func(r chi.Router) {
			r.Use(deadline(requestTimeout), asMiddleware(gzip))
			r.Get("/server", s.handle(s.getServer))
			r.Get("/health", s.handle(s.getHealth))
			r.Get("/session", s.handle(s.getSession))
			r.Post("/session", s.handle(s.postSession))
			r.Delete("/session", s.handle(s.deleteSession))
			r.Post("/users", s.handle(s.postUser)) // the first user has no account yet
			r.Group(s.userRoutes)
		})
	})
	r.NotFound(s.deps.UI.ServeHTTP)
	return r, nil
}

// userRoutes are those for which one must be signed in.
func (s *Server) userRoutes(r chi.Router) {
	r.Use(s.authenticate)
	r.Get("/users", s.handle(s.getUsers))
	r.Get("/users/{id}", s.handle(s.getUser))
	r.Put("/users/{id}", s.handle(s.putUser))
	r.Delete("/users/{id}", s.handle(s.deleteUser))
	r.Get("/devices", s.handle(s.getDevices))
	r.Post("/devices", s.handle(s.postDevice))
	r.Get("/devices/{id}", s.handle(s.getDevice))
	r.Put("/devices/{id}", s.handle(s.putDevice))
	r.Delete("/devices/{id}", s.handle(s.deleteDevice))
	r.Get("/telegram/link", s.handle(s.getTelegram))
	r.Post("/telegram/link", s.handle(s.postTelegram))
	r.Delete("/telegram/link", s.handle(s.deleteTelegram))
	for _, path := range emptyLists {
		r.Get(path, s.handle(getEmptyList))
	}
	r.Group(s.adminRoutes)
}

// emptyLists are kinds of things that existing clients ask for at start and
// that do not exist here: there are none of them.
var emptyLists = []string{"/geofences", "/groups", "/drivers", "/maintenance", "/calendars", "/reports/events"}

func getEmptyList(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, []byte("[]"))
}
