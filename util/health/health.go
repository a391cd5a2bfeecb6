// Package health answers the probes of those who run the program: is it alive,
// can it serve, what does it count.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/util/metric"
)

// cacheFor is how long an answer of the checks stands: however many probes
// come, the database is asked once in that time.
const cacheFor = time.Second

// Accepting is the name under which /readyz tells that the program as a whole
// does not want work: it starts or ends.
const Accepting = "accepting"

// Health knows whether a program can serve. It can not before
// SetReady(true).
type Health struct {
	log     *slog.Logger
	metrics *metric.Set
	ready   atomic.Bool

	mu     sync.Mutex
	checks []*check
	// at is when failing was found; running is closed when a round of checks
	// that is under way ends, and nil when there is none.
	at      time.Time
	failing []string
	running chan struct{}
}

type check struct {
	name    string
	timeout time.Duration
	run     func(context.Context) error
	// busy holds a token while run runs: a check that does not heed its
	// deadline is not started again, and counts as failed.
	busy chan struct{}
	// failed is what the last round found; only a round touches it.
	failed bool
}

// New makes a Health that shows a set of metrics and logs when a check begins
// to fail and when it passes again.
func New(log *slog.Logger, set *metric.Set) *Health {
	return &Health{log: log, metrics: set}
}

// Add adds a check of something the program cannot serve without. It passes if
// run returns nil within timeout. The name is shown to everybody, the error
// goes to the log.
func (h *Health) Add(name string, timeout time.Duration, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, timeout: timeout, run: run, busy: make(chan struct{}, 1)})
	h.at = time.Time{}
}

// SetReady says whether the program wants work.
func (h *Health) SetReady(ready bool) { h.ready.Store(ready) }

// LameDuck makes a part of a program that tells the world when to send work:
// ready from its start on, no longer ready when ctx ends, and then it waits for
// pause so that load balancers notice while the servers still serve. It stands
// in a layer above theirs (package rungroup).
func (h *Health) LameDuck(pause time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		h.SetReady(true)
		<-ctx.Done()
		h.SetReady(false)
		time.Sleep(pause)
		return nil
	}
}

// Failing names the checks that do not pass, in the order of their adding; none
// means that the program can serve. It asks them all at once, at most once a
// second, and returns when the slowest has had its time, or ctx ends.
func (h *Health) Failing(ctx context.Context) ([]string, error) {
	var failing []string
	if !h.ready.Load() {
		failing = append(failing, Accepting)
	}
	for {
		h.mu.Lock()
		if !h.at.IsZero() && time.Since(h.at) < cacheFor {
			failing = append(failing, h.failing...)
			h.mu.Unlock()
			return failing, nil
		}
		if wait := h.running; wait != nil {
			h.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		done := make(chan struct{})
		h.running = done
		checks := slices.Clone(h.checks)
		h.mu.Unlock()

		// The answer is for all who ask: it does not end with the first of them.
		found := h.round(context.WithoutCancel(ctx), checks)
		h.mu.Lock()
		h.at, h.failing, h.running = time.Now(), found, nil
		h.mu.Unlock()
		close(done)
		return append(failing, found...), nil
	}
}

var errBusy = errors.New("still waiting for the answer to an earlier probe")

// round runs all checks.
func (h *Health) round(ctx context.Context, checks []*check) []string {
	errs := make([]error, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() { errs[i] = c.ask(ctx) })
	}
	wg.Wait()
	var failing []string
	for i, c := range checks {
		if errs[i] != nil {
			failing = append(failing, c.name)
			if !c.failed {
				h.log.Warn("health check fails", "check", c.name, "err", errs[i])
			}
		} else if c.failed {
			h.log.Info("health check passes again", "check", c.name)
		}
		c.failed = errs[i] != nil
	}
	return failing
}

// ask runs one check and waits no longer than its timeout.
func (c *check) ask(ctx context.Context) error {
	select {
	case c.busy <- struct{}{}:
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	answer := make(chan error, 1)
	go func() {
		defer cancel()
		err := c.run(ctx)
		<-c.busy
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		// Both may have happened; an answer counts.
		select {
		case err := <-answer:
			return err
		default:
			return ctx.Err()
		}
	}
}

// Probes serves
//
//	/healthz  200 "ok" as long as the process answers
//	/readyz   200, or 503, with {"ready":false,"failing":["store"]}
func (h *Health) Probes() http.Handler { return h.probes() }

// Operations serves the probes and what only operators should see:
//
//	/metrics        for Prometheus
//	/debug/pprof/   profiles of the running program, for go tool pprof
func (h *Health) Operations() http.Handler {
	mux := h.probes()
	mux.Handle("GET /metrics", metric.Handler(h.metrics))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func (h *Health) probes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		failing, err := h.Failing(r.Context())
		if err != nil {
			return // nobody waits for the answer any more
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if len(failing) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		json.NewEncoder(w).Encode(struct {
			Ready   bool     `json:"ready"`
			Failing []string `json:"failing,omitempty"`
		}{len(failing) == 0, failing})
	})
	return mux
}
