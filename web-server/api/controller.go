package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/notify"
	"github.com/waymark-gps/waymark/util/statistics"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
	"github.com/waymark-gps/waymark/web-server/coding"
	"github.com/waymark-gps/waymark/web-server/jobs"
	"github.com/waymark-gps/waymark/web-server/live"
	"github.com/waymark-gps/waymark/web-server/reporting"
)

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	// writeTimeout bounds an answer; long lists move it on as they are read.
	writeTimeout = time.Minute
	idleTimeout  = 2 * time.Minute
	// requestTimeout bounds the work of a request, streamTimeout that of a long
	// list between two parts of it.
	requestTimeout = 30 * time.Second
	streamTimeout  = 5 * time.Minute
	// shutdownTimeout is how long requests may take to finish when we stop.
	shutdownTimeout = 10 * time.Second
	// tidyEvery is how often expired sessions are removed.
	tidyEvery = time.Hour

	maxHeaderBytes = 64 << 10
	maxBodyBytes   = 1 << 20
)

// Bus is how changes come in and go out.
type Bus interface {
	live.Bus
	PublishDevice(data.DeviceChange) error
	PublishUser(data.UserChange) error
	PublishAccess(data.AccessChange) error
	PublishObject(data.ObjectChange) error
	SubscribeAccess(func(data.AccessChange)) (unsubscribe func(), err error)
	PublishLive(shard int, positions []data.Position) error
	PublishCommand(data.CommandChange) error
	SubscribeCommands(func(data.CommandChange)) (unsubscribe func(), err error)
	PublishNotice(data.Notice) error
	// CommandTypes are the commands of a protocol; data.ErrUnavailable while no
	// tracker runs.
	CommandTypes(protocol string) ([]string, error)
}

// Deps are the parts a Server works with. All are needed, except where said.
type Deps struct {
	Store storage.Store
	Bus   Bus
	Log   *slog.Logger
	Now   func() time.Time
	// Mail sends mail; nil where none is sent.
	Mail Mailer
	// Metrics is where the server's metrics are registered.
	Metrics *metric.Set
	// UI serves the web interface: every path that is not ours.
	UI http.Handler
	// ContentSecurityPolicy goes with every answer.
	ContentSecurityPolicy string
	// Health serves /healthz and /readyz. Optional.
	Health http.Handler
	// Ready tells whether we can serve, for /api/health; nil asks the store.
	Ready func(context.Context) error
	// Notifier tells people what happened; somebody else runs it. Nil makes one
	// that only answers questions.
	Notifier *notify.Notifier
	// Fleet knows what holds for devices; nil looks each time.
	Fleet *fleet.Fleet
	// BotUsername is the Telegram bot's name without @, "" while there is none.
	// Optional.
	BotUsername func() string
	// JobsDir is where the files of jobs are kept; empty for no jobs.
	JobsDir string
	// Backup writes everything in the store to a new file and calls step now and
	// then; nil where there are no backups.
	Backup func(ctx context.Context, file string, step func()) error
	// Statistics counts requests and who makes them. Optional.
	Statistics *statistics.Counters
	// Passwords is the cost of password hashes; zero is auth.DefaultParams.
	Passwords auth.Params
}

// Server is the web server.
type Server struct {
	deps Deps
	cfg  Config
	// proxies are the trusted ones.
	proxies []netip.Prefix
	// passkeys and openID are nil where they are not set up.
	passkeys *auth.Passkeys
	openID   *auth.OIDC
	// resets are the mails about forgotten passwords that wait.
	resets chan reset
	auth   *auth.Service
	access *access.Service
	shares *auth.Shares
	tracks *histories
	hub    *live.Hub
	// reports makes reports and sends them.
	reports *reporting.Service
	// jobs is nil without a folder for them; uploads bounds what comes in for them.
	jobs    *jobs.Manager
	uploads chan struct{}
	metrics *metrics
	handler http.Handler
	// editUsers makes one change of accounts follow the other, so that checks
	// on the old state still hold when the new one is written.
	editUsers sync.Mutex
	// waits are the requests that wait for a command to leave.
	waits waits
	// sentWait is how long they wait.
	sentWait time.Duration
	// chunkTimeout is how long a client may take to read a part of an answer.
	chunkTimeout time.Duration
	interlockKmh float64
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
	s := &Server{
		deps: deps, auth: auth.New(deps.Store, deps.Passwords, deps.Now), access: access.New(deps.Store, deps.Now), interlockKmh: float64(cfg.InterlockSpeed),
		sentWait: data.CommandSentNow, chunkTimeout: chunkTimeout,
	}
	if err := s.setUpAccounts(cfg); err != nil {
		return nil, err
	}
	err := s.setUpNotifier()
	if err != nil {
		return nil, err
	}
	s.shares, s.tracks = auth.NewShares(deps.Store, s.access, deps.Now), newHistories(deps.Now)
	s.hub = live.New(deps.Store, deps.Bus, deps.Log, deps.Now, deps.Metrics)
	s.reports = s.newReports()
	s.uploads = make(chan struct{}, maxUploads)
	if deps.JobsDir != "" {
		if s.jobs, err = jobs.New(deps.JobsDir, int64(cfg.JobsMiB)<<20, deps.Now, deps.Log); err != nil {
			return nil, err
		}
	}
	s.metrics = newMetrics(deps.Metrics)
	s.handler = s.routes()
	return s, nil
}

// setUpAccounts sets up the ways to sign in.
func (s *Server) setUpAccounts(cfg Config) (err error) {
	s.cfg, s.resets = cfg, make(chan reset, resetQueue)
	if s.proxies, err = parsePrefixes(cfg.TrustedProxies); err != nil {
		return err
	}
	s.auth.LimitRequests(cfg.TokenRate)
	if cfg.URL == "" {
		return nil
	}
	if s.passkeys, err = auth.NewPasskeys(s.auth, cfg.URL); err != nil {
		return err
	}
	if cfg.OIDC.Enabled() {
		s.openID = auth.NewOIDC(s.auth, cfg.OIDC, cfg.URL)
	}
	return nil
}

// setUpNotifier makes a notifier where there is none.
func (s *Server) setUpNotifier() (err error) {
	d := &s.deps
	if d.Notifier == nil {
		d.Notifier, err = notify.New(notify.DefaultConfig(), notify.Deps{
			Store: d.Store, Bus: d.Bus, Log: d.Log, Now: d.Now, Mail: d.Mail, Telegram: func() bool { return d.BotUsername() != "" },
		})
	}
	return err
}

// Handler serves everything, sockets included; those need Run for updates.
func (s *Server) Handler() http.Handler { return s.handler }

// httpServer is the HTTP server with its limits.
func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.deps.Log.Handler(), slog.LevelDebug),
	}
}

// Run serves l until ctx ends, then stops accepting, tells the sockets that it
// goes away and lets requests finish. It closes l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := s.httpServer()
	unwatch, err := s.deps.Bus.SubscribeCommands(s.waits.changed)
	if err != nil {
		l.Close()
		return fmt.Errorf("subscribe to commands: %w", err)
	}
	defer unwatch()
	unsubscribe, err := s.deps.Bus.SubscribeAccess(s.onAccess)
	if err != nil {
		l.Close()
		return fmt.Errorf("subscribe to permissions: %w", err)
	}
	defer unsubscribe()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.hub.Run(ctx) })
	g.Go(func() error { return s.tidy(ctx) })
	g.Go(func() error { return s.sendResets(ctx) })
	g.Go(func() error { return s.reports.Run(ctx) })
	if s.jobs != nil {
		g.Go(func() error { return s.jobs.Run(ctx) })
	}
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
			if err := s.deps.Store.DeleteEndedShares(ask, s.deps.Now().Add(-keepEndedShares)); err != nil && ctx.Err() == nil {
				s.deps.Log.Warn("remove ended shares", "err", err)
			}
			if err := s.deps.Store.DeleteExpiredTickets(ask, s.deps.Now()); err != nil && ctx.Err() == nil {
				s.deps.Log.Warn("remove expired tickets", "err", err)
			}
			cancel()
		}
	}
}

func (s *Server) routes() http.Handler {
	compress := coding.Compress(compressed)
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(s.handle(func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("%w: the request comes from another site", data.ErrDenied)
	}))

	r := chi.NewRouter()
	// What answers GET answers HEAD (RFC 9110, 9.1).
	r.Use(s.behindProxy, s.observe, s.recoverPanic, s.securityHeaders, middleware.GetHead)
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
		r.MethodNotAllowed(refuseMethod)
		r.With(tokenInQuery, s.authenticate).Get("/socket", s.handle(s.getSocket))
		r.With(s.authenticate).Get("/stream", s.handle(s.getStream))
		r.Group(func(r chi.Router) {
			r.Use(s.authenticate, breakSilence(streamTimeout), compress)
			s.positionRoutes(r)
			s.reportRoutes(r)
			r.Get("/geofences/export", s.handle(s.exportGeofences))
			r.Post("/geofences/import", s.handle(s.importGeofences))
		})
		r.Group(func(r chi.Router) {
			r.Use(s.authenticate)
			s.jobFileRoutes(r)
		})
		r.Group(func(r chi.Router) {
			r.Use(deadline(requestTimeout), compress, tagLists)
			r.Get("/server", s.handle(s.getServer))
			r.Get("/health", s.handle(s.getHealth))
			s.documentRoutes(r)
			r.Get("/public/{token}", s.handle(s.getPublic))
			r.Get("/session", s.handle(s.getSession))
			r.Post("/session", s.handle(s.postSession))
			r.Delete("/session", s.handle(s.deleteSession))
			r.Post("/session/passkey/options", s.handle(s.postPasskeyLoginOptions))
			r.Post("/session/passkey", s.handle(s.postPasskeyLogin))
			r.Get("/session/openid/auth", s.handle(s.getOpenID))
			r.Get("/session/openid/callback", s.handle(s.getOpenIDCallback))
			r.Post("/password/reset", s.handle(s.postReset))
			r.Post("/password/update", s.handle(s.postNewPassword))
			r.Post("/users", s.handle(s.postUser)) // the first user has no account yet
			r.Group(s.userRoutes)
		})
	})
	r.NotFound(s.deps.UI.ServeHTTP)
	return r
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
	s.accountRoutes(r)
	s.commandRoutes(r)
	r.Get("/telegram/link", s.handle(s.getTelegram))
	r.Post("/telegram/link", s.handle(s.postTelegram))
	r.Delete("/telegram/link", s.handle(s.deleteTelegram))
	r.Put("/devices/{id}/accumulators", s.handle(s.putAccumulators))
	r.Post("/devices/{id}/image", s.handle(s.postImage))
	r.Get("/media/{uniqueId}/{file}", s.handle(s.getMedia))
	r.Get("/server/timezones", s.handle(s.getTimezones))
	r.Post("/permissions", s.handle(s.postPermission))
	r.Post("/permissions/bulk", s.handle(s.postPermissions))
	r.Delete("/permissions", s.handle(s.deletePermission))
	r.Delete("/permissions/bulk", s.handle(s.deletePermissions))
	s.objectRoutes(r)
	s.eventRoutes(r)
	s.shareRoutes(r)
	s.jobRoutes(r)
	s.scheduleRoutes(r)
	r.Group(s.adminRoutes)
}
